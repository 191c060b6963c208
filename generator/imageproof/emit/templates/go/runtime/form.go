
import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// form is a multipart body: heads and contents of its parts, in their order.
type form struct {
	parts    []formPart
	boundary string
}

type formPart struct {
	name string
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
			files = append(files, formPart{name: name, head: partHead(name, told), file: told})
		case []*upload:
			for _, one := range told {
				files = append(files, formPart{name: name, head: partHead(many, one), file: one})
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
			readers = append(readers, &lateReader{file: part.file, name: part.name, body: body})
		}
		start = "\r\n--" + f.boundary + "\r\n"
	}
	end := strings.TrimSuffix(start, "\r\n") + "--\r\n"
	body.Reader = io.MultiReader(append(readers, strings.NewReader(end))...)
	return body
}

// formReader closes the files that it opened. It may be closed while it is read.
type formReader struct {
	io.Reader
	lock    sync.Mutex
	closed  bool
	closers []io.Closer
}

func (r *formReader) Close() error {
	r.lock.Lock()
	defer r.lock.Unlock()
	var errs []error
	for _, one := range r.closers {
		errs = append(errs, one.Close())
	}
	r.closed, r.closers = true, nil
	return errors.Join(errs...)
}

func (r *formReader) opened(file *upload) (io.Reader, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.closed {
		return nil, os.ErrClosed
	}
	opened, err := file.open()
	if err == nil {
		r.closers = append(r.closers, opened)
	}
	return opened, err
}

// lateReader opens a file when it is read first. Its errors name the part.
type lateReader struct {
	file   *upload
	name   string
	body   *formReader
	opened io.Reader
}

func (r *lateReader) Read(into []byte) (int, error) {
	var err error
	if r.opened == nil {
		r.opened, err = r.body.opened(r.file)
	}
	count := 0
	if err == nil {
		count, err = r.opened.Read(into)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", r.name, err)
	}
	return count, err
}
