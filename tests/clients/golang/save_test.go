package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	api "imageproofclient"
)

func TestPicturesAreSavedUnderSensibleNames(t *testing.T) {
	data, ctx := png(t, 64, 32), context.Background()
	event, err := streamOf(t, streaming(completed(data), say(""))).Final()
	if err != nil {
		t.Fatal(err)
	}
	picture := event.(api.Content)
	folder := t.TempDir()
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(folder); err != nil {
		t.Fatal(err)
	}
	defer os.Chdir(before)
	if err := os.Mkdir("out", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ path, want string }{
		{"otter", "otter.png"}, {"otter.webp", "otter.webp"}, {"out/otter.", "out/otter.png"}, {"out/", "out/picture.png"},
		{"out", "out/picture-2.png"}, {"", "picture.png"}, {".", "picture-2.png"}, {"out/.png", "out/picture-3.png"},
		{filepath.Join(folder, "out"), filepath.Join(folder, "out/picture-4.png")},
	} {
		path, err := picture.Save(ctx, one.path)
		got, _ := os.ReadFile(path)
		if err != nil || filepath.Clean(path) != filepath.Clean(one.want) || !bytes.Equal(got, data) {
			t.Errorf("%q: %q, %v", one.path, path, err)
		}
	}
	if _, err := picture.Save(ctx, "none/otter.png"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := picture.Save(ctx, "none/"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := picture.Save(ctx, "otter.png/x.png"); err == nil {
		t.Error("a file is no folder")
	}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if strings.HasPrefix(entry.Name(), ".") || strings.Contains(entry.Name(), ".part") {
			t.Error(path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	event, err := streamOf(t, streaming(completed(png(t, 8, 8)), say(""))).Final()
	if err != nil {
		t.Fatal(err)
	}
	picture, ctx := event.(api.Content), context.Background()
	folder := t.TempDir()
	path, link := filepath.Join(folder, "a.png"), filepath.Join(folder, "link.png")
	if err := errors.Join(os.WriteFile(path, []byte("before"), 0o640), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	if _, err := picture.Save(ctx, link); err != nil {
		t.Fatal(err)
	}
	about, err := os.Lstat(link)
	if err != nil || about.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced", err)
	}
	if about, err := os.Stat(path); err != nil || about.Mode().Perm() != 0o640 || about.Size() < 20 {
		t.Error(about, err)
	}
	if _, err := picture.Save(ctx, os.DevNull); err != nil {
		t.Error(err)
	}
	if about, err := os.Stat(os.DevNull); err != nil || about.Mode().IsRegular() {
		t.Fatal("the null device is a file now")
	}
}

func TestDownloadsThatAreNoPictures(t *testing.T) {
	data, ctx := png(t, 64, 32), context.Background()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		kind, text, _ := strings.Cut(r.URL.Query().Get("as"), "|")
		w.Header().Set("Content-Type", kind)
		switch {
		case r.URL.Path == "/refused":
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, text)
		case text == "picture":
			w.Write(data)
		case r.URL.Path == "/file":
			io.WriteString(w, text)
		default:
			fmt.Fprintf(w, `{"created": 1, "data": [{"url": "http://%s%s"}]}`, r.Host, r.URL.Query().Get("link"))
		}
	})
	client := clientOf(t, server.URL)
	ask := func(link string) (*api.Image, error) {
		answer, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}, api.WithQuery("link", link))
		if err != nil {
			t.Fatal(err)
		}
		path, err := answer.Data[0].Save(ctx, filepath.Join(t.TempDir(), "a"))
		if _, found := os.Stat(path); (found == nil) != (err == nil) {
			t.Errorf("%s: %q was written, %v", link, path, err)
		}
		return &answer.Data[0], err
	}
	host := strings.TrimPrefix(server.URL, "http://")
	for as, want := range map[string]string{
		"text/html|<!doctype html><svg>": "text/html", "image/png|<html>": "image/png", "application/json|{}": "application/json",
		"text/plain|gone": "text/plain", "application/octet-stream|{\"error\": 1}": "application/octet-stream", "application/xml|<a/>": "application/xml",
	} {
		_, err := ask("/file?signature=secret&as=" + strings.NewReplacer(" ", "%20", "|", "%7C", "<", "%3C", ">", "%3E", `"`, "%22").Replace(as))
		var invalid *api.APIResponseValidationError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "signature") {
			t.Errorf("%s: %v", as, err)
		}
	}
	for _, as := range []string{"text/html|picture", "|picture", "application/octet-stream|picture", "image/avif|%00%00avif"} {
		if _, err := ask("/file?as=" + strings.ReplaceAll(as, "|", "%7C")); err != nil {
			t.Errorf("%s: %v", as, err)
		}
	}
	_, err := ask("/refused?as=application/xml%7C%3CError/%3E")
	var refused *api.PermissionDeniedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "the download from "+host+" failed, not the call: 403") {
		t.Error(err)
	}
	_, err = ask(":1/nobody")
	if err == nil {
		t.Error("nobody is there")
	}
}

func TestOnePictureForManyGoroutines(t *testing.T) {
	data, ctx := png(t, 64, 32), context.Background()
	var lock sync.Mutex
	fetched := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/picture" {
			fmt.Fprintf(w, `{"created": 1, "data": [{"url": "http://%s/picture"}]}`, r.Host)
			return
		}
		lock.Lock()
		defer lock.Unlock()
		fetched++
		w.Write(data)
	})
	answer, err := clientOf(t, server.URL).Images.Generate(ctx, api.GenerateParams{Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	made := api.Image{B64JSON: "", URL: "data:image/png;base64,iVBORw0KGgo="}
	copied := answer.Data[0]
	var group sync.WaitGroup
	for range 8 {
		group.Add(1)
		go func() {
			defer group.Done()
			for _, one := range []*api.Image{&answer.Data[0], &copied} {
				_ = one.Picture()
				if got, err := one.Bytes(ctx); err != nil || !bytes.Equal(got, data) || one.Picture().Width != 64 {
					t.Error(err)
				}
			}
			_ = made.Picture()
			if _, err := made.Bytes(ctx); err != nil {
				t.Error(err)
			}
			_ = fmt.Sprint(answer, made)
		}()
	}
	group.Wait()
	if fetched != 1 {
		t.Errorf("fetched %d times", fetched)
	}
}
