
import (
	"context"
	"fmt"
	"reflect"
)

// opener is an answer that is read while it comes.
type opener interface {
	open(*connection, *operation, *reply)
}

func (s *Stream[T]) open(c *connection, op *operation, got *reply) {
	s.origin, s.op, s.header, s.body = c, op, c.cleanHeader(got.answer.Header), got.body
}

// invoke makes a call, and reads its answer: a *[]byte of a file, a *string of a text, a *struct{} of nothing, a *Stream
// of events, and anything else of JSON; nil for null.
func invoke[T any](
	ctx context.Context, c *connection, op *operation, inPath []pathValue, arguments any, options []Option,
) (*T, error) {
	if c == nil || ctx == nil {
		return nil, fmt.Errorf("%s: the context is nil, or the client was not made by NewClient", op.name)
	}
	told, err := c.settings.with(options)
	if err == nil {
		told, err = told.askKey(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op.name, err)
	}
	own := &connection{c.service, told}
	if told.response != nil {
		*told.response = nil
	}
	made := new(T)
	stream, streams := any(made).(opener)
	ready, err := own.newCall(ctx, op, inPath, arguments, streams)
	if err != nil {
		return nil, err
	}
	got, err := own.exchange(ctx, ready, streams)
	if err != nil {
		return nil, err
	}
	if got.streams {
		stream.open(own, op, got)
		return made, nil
	}
	switch into := any(made).(type) {
	case *[]byte:
		*into = []byte(got.text)
		return made, nil
	case *string:
		if op.accept == "text/plain" {
			*into = got.text
			return made, nil
		}
	case *struct{}:
		return made, nil
	}
	return readJSON(own, op, got, made, streams)
}

func readJSON[T any](c *connection, op *operation, got *reply, made *T, streams bool) (*T, error) {
	text, header := got.text, c.cleanHeader(got.answer.Header)
	invalid := func(message string) (*T, error) {
		e := &APIResponseValidationError{newError(c, message, text)}
		e.StatusCode, e.Header, e.RequestID = got.answer.StatusCode, header, header.Get("x-request-id")
		return nil, e
	}
	value, err := decodeJSON(text, c.service.inline)
	members, isObject := value.(map[string]any)
	switch {
	case err != nil && mediaType(header) == "text/event-stream":
		return invalid("asked for one answer, and got a stream of events: it is not JSON")
	case err != nil:
		return invalid("the answer is not JSON")
	case isObject && isSome(members["error"]):
		return invalid("the answer is an error")
	case streams:
		return invalid("asked for events, and got a single answer")
	case value == nil && op.null:
		return nil, nil
	}
	place := reflect.ValueOf(made).Elem()
	if !(decoder{c}).into(place, value) {
		if place.Kind() == reflect.Struct {
			return invalid("the answer is no object")
		}
		return invalid("the answer is of another type")
	}
	if found, isReceiver := any(made).(receiver); isReceiver {
		about := found.received()
		about.raw, about.status, about.header = text, got.answer.StatusCode, header
		if op.holder != "" && !holdsFiles(place, op.holder) {
			return invalid(fmt.Sprintf("the answer holds no file: %s lists none", op.holder))
		}
	}
	return made, nil
}

// carrier is an object that may carry a file: in base64, or behind a link.
type carrier interface{ carried() (inline, link string) }

// holdsFiles says whether some item of the list that an answer has under a name carries a file.
func holdsFiles(answer reflect.Value, holder string) bool {
	for _, one := range fieldsOf(answer.Type()) {
		if one.name != holder || answer.Field(one.index).Kind() != reflect.Slice {
			continue
		}
		list := answer.Field(one.index)
		for index := range list.Len() {
			item := list.Index(index)
			if item.Kind() != reflect.Interface {
				item = item.Addr()
			}
			if holdsFile(item.Interface()) {
				return true
			}
		}
	}
	return false
}

// holdsFile says whether an object carries a file.
func holdsFile(value any) bool {
	from, carries := value.(carrier)
	if !carries {
		return false
	}
	inline, link := from.carried()
	return inline != "" || link != ""
}
