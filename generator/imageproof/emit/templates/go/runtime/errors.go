
import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// APIError is what all errors of calls are, as errors.As finds it.
//
// The kinds, each of which is all those above it too:
//
//   - [APIConnectionError]: no answer, or a broken one; [APITimeoutError]: none in time
//   - [APIResponseValidationError]: an answer that is none: not JSON, an error under status 200, no picture
//   - RequestRuleError, where a document has rules: refused here, before anything was sent
//   - [APIStatusError]: a status other than 2xx
//   - [BadRequestError] 400: [InvalidParameterError] where a parameter is wrong, [ModerationError] where a filter objects
//   - [AuthenticationError] 401, [PermissionDeniedError] 403, [NotFoundError] 404, [ConflictError] 409,
//     [UnprocessableEntityError] 422, [RateLimitError] 429, [InternalServerError] 500 and above
//
// What cannot be sent at all is a plain error that names the argument or the option, and no APIError: a required argument
// that is missing, an option that is wrong, a file that cannot be read, be it before or while it is sent. So is what goes
// wrong with a file of this machine in Save.
type APIError struct {
	// Message is what went wrong, in the server's words where it has some.
	Message string
	// Code, Param and Type are members of the error that the server sent, "" where it sent none.
	Code, Param, Type string
	// Body is the error object of the answer, else its whole JSON, else its text; nil without an answer.
	Body any
	// Raw is the text of the answer.
	Raw string
	// StatusCode is the HTTP status, 0 without an answer.
	StatusCode int
	// RequestID is the id of the exchange, where the server gave one.
	RequestID string
	// Header has the headers of the answer.
	Header http.Header
	// Finished are the files that a stream had brought whole before it broke: they were paid for.
	Finished []Content

	cause error
}

// Content is what carries a file: an item of an answer, or an event of a stream.
type Content interface {
	// Bytes are the bytes of the file.
	Bytes(context.Context) ([]byte, error)
	// Save writes the file, and says where.
	Save(ctx context.Context, path string) (string, error)
	// DataURL is the file as a data URL.
	DataURL(context.Context) (string, error)
	// Picture tells format, width and height from what is at hand of the file.
	Picture() Picture
}

// Error is one line with the message, and what else is known.
func (e *APIError) Error() string {
	var facts []string
	for _, fact := range []pair{{"code", e.Code}, {"param", e.Param}, {"request id", e.RequestID}} {
		if fact.text != "" {
			facts = append(facts, fact.name+" "+fact.text)
		}
	}
	if e.StatusCode != 0 {
		facts = slices.Insert(facts, 0, fmt.Sprintf("status %d", e.StatusCode))
	}
	if len(facts) == 0 {
		return e.Message
	}
	return fmt.Sprintf("%s (%s)", e.Message, strings.Join(facts, ", "))
}

// Unwrap is what happened below, such as context.Canceled; nil for an answer of the server's.
func (e *APIError) Unwrap() error { return e.cause }

// filtered are the codes by which a filter is known: the official ones, and Azure's.
var filtered = []string{"moderation_blocked", "content_policy_violation", "content_filter", "contentFilter"}

// newError is an error with what an answer says of itself; "" is no answer. It shows no secret of the connection's.
func newError(c *connection, message, raw string) APIError {
	e := APIError{Message: message, Raw: c.clean(raw)}
	if raw == "" {
		return e
	}
	body, said := readError(raw)
	e.Body = c.cleanValue(body)
	if said != "" {
		e.Message = c.clean(said)
	}
	if members, isObject := e.Body.(map[string]any); isObject {
		e.Code, e.Param, e.Type = plainText(members["code"]), plainText(members["param"]), plainText(members["type"])
	}
	return e
}

// statusError is the error for a status that is not 2xx.
func statusError(c *connection, status int, raw string, header http.Header) error {
	message := fmt.Sprintf("the server answered %d", status)
	if status >= 300 && status < 400 {
		message += ": redirects are not followed, since they would carry the key along"
		if at, err := url.Parse(header.Get("Location")); err == nil && at.String() != "" {
			message += fmt.Sprintf("; it leads to %q", (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path}).String())
		}
	}
	e := newError(c, c.clean(message), raw)
	e.StatusCode, e.Header = status, c.cleanHeader(header)
	e.RequestID = e.Header.Get("x-request-id")
	return ofStatus(e)
}

// ofStatus is an error as the kind that its status calls for.
func ofStatus(told APIError) error {
	e := APIStatusError{told}
	switch status := told.StatusCode; {
	case status == http.StatusBadRequest:
		return badRequest(BadRequestError{e})
	case status == http.StatusUnauthorized:
		return &AuthenticationError{e}
	case status == http.StatusForbidden:
		return &PermissionDeniedError{e}
	case status == http.StatusNotFound:
		return &NotFoundError{e}
	case status == http.StatusConflict:
		return &ConflictError{e}
	case status == http.StatusUnprocessableEntity:
		return &UnprocessableEntityError{e}
	case status == http.StatusTooManyRequests:
		return &RateLimitError{e}
	case status >= 500:
		return &InternalServerError{e}
	}
	return &e
}

func badRequest(e BadRequestError) error {
	members, _ := e.Body.(map[string]any)
	told, isTold := members["moderation_details"]
	if isTold || slices.Contains(filtered, e.Code) {
		details, _ := told.(map[string]any)
		made := &ModerationError{BadRequestError: e, Stage: plainText(details["moderation_stage"])}
		categories, _ := details["categories"].([]any)
		for _, one := range categories {
			made.Categories = append(made.Categories, plainText(one))
		}
		return made
	}
	if e.Param != "" {
		return &InvalidParameterError{e}
	}
	return &e
}

// readError is the error object of an answer, and its message: servers send an envelope, a text, detail, HTML or
// nothing.
func readError(raw string) (body any, said string) {
	if unmarshal(strings.TrimPrefix(raw, "\ufeff"), &body) != nil {
		return raw, ""
	}
	if members, isObject := body.(map[string]any); isObject && isSome(members["error"]) {
		body = members["error"]
	}
	members, isObject := body.(map[string]any)
	if !isObject {
		said, _ = body.(string)
		return body, said
	}
	for _, name := range []string{"message", "detail"} {
		if isSome(members[name]) {
			return body, plainText(members[name])
		}
	}
	return body, ""
}

// isSome says whether a JSON value says anything: not null, false, 0, "", [] or {}.
func isSome(value any) bool {
	switch told := value.(type) {
	case nil:
		return false
	case bool:
		return told
	case string:
		return told != ""
	case json.Number:
		number, err := told.Float64()
		return err != nil || number != 0
	case []any:
		return len(told) > 0
	case map[string]any:
		return len(told) > 0
	}
	return true
}

// plainText is a JSON value as a text for people: null is "".
func plainText(value any) string {
	switch told := value.(type) {
	case nil:
		return ""
	case string:
		return told
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
