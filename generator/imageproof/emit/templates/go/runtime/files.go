
import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
)

// File is a file to send. Its name and media type are those that are given, else told by its bytes and its own name. An
// empty one is an error of the call.
type File struct {
	from            *source
	name, mediaType string
}

// source is where the bytes of a file come from; a [File] and the same one under another name share it.
type source struct {
	path   string
	data   []byte
	reader io.Reader
	closer io.Closer // of what this client opened itself, nil for none
	start  int64     // where the reader stood, -1 for one that is read once
	err    error

	lock  sync.Mutex
	ahead *bufio.Reader // of a reader that is read once
	sent  bool
}

// FilePath is a file of this machine. It is read while it is sent, so that a large one takes no memory.
func FilePath(path string) *File {
	if path == "" {
		return &File{from: &source{err: errors.New("the path of the file is empty")}}
	}
	return &File{from: &source{path: path}}
}

// FileBytes is a file whose bytes are at hand.
func FileBytes(data []byte) *File { return &File{from: &source{data: data}} }

// FileReader is a file that is read while it is sent, from where it stands now. One that is also an [io.Seeker], such as
// an [os.File] or a [bytes.Reader], is read from there each time: it can be given to several calls, and sent again when a
// call is repeated. Any other is sent once, in chunks, and is an error the second time. A call that ends early may still
// be waiting for the reader's next bytes.
func FileReader(reader io.Reader) *File {
	made := &source{reader: reader, start: -1}
	if isNil(reader) {
		made.err = errors.New("the reader is nil")
	} else if seeker, seeks := reader.(io.Seeker); seeks {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			made.start = start
		}
	}
	return &File{from: made}
}

// FileImage is a picture of the standard library's, which travels as PNG.
func FileImage(picture image.Image) *File {
	if isNil(picture) {
		return &File{from: &source{err: errors.New("the picture is nil")}}
	}
	var out bytes.Buffer
	err := png.Encode(&out, picture)
	return &File{from: &source{data: out.Bytes(), err: err}}
}

// isNil says whether a value is nil, or holds a pointer that is.
func isNil(value any) bool {
	told := reflect.ValueOf(value)
	switch told.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Interface, reflect.Chan:
		return told.IsNil()
	}
	return false
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
	from            *source
	open            func() (io.ReadCloser, error)
}

// uploadOf is the file that is given as an argument. The error names the argument.
func uploadOf(argument string, file *File) (*upload, error) {
	if file == nil || file.from == nil {
		return nil, fmt.Errorf("%s: not a file, or nil", argument)
	}
	found, own, err := file.from.upload()
	if err == nil && (len(found.head) == 0 || found.size == 0) {
		err = errors.New("the file is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", argument, err)
	}
	found.from = file.from
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
