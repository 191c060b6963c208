package clients

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	api "imageproofclient"
)

// uploads is a server that keeps the files that arrive.
func uploads(t *testing.T) (*httptest.Server, func() [][]byte) {
	var lock sync.Mutex
	var files [][]byte
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseMultipartForm(1 << 20)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		lock.Lock()
		defer lock.Unlock()
		for _, parts := range r.MultipartForm.File {
			for _, part := range parts {
				files = append(files, contents(t, part))
			}
		}
		io.WriteString(w, onePicture)
	})
	return server, func() [][]byte {
		lock.Lock()
		defer lock.Unlock()
		return files
	}
}

func contents(t *testing.T, part *multipart.FileHeader) []byte {
	file, err := part.Open()
	if err != nil {
		t.Error(err)
		return nil
	}
	defer file.Close()
	data, _ := io.ReadAll(file)
	return data
}

func edit(client *api.Client, file api.FileOrFiles, options ...api.Option) error {
	_, err := client.Images.Edit(context.Background(), api.EditParams{Prompt: "x", Image: file}, options...)
	return err
}

func TestAReaderThatIsUsedTwiceIsWholeOrAnError(t *testing.T) {
	data := png(t, 64, 64)
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	section := io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
	for name, reader := range map[string]io.Reader{
		"bytes": bytes.NewReader(data), "file": opened, "section": section, "seeker": onlySeeker{bytes.NewReader(data)},
	} {
		server, arrived := uploads(t)
		client, file := clientOf(t, server.URL), api.FileReader(reader)
		for _, one := range []api.FileOrFiles{file, file, file.Named("b.png"), api.Files{file, file}} {
			if err := edit(client, one); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		got := arrived()
		for _, one := range got {
			if !bytes.Equal(one, data) {
				t.Errorf("%s: %d bytes arrived", name, len(one))
			}
		}
		if len(got) != 5 {
			t.Errorf("%s: %d files", name, len(got))
		}
	}

	server, arrived := uploads(t)
	client, once := clientOf(t, server.URL), onlyReader{bytes.NewReader(data)}
	file := api.FileReader(once)
	if err := edit(client, api.Files{file, file}); err == nil || !strings.Contains(err.Error(), "the same reader twice") {
		t.Error(err)
	}
	if err := edit(client, file, api.WithFamily("none")); err == nil { // refused before it is sent
		t.Error("no error")
	}
	if err := edit(client, file); err != nil { // what was read ahead is not lost
		t.Error(err)
	}
	if err := edit(client, file); err == nil || !strings.Contains(err.Error(), "image: this reader was sent before") {
		t.Error(err)
	}
	if err := edit(client, api.FileReader(once)); err == nil || !strings.Contains(err.Error(), "image: the reader has nothing") {
		t.Error(err)
	}
	if got := arrived(); len(got) != 1 || !bytes.Equal(got[0], data) {
		t.Error(len(got))
	}
}

type onlySeeker struct{ io.ReadSeeker }

func TestOneReaderInManyCallsAtTheSameTime(t *testing.T) {
	data := append(png(t, 64, 64), bytes.Repeat([]byte("x"), 300_000)...)
	server, arrived := uploads(t)
	client, file := clientOf(t, server.URL), api.FileReader(bytes.NewReader(data))
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := edit(client, file, api.WithValidate(api.Off)); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	for _, one := range arrived() {
		if !bytes.Equal(one, data) {
			t.Errorf("%d bytes", len(one))
		}
	}
}

func TestAPipeInManyCallsAtTheSameTimeIsSentByOne(t *testing.T) {
	data := png(t, 64, 64)
	server, arrived := uploads(t)
	client := clientOf(t, server.URL)
	for range 20 {
		file := api.FileReader(onlyReader{bytes.NewReader(data)})
		good := make(chan bool, 4)
		for range cap(good) {
			go func() { good <- edit(client, file) == nil }()
		}
		count := 0
		for range cap(good) {
			if <-good {
				count++
			}
		}
		if count != 1 {
			t.Fatalf("%d calls went well", count)
		}
	}
	for _, one := range arrived() {
		if !bytes.Equal(one, data) {
			t.Errorf("%d bytes", len(one))
		}
	}
}

func TestNoFileIsAnErrorBeforeAnythingIsSent(t *testing.T) {
	calls := 0
	client := clientOf(t, serve(t, func(http.ResponseWriter, *http.Request) { calls++ }).URL)
	empty := filepath.Join(t.TempDir(), "empty.png")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var noFile *os.File
	var noBuffer *bytes.Buffer
	var noPicture *image.RGBA
	for want, file := range map[string]*api.File{
		"image: the path of the file is empty": api.FilePath(""),
		"image: the file is empty":             api.FileBytes(nil),
		"image: the reader is nil":             api.FileReader(nil),
		"image: the picture is nil":            api.FileImage(nil),
		"image: not a file, or nil":            {},
		"no such file":                         api.FilePath("/no/such"),
		"is a folder":                          api.FilePath(t.TempDir()),
	} {
		if err := edit(client, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
	for _, file := range []*api.File{
		api.FileReader(noFile), api.FileReader(noBuffer), api.FileImage(noPicture), api.FilePath(empty), api.FileBytes([]byte{}),
		api.FileReader(&bytes.Buffer{}), api.FileReader(strings.NewReader("")), api.FileImage(image.NewRGBA(image.Rect(0, 0, 0, 0))),
	} {
		if err := edit(client, file); err == nil || !strings.HasPrefix(err.Error(), "Images.Edit: image: ") {
			t.Error(err)
		}
		_, err := client.Images.Edit(context.Background(), api.EditParams{Prompt: "x", Image: api.FileBytes(png(t, 8, 8)), Mask: file})
		if err == nil || !strings.HasPrefix(err.Error(), "Images.Edit: mask: ") {
			t.Error(err)
		}
	}
	if about, err := os.Stat("/proc/cpuinfo"); err == nil && about.Size() == 0 { // has bytes, and tells of none
		if err := edit(client, api.FilePath("/proc/cpuinfo")); err == nil {
			t.Error("an empty part was sent")
		}
	}
	if calls != 0 {
		t.Errorf("%d calls", calls)
	}
}

func TestAReaderThatStallsHoldsNobodyUp(t *testing.T) {
	server, _ := uploads(t)
	client := clientOf(t, server.URL)
	head := append(png(t, 64, 64), make([]byte, 100_000)...) // more than is looked at before
	for name, start := range map[string][]byte{"at once": nil, "in its head": head[:100], "while it is sent": head} {
		for _, by := range []string{"context", "deadline", "timeout"} {
			stalled, writer := io.Pipe()
			go writer.Write(start)
			ctx, cancel := context.WithCancel(context.Background())
			options := []api.Option{}
			wanted := context.DeadlineExceeded
			switch by {
			case "context":
				time.AfterFunc(100*time.Millisecond, cancel)
				wanted = context.Canceled
			case "deadline":
				ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
			case "timeout":
				options = append(options, api.WithTimeout(100*time.Millisecond))
			}
			begun := time.Now()
			params := api.EditParams{Prompt: "x", Image: api.FileReader(stalled)}
			_, err := client.Images.Edit(ctx, params, options...)
			var broken *api.APIConnectionError
			var late interface{ Timeout() bool }
			isLate := errors.As(err, &late) && late.Timeout()
			if !errors.Is(err, wanted) || !errors.As(err, &broken) || time.Since(begun) > 3*time.Second || isLate != (by != "context") {
				t.Errorf("%s, %s: %v after %v", name, by, err, time.Since(begun))
			}
			cancel()
			writer.Close()
		}
	}
}

func TestANamedPipeIsSentOnce(t *testing.T) {
	folder := t.TempDir()
	empty, path := filepath.Join(folder, "empty"), filepath.Join(folder, "pipe")
	for _, one := range []string{empty, path} {
		if err := syscall.Mkfifo(one, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server, arrived := uploads(t)
	client, data := clientOf(t, server.URL, api.WithTimeout(5*time.Second)), png(t, 64, 64)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := client.Images.Edit(ctx, api.EditParams{Prompt: "x", Image: api.FilePath(empty)})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	go os.WriteFile(empty, nil, 0o600) // lets go of the reader that was left behind
	go os.WriteFile(path, data, 0o600)
	if err := edit(client, api.FilePath(path)); err != nil {
		t.Error(err)
	}
	if got := arrived(); len(got) != 1 || !bytes.Equal(got[0], data) {
		t.Error(len(got))
	}
}

var errDisk = errors.New("the disk is on fire")

func TestAnErrorOfAReaderIsItsOwn(t *testing.T) {
	server, arrived := uploads(t)
	var retries []string
	client := clientOf(t, server.URL, api.WithOnRetry(func(one api.Retry) { retries = append(retries, one.Reason) }))
	start := append(png(t, 64, 64), make([]byte, 100_000)...)
	for _, head := range [][]byte{nil, start[:100], start} {
		reader := io.MultiReader(bytes.NewReader(head), failing{})
		err := edit(client, api.FileReader(reader))
		var base *api.APIError
		if !errors.Is(err, errDisk) || errors.As(err, &base) || !strings.Contains(err.Error(), "image") {
			t.Errorf("after %d bytes: %T %v", len(head), err, err)
		}
	}
	path := filepath.Join(t.TempDir(), "shrinking.png")
	if err := os.WriteFile(path, start, 0o600); err != nil {
		t.Fatal(err)
	}
	shrink := func() { os.Truncate(path, 70_000) }
	err := edit(client, api.Files{api.FileReader(acting{bytes.NewReader(start), shrink}), api.FilePath(path)})
	if err == nil || !strings.Contains(err.Error(), "became shorter") {
		t.Error(err)
	}
	if len(arrived()) != 0 || len(retries) != 0 {
		t.Error(len(arrived()), retries)
	}
}

func TestAPanicIsTheCallers(t *testing.T) {
	server, _ := uploads(t)
	client := clientOf(t, server.URL, api.WithOnBreach(func(string, api.Breach) { panic("my own") }))
	defer func() {
		if got := recover(); got != "my own" {
			t.Error(got)
		}
	}()
	edit(client, api.FileBytes([]byte("no picture")), api.WithFamily("gpt-image-2"))
	t.Error("no panic")
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errDisk }

// acting does something when it has been read.
type acting struct {
	io.Reader
	then func()
}

func (a acting) Read(into []byte) (int, error) {
	count, err := a.Reader.Read(into)
	if err != nil {
		a.then()
	}
	return count, err
}
