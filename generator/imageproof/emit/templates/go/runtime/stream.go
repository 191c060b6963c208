
import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
)

// Stream is the events of one answer, in the order in which they come. Range over Events once, or close it.
type Stream[T any] struct {
	header   http.Header
	body     io.ReadCloser
	origin   *connection
	op       *operation
	finished []T
	files    []Content // of those that are finished
	ended    bool
	begun    bool
	failed   error  // what it ended with
	strange  string // the last event of a kind that is not known, but with a file
	kind     string // of that event
	closed   atomic.Bool
}

var errNoStream = errors.New("no stream: the call failed, or no client made it")

func (s *Stream[T]) isNone() bool { return s == nil || s.body == nil }

// RequestID is the id that the server gave the exchange.
func (s *Stream[T]) RequestID() string { return s.Header().Get("x-request-id") }

// Header has the headers of the answer.
func (s *Stream[T]) Header() http.Header {
	if s.isNone() {
		return nil
	}
	return s.header
}

// String says which call the stream is of, and nothing else.
func (s *Stream[T]) String() string {
	if s.isNone() {
		return "no stream"
	}
	return fmt.Sprintf("stream of %s (request id %q)", s.op.name, s.RequestID())
}

// GoString is String.
func (s *Stream[T]) GoString() string { return s.String() }

// Close stops listening. The server may go on, and charge. Any goroutine may close a stream.
func (s *Stream[T]) Close() error {
	if s.isNone() {
		return nil
	}
	s.closed.Store(true)
	return s.body.Close()
}

// Finished are the events so far that brought finished pictures, also of a stream that broke or was left: they were paid
// for. It is for the goroutine that reads the stream.
func (s *Stream[T]) Finished() []T {
	if s.isNone() {
		return nil
	}
	return slices.Clone(s.finished)
}

// Events are the events as they arrive. After an error there are no more: an [APIError] where the server reports a
// failure, [APIConnectionError] or [APITimeoutError] where the connection breaks or falls silent, and
// [APIResponseValidationError] where the events end too soon. Each has the finished pictures that came before it. Leaving
// the loop closes the stream.
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

// Final is the event that brings the finished picture, the last of several, also if it was read before; the stream is
// read to its end. Where the stream breaks after such a picture, it is given all the same.
func (s *Stream[T]) Final() (T, error) {
	found, err := s.Finals()
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	var none T
	if err == nil {
		err = s.invalid("the stream brought no finished picture", "")
	}
	return none, err
}

// Finals are the events that bring finished pictures, one for each, also those read before; the stream is read to its
// end. Where it breaks, they are those that came, beside the error.
func (s *Stream[T]) Finals() ([]T, error) {
	if s.isNone() {
		return nil, errNoStream
	}
	if !s.begun {
		for range s.all() {
			continue
		}
	}
	return s.Finished(), s.failed
}

// streamed is an event, whether it may be the last, and whether it is of a kind that brings a picture.
type streamed[T any] struct {
	value   T
	last    bool
	picture bool
}

func (s *Stream[T]) all() iter.Seq2[streamed[T], error] {
	return func(yield func(streamed[T], error) bool) {
		if s.isNone() {
			yield(streamed[T]{}, errNoStream)
			return
		}
		if s.closed.Load() || s.begun {
			yield(streamed[T]{}, s.broken("the stream is closed, or was read before", nil))
			return
		}
		s.begun = true
		defer s.Close()
		s.failed = s.broken("the stream was left before its end", nil)
		for event, err := range events(s.body) {
			var made streamed[T]
			switch {
			case err != nil:
				err = s.interrupted(err)
			case s.closed.Load():
				err = s.broken("the stream is closed", nil)
			case strings.TrimSpace(event.data) == "[DONE]":
				s.end(yield)
				return
			default:
				made, err = s.one(event)
			}
			if err != nil {
				s.failed = err
			}
			if !yield(made, err) || err != nil {
				return
			}
		}
		s.end(yield)
	}
}

// end tells that the stream ended, which may be too soon.
func (s *Stream[T]) end(yield func(streamed[T], error) bool) {
	if s.failed = s.incomplete(); s.failed != nil {
		yield(streamed[T]{}, s.failed)
	}
}

// incomplete is the error of a stream that ended too soon, nil for one that did not.
func (s *Stream[T]) incomplete() error {
	switch {
	case len(s.op.last) == 0:
		return nil
	case !s.ended && s.strange != "":
		message := "the stream ended before its last event; Raw has the last one with a file, of a kind that is not known: "
		return s.invalid(message+s.origin.clean(s.kind), s.strange)
	case !s.ended:
		return s.invalid("the stream ended before its last event", "")
	case len(s.finished) == 0:
		return s.invalid("the stream ended without a finished picture: its last event carries none", "")
	}
	return nil
}

func (s *Stream[T]) one(event rawEvent) (streamed[T], error) {
	var made streamed[T]
	value, err := decodeJSON(event.data, s.origin.service.inline)
	if err != nil {
		return made, s.invalid("an event is not JSON", event.data)
	}
	if members, isObject := value.(map[string]any); isObject {
		if isSome(members["error"]) || event.name == "error" || members["type"] == "error" {
			e := newError(s.origin, "the stream reported an error", event.data)
			return made, s.told(&e, &e)
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
	if unknown, is := any(made.value).(*Unknown); is && unknown.inline(s.origin.service.inline) {
		s.strange, s.kind = event.data, plainText(unknown.members[s.op.member])
	}
	file, isFile := any(made.value).(Content)
	made.picture = isFile
	if made.last && (!isFile || holdsFile(made.value)) {
		s.finished = append(s.finished, made.value)
		if isFile {
			s.files = append(s.files, file)
		}
	}
	return made, nil
}

// told is an error with what the stream knows: its headers, and the pictures that came.
func (s *Stream[T]) told(err error, about *APIError) error {
	about.RequestID, about.Header, about.Finished = s.RequestID(), s.header, slices.Clone(s.files)
	return err
}

func (s *Stream[T]) invalid(message, raw string) error {
	e := &APIResponseValidationError{APIError{Message: message, Raw: s.origin.clean(raw)}}
	return s.told(e, &e.APIError)
}

func (s *Stream[T]) broken(message string, cause error) error {
	e := &APIConnectionError{APIError{Message: message, cause: cause}}
	return s.told(e, &e.APIError)
}

func (s *Stream[T]) interrupted(err error) error {
	message := "the stream was not done in time"
	switch {
	case s.closed.Load():
		return s.broken("the stream is closed", err)
	case errors.Is(err, errSilent):
		message = "the stream fell silent"
	case !isLate(err):
		return s.broken(s.origin.clean("the stream broke: "+err.Error()), err)
	}
	e := &APITimeoutError{APIConnectionError{APIError{Message: message, cause: err}}}
	return s.told(e, &e.APIError)
}
