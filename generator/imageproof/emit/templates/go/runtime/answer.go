
import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const longText = 16 * 1024 // bytes; a shorter text is read like any other

// Received is what every object of an answer has beside its members. A member that the server left out is the zero
// value; one of an unexpected type is the zero value too, and kept in Extra.
type Received struct {
	members map[string]any
	extra   map[string]any
	instead any  // what came that is no object
	odd     bool // whether that is so
	raw     string
	header  http.Header
	status  int
	origin  *connection
	fetched *fetched
}

func (r *Received) received() *Received { return r }

// Has says whether the server sent a member, by its name on the wire; null counts.
func (r *Received) Has(name string) bool {
	_, found := r.members[name]
	return found
}

// Members are all that the server sent, as JSON values: string, [json.Number], bool, []any, map[string]any and nil.
func (r *Received) Members() map[string]any { return r.members }

// Extra are the members that this client does not know, and those whose type it did not expect.
func (r *Received) Extra() map[string]any { return r.extra }

// RawJSON is the text of the whole answer as it came, or of the JSON that it was read back from; "" on parts of one.
func (r *Received) RawJSON() string { return r.raw }

// Header has the headers of the answer; nil on parts of one.
func (r *Received) Header() http.Header { return r.header }

// StatusCode is the HTTP status of the answer; 0 on parts of one.
func (r *Received) StatusCode() int { return r.status }

// RequestID is the id that the server gave the exchange; "" on parts of an answer.
func (r *Received) RequestID() string { return r.header.Get("x-request-id") }

// stray is the text of a member that this client does not know, "" for none.
func (r *Received) stray(name string) string {
	text, _ := r.extra[name].(string)
	return text
}

type receiver interface{ received() *Received }

// shown is an object of an answer as JSON for people: without secrets, and with long texts cut.
func shown(from receiver) string {
	origin := from.received().origin
	text, err := marshalReceived(from)
	var value any
	if err == nil {
		err = unmarshal(string(text), &value)
	}
	var out bytes.Buffer
	if err == nil {
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(origin.cut(value))
	}
	if err != nil {
		return "an answer that cannot be shown: " + origin.clean(err.Error())
	}
	return origin.clean(strings.TrimSpace(out.String()))
}

const (
	shownText = 200  // bytes of a text of an answer that are printed
	shownHead = 40   // of one that is longer
	cleanHead = 4096 // that are looked at for secrets then
)

// cut is a JSON value whose long texts are cut.
func (c *connection) cut(value any) any {
	switch told := value.(type) {
	case string:
		if len(told) > shownText {
			head := c.clean(told[:min(len(told), cleanHead)])
			return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(head[:min(len(head), shownHead)], ""), len(told))
		}
	case []any:
		for index, item := range told {
			told[index] = c.cut(item)
		}
	case map[string]any:
		for name, item := range told {
			told[name] = c.cut(item)
		}
	}
	return value
}

// unmarshal reads JSON; numbers stay as they are written.
func unmarshal(text string, into *any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// decodeJSON reads JSON whose long texts of members that hold files are not read but cut out, so that they are neither
// copied nor looked at.
func decodeJSON(text string, inline []string) (any, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	var value any
	if len(text) > longText {
		if spans := longSpans(text, inline); len(spans) > 0 {
			if decodeCut(text, spans, inline, &value) {
				return value, nil
			}
			value = nil
		}
	}
	err := unmarshal(text, &value)
	return value, err
}

type span struct{ start, end int }

// longSpans are the long texts, without escapes, of members with these names. In JSON a quotation mark inside a text has
// a backslash before it, so what looks like such a member is one.
func longSpans(text string, names []string) []span {
	var found []span
	for at := 0; at < len(text); {
		start, end := nextMember(text, at, names)
		if start < 0 {
			break
		}
		if end-start >= longText && !strings.Contains(text[start:end], "\\") {
			found = append(found, span{start, end})
		}
		at = end
	}
	return found
}

// nextMember is where the text of the next member with one of these names stands, -1 for none.
func nextMember(text string, from int, names []string) (start, end int) {
	first := -1
	for _, name := range names {
		key := strconv.Quote(name)
		for at := from; ; {
			found := strings.Index(text[at:], key)
			if found < 0 || (first >= 0 && at+found > first) {
				break
			}
			at += found + len(key)
			rest := strings.TrimLeft(text[at:min(at+64, len(text))], " \t\r\n")
			if !strings.HasPrefix(rest, ":") {
				continue
			}
			if rest = strings.TrimLeft(rest[1:], " \t\r\n"); !strings.HasPrefix(rest, `"`) {
				continue
			}
			first = at + strings.Index(text[at:], `"`) + 1
			break
		}
	}
	if first < 0 {
		return -1, -1
	}
	length := strings.IndexByte(text[first:], '"')
	if length < 0 {
		return -1, -1
	}
	return first, first + length
}

// decodeCut reads JSON with each span behind a mark that no server has a reason to send, and puts the spans back. It is
// false where that is no JSON.
func decodeCut(text string, spans []span, names []string, into *any) bool {
	var short strings.Builder
	start := 0
	for number, one := range spans {
		short.WriteString(text[start:one.start])
		fmt.Fprintf(&short, `\u0000%d`, number)
		start = one.end
	}
	short.WriteString(text[start:])
	if unmarshal(short.String(), into) != nil {
		return false
	}
	var place func(value any)
	place = func(value any) {
		switch told := value.(type) {
		case []any:
			for _, item := range told {
				place(item)
			}
		case map[string]any:
			for name, item := range told {
				text2, isText := item.(string)
				if !isText || !strings.HasPrefix(text2, "\x00") || !contains(names, name) {
					place(item)
					continue
				}
				if number, err := strconv.Atoi(text2[1:]); err == nil && number < len(spans) {
					told[name] = text[spans[number].start:spans[number].end]
				}
			}
		}
	}
	place(*into)
	return true
}
