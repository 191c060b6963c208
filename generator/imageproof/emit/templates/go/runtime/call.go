
import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// opener is an answer that is read while it comes.
type opener interface {
	open(*connection, *operation, *http.Response, *watchedBody)
}

func (s *Stream[T]) open(c *connection, op *operation, answer *http.Response, body *watchedBody) {
	s.origin, s.op, s.answer, s.body = c, op, answer, body
}

// invoke makes a call, and reads its answer: a *[]byte of a file, a *string of a text, a *struct{} of nothing, a *Stream
// of events, and anything else of JSON; nil for null.
func invoke[T any](
	ctx context.Context, c *connection, op *operation, inPath []pathValue, arguments any, options []Option,
) (*T, error) {
	told, err := c.settings.with(options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op.name, err)
	}
	own := &connection{c.service, told}
	made := new(T)
	stream, streams := any(made).(opener)
	ready, err := newCall(op, inPath, arguments, streams, &told)
	if err != nil {
		return nil, err
	}
	if c.service.check != nil {
		if err := c.service.check(op, ready, &told); err != nil {
			return nil, err
		}
	}
	answer, text, err := own.exchange(ctx, ready, streams)
	if err != nil {
		return nil, err
	}
	if told.response != nil {
		*told.response = shownResponse(answer)
	}
	if streams && isEvents(answer) {
		stream.open(own, op, shownResponse(answer), answer.Body.(*watchedBody))
		return made, nil
	}
	switch into := any(made).(type) {
	case *[]byte:
		*into = []byte(text)
		return made, nil
	case *string:
		if op.accept == "text/plain" {
			*into = text
			return made, nil
		}
	case *struct{}:
		return made, nil
	}
	return readJSON(own, op, answer, text, made, streams)
}

func isEvents(answer *http.Response) bool {
	return strings.Contains(answer.Header.Get("Content-Type"), "text/event-stream")
}

// shownResponse is an answer without its request, which has the key.
func shownResponse(answer *http.Response) *http.Response {
	shown := *answer
	shown.Request, shown.Body = nil, http.NoBody
	return &shown
}

func readJSON[T any](
	c *connection, op *operation, answer *http.Response, text string, made *T, streams bool,
) (*T, error) {
	invalid := func(message string) (*T, error) {
		e := &APIResponseValidationError{newError(message, c.clean(text))}
		e.StatusCode, e.Header = answer.StatusCode, c.cleanHeader(answer.Header)
		e.RequestID = e.Header.Get("x-request-id")
		return nil, e
	}
	value, err := decodeJSON(text, c.service.inline)
	members, isObject := value.(map[string]any)
	switch {
	case err != nil && isEvents(answer):
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
		about.raw, about.status, about.header = text, answer.StatusCode, answer.Header
		if op.holder != "" && !holdsFiles(members[op.holder]) {
			return invalid("the answer holds no file, where it should list them")
		}
	}
	return made, nil
}

func holdsFiles(value any) bool {
	list, _ := value.([]any)
	for _, item := range list {
		if _, isObject := item.(map[string]any); !isObject {
			return false
		}
	}
	return len(list) > 0
}
