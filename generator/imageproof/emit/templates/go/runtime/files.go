
import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
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

// form is a multipart body: heads and contents of its parts, in their order.
type form struct {
	parts    []formPart
	boundary string
}

type formPart struct {
	head string
	text string
	file *upload
}

// formOf has the parts of a form, texts first and files last. lists gives the part name for a list where it differs,
// documents are objects that travel as one part of JSON. Null has no part.
func formOf(values *object, lists map[string]string, documents []string) (*form, error) {
	made := &form{boundary: newBoundary()}
	var files []formPart
	for _, name := range values.names {
		many := name
		if told, differs := lists[name]; differs {
			many = told
		}
		switch told := values.at[name].(type) {
		case *upload:
			files = append(files, formPart{head: partHead(name, told), file: told})
		case []*upload:
			for _, one := range told {
				files = append(files, formPart{head: partHead(many, one), file: one})
			}
		default:
			parts, err := textParts(name, many, told, documents)
			if err != nil {
				return nil, err
			}
			made.parts = append(made.parts, parts...)
		}
	}
	made.parts = append(made.parts, files...)
	return made, nil
}

func textParts(name, many string, value any, documents []string) ([]formPart, error) {
	if value != nil && contains(documents, name) {
		var out bytes.Buffer
		err := writeJSON(&out, name, value)
		head := partHead(name, nil) + "\r\nContent-Type: application/json"
		return []formPart{{head: head, text: out.String()}}, err
	}
	pairs, err := formTexts(name, many, value)
	parts := make([]formPart, 0, len(pairs))
	for _, one := range pairs {
		parts = append(parts, formPart{head: partHead(one.name, nil), text: one.text})
	}
	return parts, err
}

func newBoundary() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails where Go runs
	return hex.EncodeToString(random)
}

// partHead is the head of a part. Names travel as UTF-8, with what would end them percent-encoded.
func partHead(name string, file *upload) string {
	head := fmt.Sprintf("Content-Disposition: form-data; name=\"%s\"", quoted(name))
	if file != nil {
		head += fmt.Sprintf("; filename=\"%s\"\r\nContent-Type: %s", quoted(file.name), file.mediaType)
	}
	return head
}

func quoted(name string) string {
	var out strings.Builder
	for _, letter := range []byte(name) {
		if letter == '"' || letter < ' ' || letter == 0x7f {
			fmt.Fprintf(&out, "%%%02X", letter)
		} else {
			out.WriteByte(letter)
		}
	}
	return out.String()
}

func (f *form) mediaType() string { return "multipart/form-data; boundary=" + f.boundary }

// size is the number of bytes in all, -1 where it is not known.
func (f *form) size() int64 {
	total := int64(len(f.boundary) + 6)
	for _, part := range f.parts {
		total += int64(len(f.boundary)+len(part.head)+len(part.text)) + 10
		if part.file != nil {
			if part.file.size < 0 {
				return -1
			}
			total += part.file.size
		}
	}
	return total
}

// again says whether the form can be sent once more.
func (f *form) again() bool {
	for _, part := range f.parts {
		if part.file != nil && !part.file.again {
			return false
		}
	}
	return true
}

// open is the body from its start. Files are opened when their turn comes.
func (f *form) open() io.ReadCloser {
	readers := make([]io.Reader, 0, 2*len(f.parts)+1)
	body := &formReader{}
	start := "--" + f.boundary + "\r\n"
	for _, part := range f.parts {
		readers = append(readers, strings.NewReader(start+part.head+"\r\n\r\n"+part.text))
		if part.file != nil {
			readers = append(readers, &lateReader{file: part.file, body: body})
		}
		start = "\r\n--" + f.boundary + "\r\n"
	}
	end := strings.TrimSuffix(start, "\r\n") + "--\r\n"
	body.Reader = io.MultiReader(append(readers, strings.NewReader(end))...)
	return body
}

type formReader struct {
	io.Reader
	closers []io.Closer
}

func (r *formReader) Close() error {
	var errs []error
	for _, one := range r.closers {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// lateReader opens a file when it is read first.
type lateReader struct {
	file   *upload
	body   *formReader
	opened io.Reader
}

func (r *lateReader) Read(into []byte) (int, error) {
	if r.opened == nil {
		opened, err := r.file.open()
		if err != nil {
			return 0, err
		}
		r.opened, r.body.closers = opened, append(r.body.closers, opened)
	}
	return r.opened.Read(into)
}
