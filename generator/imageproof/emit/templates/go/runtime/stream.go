
import (
	"bytes"
	"errors"
	"io"
	"iter"
	"net/http"
	"reflect"
	"strings"
)

// Stream is the events of one answer, in the order in which they come. Range over Events once, or close it.
type Stream[T any] struct {
	answer *http.Response
	body   *watchedBody
	origin *connection
	op     *operation
	ended  bool
	closed bool
	begun  bool
}

// RequestID is the id that the server gave the exchange.
func (s *Stream[T]) RequestID() string { return s.answer.Header.Get("x-request-id") }

// Header has the headers of the answer.
func (s *Stream[T]) Header() http.Header { return s.answer.Header }

// Close stops listening. The server may go on, and charge.
func (s *Stream[T]) Close() error {
	s.closed = true
	return s.body.Close()
}

// Events are the events as they arrive. After an error there are no more: an [APIError] where the server reports a
// failure, [APIConnectionError] or [APITimeoutError] where the connection breaks or falls silent, and
// [APIResponseValidationError] where the events end too soon. Leaving the loop closes the stream.
func (s *Stream[T]) Events() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for event, err := range s.all() {
			if !yield(event.value, err) {
				return
			}
		}
	}
}

// Partials are the events that bring pictures in the making, as they arrive; the stream is read to its end.
func (s *Stream[T]) Partials() iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for event, err := range s.all() {
			if (err != nil || (event.picture && !event.last)) && !yield(event.value, err) {
				return
			}
		}
	}
}

// Final is the event that brings the finished picture, the last of several; the stream is read to its end.
func (s *Stream[T]) Final() (T, error) {
	found, err := s.Finals()
	if err != nil || len(found) == 0 {
		var none T
		if err == nil {
			err = s.invalid("the stream brought no finished picture", "")
		}
		return none, err
	}
	return found[len(found)-1], nil
}

// Finals are the events that bring finished pictures, one for each; the stream is read to its end.
func (s *Stream[T]) Finals() ([]T, error) {
	var found []T
	for event, err := range s.all() {
		if err != nil {
			return found, err
		}
		if event.last {
			found = append(found, event.value)
		}
	}
	return found, nil
}

// streamed is an event, whether it may be the last, and whether it brings a picture.
type streamed[T any] struct {
	value   T
	last    bool
	picture bool
}

func (s *Stream[T]) all() iter.Seq2[streamed[T], error] {
	return func(yield func(streamed[T], error) bool) {
		if s.closed || s.begun {
			yield(streamed[T]{}, s.broken("the stream is closed", nil))
			return
		}
		s.begun = true
		defer s.Close()
		for event, err := range events(s.body) {
			if err != nil {
				yield(streamed[T]{}, s.interrupted(err))
				return
			}
			if strings.TrimSpace(event.data) == "[DONE]" {
				continue
			}
			made, err := s.one(event)
			if !yield(made, err) || err != nil {
				return
			}
			if s.closed {
				yield(streamed[T]{}, s.broken("the stream is closed", nil))
				return
			}
		}
		if !s.ended && len(s.op.last) > 0 {
			yield(streamed[T]{}, s.invalid("the stream ended before its last event", ""))
		}
	}
}

func (s *Stream[T]) one(event rawEvent) (streamed[T], error) {
	var made streamed[T]
	value, err := decodeJSON(event.data, s.origin.service.inline)
	if err != nil {
		return made, s.invalid("an event is not JSON", event.data)
	}
	if members, isObject := value.(map[string]any); isObject {
		if isSome(members["error"]) || event.name == "error" || members["type"] == "error" {
			e := newError("the stream reported an error", s.origin.clean(event.data))
			e.RequestID, e.Header = s.RequestID(), s.answer.Header
			return made, &e
		}
		if _, told := members[s.op.member]; !told && s.op.member != "" && event.name != "" {
			members[s.op.member] = event.name
		}
		tag, _ := members[s.op.member].(string)
		made.last = s.op.member != "" && contains(s.op.last, tag)
		s.ended = s.ended || made.last
	}
	place := reflect.ValueOf(&made.value).Elem()
	if !(decoder{s.origin}).into(place, value) && value != nil {
		return made, s.invalid("an event is of another type", event.data)
	}
	_, made.picture = any(made.value).(interface{ Picture() Picture })
	return made, nil
}

func (s *Stream[T]) invalid(message, raw string) error {
	e := &APIResponseValidationError{APIError{Message: message, Raw: s.origin.clean(raw)}}
	e.RequestID, e.Header = s.RequestID(), s.answer.Header
	return e
}

func (s *Stream[T]) broken(message string, cause error) error {
	return &APIConnectionError{APIError{Message: message, RequestID: s.RequestID(), cause: cause}}
}

func (s *Stream[T]) interrupted(err error) error {
	switch {
	case s.closed:
		return s.broken("the stream is closed", err)
	case errors.Is(err, errSilent):
		message := "the stream fell silent"
		return &APITimeoutError{APIConnectionError{APIError{Message: message, RequestID: s.RequestID(), cause: err}}}
	}
	return s.broken(s.origin.clean("the stream broke: "+err.Error()), err)
}

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
