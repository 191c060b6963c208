
import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"
)

// File is a file to send. Its name and media type are those that are given, else told by its bytes and its own name.
type File struct {
	path      string
	data      []byte
	reader    io.Reader
	name      string
	mediaType string
	err       error
}

// FilePath is a file of this machine. It is read while it is sent, so that a large one takes no memory.
func FilePath(path string) *File { return &File{path: path} }

// FileBytes is a file whose bytes are at hand.
func FileBytes(data []byte) *File { return &File{data: data} }

// FileReader is a file that is read while it is sent, from where it stands. One that is also an [io.Seeker], such as
// an [os.File] or a [bytes.Reader], can be sent again when a call is repeated; any other is sent once, in chunks.
func FileReader(reader io.Reader) *File { return &File{reader: reader} }

// FileImage is a picture of the standard library's, which travels as PNG.
func FileImage(picture image.Image) *File {
	var out bytes.Buffer
	err := png.Encode(&out, picture)
	return &File{data: out.Bytes(), err: err}
}

// Named is the same file under another name.
func (f *File) Named(name string) *File {
	made := *f
	made.name = name
	return &made
}

// Typed is the same file with another media type.
func (f *File) Typed(mediaType string) *File {
	made := *f
	made.mediaType = mediaType
	return &made
}

// Files are several files under one name.
type Files []*File

// FileOrFiles is a *[File], or [Files].
type FileOrFiles interface{ files() }

func (f *File) files() {}

func (f Files) files() {}

// upload is a file that is ready to be sent. open begins it anew each time; size is -1 where it is not known, and again
// says whether it can be sent once more.
type upload struct {
	name, mediaType string
	size            int64
	head            []byte
	again           bool
	open            func() (io.ReadCloser, error)
}

// uploadOf is the file that is given as an argument. The error names the argument.
func uploadOf(argument string, file *File) (*upload, error) {
	if file == nil {
		return nil, fmt.Errorf("%s: not a file, or nil", argument)
	}
	found, own, err := file.upload()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", argument, err)
	}
	told := sniff(found.head)
	found.name = firstOf(file.name, own, argument)
	if file.name == "" && own == "" && told.suffix != "" {
		found.name = argument + "." + told.suffix
	}
	guessed, _, _ := strings.Cut(mime.TypeByExtension(filepath.Ext(found.name)), ";")
	found.mediaType = firstOf(file.mediaType, told.mediaType, guessed, "application/octet-stream")
	if strings.ContainsFunc(found.mediaType, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, fmt.Errorf("%s: a media type has no control characters: %q", argument, found.mediaType)
	}
	return found, nil
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// upload is the file under its own name, "" for one without.
func (f *File) upload() (*upload, string, error) {
	switch {
	case f.err != nil:
		return nil, "", f.err
	case f.path != "":
		return pathUpload(f.path)
	case f.reader != nil:
		return readerUpload(f.reader)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.data)), nil }
	return &upload{size: int64(len(f.data)), head: f.data[:min(len(f.data), headLength)], again: true, open: open}, "", nil
}

func pathUpload(path string) (*upload, string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return nil, "", err
	}
	if about.IsDir() {
		return nil, "", fmt.Errorf("%s is a folder", path)
	}
	head, err := io.ReadAll(io.LimitReader(file, headLength))
	if err != nil {
		return nil, "", err
	}
	size := about.Size()
	open := func() (io.ReadCloser, error) {
		opened, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		return whole(opened, size, filepath.Base(path), opened), nil
	}
	return &upload{size: size, head: head, again: true, open: open}, filepath.Base(path), nil
}

func readerUpload(reader io.Reader) (*upload, string, error) {
	own := ""
	if named, isNamed := reader.(interface{ Name() string }); isNamed {
		own = filepath.Base(named.Name())
	}
	seeker, seeks := reader.(io.Seeker)
	start, err := int64(0), errors.New("not to be rewound")
	if seeks {
		start, err = seeker.Seek(0, io.SeekCurrent)
	}
	if err != nil { // a pipe, or what else is read once
		ahead := bufio.NewReaderSize(reader, headLength)
		head, err := ahead.Peek(headLength)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, "", err
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(ahead), nil }
		return &upload{size: -1, head: bytes.Clone(head), open: open}, own, nil
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, "", err
	}
	if end <= start && start > 0 {
		return nil, "", errors.New("the file was read to its end before: rewind it")
	}
	open := func() (io.ReadCloser, error) {
		_, err := seeker.Seek(start, io.SeekStart)
		return whole(reader, end-start, firstOf(own, "the file"), io.NopCloser(nil)), err
	}
	opened, err := open()
	if err != nil {
		return nil, "", err
	}
	head, err := io.ReadAll(io.LimitReader(opened, headLength))
	return &upload{size: end - start, head: head, again: true, open: open}, own, err
}

// all are the bytes, nil where they cannot be read.
func (u *upload) all() []byte {
	opened, err := u.open()
	if err != nil {
		return nil
	}
	defer opened.Close()
	data, err := io.ReadAll(opened)
	if err != nil {
		return nil
	}
	return data
}

// whole reads so many bytes, neither more nor fewer: the length was told before.
func whole(reader io.Reader, size int64, name string, closer io.Closer) io.ReadCloser {
	return &wholeReader{reader, size, name, closer}
}

type wholeReader struct {
	reader io.Reader
	left   int64
	name   string
	closer io.Closer
}

func (r *wholeReader) Read(into []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	count, err := r.reader.Read(into[:min(int64(len(into)), r.left)])
	r.left -= int64(count)
	if errors.Is(err, io.EOF) && r.left > 0 {
		return count, fmt.Errorf("%s became shorter while it was sent", r.name)
	}
	return count, err
}

func (r *wholeReader) Close() error { return r.closer.Close() }
