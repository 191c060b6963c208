
import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// upload is the file under its own name, "" for one without.
func (s *source) upload() (*upload, string, error) {
	switch {
	case s.err != nil:
		return nil, "", s.err
	case s.path != "":
		return pathUpload(s.path)
	case s.reader == nil:
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.data)), nil }
		head := s.data[:min(len(s.data), headLength)]
		return &upload{size: int64(len(s.data)), head: head, again: true, open: open}, "", nil
	}
	own := ""
	if named, isNamed := s.reader.(interface{ Name() string }); isNamed {
		own = filepath.Base(named.Name())
	}
	if s.start < 0 {
		made, err := s.once()
		return made, own, err
	}
	made, err := s.rewound(own)
	return made, own, err
}

// once is a reader that cannot be rewound. What was read ahead is kept for the call that sends it.
func (s *source) once() (*upload, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	spent := errors.New("this reader was sent before, and cannot be rewound: give its bytes, or a new reader")
	if s.sent {
		return nil, spent
	}
	if s.ahead == nil {
		s.ahead = bufio.NewReaderSize(s.reader, headLength)
	}
	head, err := s.ahead.Peek(headLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the reader: %w", err)
	}
	if len(head) == 0 {
		return nil, errors.New("the reader has nothing: it is empty, or was read before")
	}
	open := func() (io.ReadCloser, error) {
		s.lock.Lock()
		defer s.lock.Unlock()
		if s.sent {
			return nil, spent
		}
		s.sent = true
		return readCloser{s.ahead, s.closer}, nil
	}
	return &upload{size: -1, head: bytes.Clone(head), open: open}, nil
}

// rewound is a reader that can be read again from where it stood.
func (s *source) rewound(name string) (*upload, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	seeker := s.reader.(io.Seeker)
	end, err := seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := seeker.Seek(s.start, io.SeekStart); err != nil {
		return nil, err
	}
	if end <= s.start && s.start > 0 {
		return nil, errors.New("the file was read to its end before: rewind it")
	}
	size := end - s.start
	open := func() (io.ReadCloser, error) {
		reader := s.reader
		if at, isAt := reader.(io.ReaderAt); isAt { // which several calls can read at the same time
			reader = io.NewSectionReader(at, s.start, size)
		} else if _, err := seeker.Seek(s.start, io.SeekStart); err != nil {
			return nil, err
		}
		return whole(reader, size, firstOf(name, "the file"), nil), nil
	}
	head, err := headOf(open)
	return &upload{size: size, head: head, again: true, open: open}, err
}

// readCloser reads from one thing, and closes another, nil for none.
type readCloser struct {
	io.Reader
	closer io.Closer
}

func (r readCloser) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

func headOf(open func() (io.ReadCloser, error)) ([]byte, error) {
	opened, err := open()
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(io.LimitReader(opened, headLength))
}

func pathUpload(path string) (*upload, string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, "", err
	}
	about, err := file.Stat()
	if err == nil && about.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	if err != nil {
		file.Close()
		return nil, "", err
	}
	name := filepath.Base(path)
	if !about.Mode().IsRegular() { // a pipe, say
		piped := &source{reader: file, start: -1, closer: file}
		made, err := piped.once()
		return made, name, err
	}
	defer file.Close()
	size := about.Size()
	open := func() (io.ReadCloser, error) {
		opened, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		return whole(opened, size, name, opened), nil
	}
	head, err := io.ReadAll(io.LimitReader(file, headLength))
	return &upload{size: size, head: head, again: true, open: open}, name, err
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
	return readCloser{&wholeReader{reader, size, name}, closer}
}

type wholeReader struct {
	reader io.Reader
	left   int64
	name   string
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
