
import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
)

type rawEvent struct{ name, data string }

// events are those of a body, however its bytes are cut. Comments and unknown fields are passed over. Only CR and LF end
// a line, so that JSON text stays whole; the last blank line is often forgotten, and not needed.
func events(body io.Reader) iter.Seq2[rawEvent, error] {
	return func(yield func(rawEvent, error) bool) {
		reader := &eventReader{start: true}
		buffer := make([]byte, 32*1024)
		for {
			count, err := body.Read(buffer)
			if !reader.feed(buffer[:count], func(one rawEvent) bool { return yield(one, nil) }) {
				return
			}
			if errors.Is(err, io.EOF) {
				reader.end(func(one rawEvent) bool { return yield(one, nil) })
				return
			}
			if err != nil {
				yield(rawEvent{}, err)
				return
			}
		}
	}
}

type eventReader struct {
	held        bytes.Buffer // a line that is not complete
	afterReturn bool
	start       bool
	name        string
	data        strings.Builder
	lines       int // of data
}

func (r *eventReader) feed(chunk []byte, emit func(rawEvent) bool) bool {
	if r.afterReturn && len(chunk) > 0 && chunk[0] == '\n' {
		chunk = chunk[1:]
		r.afterReturn = false
	}
	for len(chunk) > 0 {
		r.afterReturn = false
		end := lineEnd(chunk)
		if end < 0 {
			r.held.Write(chunk)
			return true
		}
		r.held.Write(chunk[:end])
		after := end + 1
		if chunk[end] == '\r' {
			if after == len(chunk) {
				r.afterReturn = true
			} else if chunk[after] == '\n' {
				after++
			}
		}
		chunk = chunk[after:]
		if !r.line(emit) {
			return false
		}
	}
	return true
}

func (r *eventReader) end(emit func(rawEvent) bool) {
	if r.held.Len() == 0 || r.line(emit) {
		r.held.Reset()
		r.line(emit)
	}
}

// line takes the line that is held.
func (r *eventReader) line(emit func(rawEvent) bool) bool {
	defer r.held.Reset()
	line := r.held.Bytes()
	if r.start {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
		r.start = false
	}
	if len(line) == 0 {
		complete := rawEvent{r.name, r.data.String()}
		some := r.lines > 0
		r.name, r.lines = "", 0
		r.data = strings.Builder{}
		return !some || emit(complete)
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if r.lines > 0 {
			r.data.WriteByte('\n')
		}
		r.data.Write(value)
		r.lines++
	case "event":
		r.name = strings.ToValidUTF8(string(value), "\ufffd")
	}
	return true
}

func lineEnd(chunk []byte) int {
	feed := bytes.IndexByte(chunk, '\n')
	if feed < 0 {
		return bytes.IndexByte(chunk, '\r')
	}
	if back := bytes.IndexByte(chunk[:feed], '\r'); back >= 0 {
		return back
	}
	return feed
}
