
import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const longText = 16 * 1024 // bytes; a shorter text is read like any other

// Received is what every object of an answer has beside its members. A member that the server left out is the zero
// value; one of an unexpected type is the zero value too, and kept in Extra.
type Received struct {
	members map[string]any
	extra   map[string]any
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

// RawJSON is the text of the whole answer; "" on parts of one.
func (r *Received) RawJSON() string { return r.raw }

// Header has the headers of the answer; nil on parts of one.
func (r *Received) Header() http.Header { return r.header }

// StatusCode is the HTTP status of the answer; 0 on parts of one.
func (r *Received) StatusCode() int { return r.status }

// RequestID is the id that the server gave the exchange; "" on parts of an answer.
func (r *Received) RequestID() string { return r.header.Get("x-request-id") }

type receiver interface{ received() *Received }

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
// false where that does not work out: then all is read the plain way.
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
	placed := 0
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
					placed++
				}
			}
		}
	}
	place(*into)
	return placed == len(spans)
}

// decoder makes typed values of JSON values.
type decoder struct{ origin *connection }

// into puts a JSON value into a place. It is false, and the place stays as it is, where the value is of another type.
func (d decoder) into(place reflect.Value, value any) bool {
	if value == nil {
		return place.Kind() == reflect.Interface || place.Kind() == reflect.Pointer
	}
	switch place.Kind() {
	case reflect.Pointer:
		made := reflect.New(place.Type().Elem())
		if !d.into(made.Elem(), value) {
			return false
		}
		place.Set(made)
		return true
	case reflect.Interface:
		return d.intoInterface(place, value)
	case reflect.Struct:
		return d.intoStruct(place, value)
	case reflect.Slice:
		return d.intoSlice(place, value)
	case reflect.Map:
		return d.intoMap(place, value)
	}
	return intoScalar(place, value)
}

func intoScalar(place reflect.Value, value any) bool {
	switch told := value.(type) {
	case string:
		if place.Kind() == reflect.String {
			place.SetString(told)
			return true
		}
	case bool:
		if place.Kind() == reflect.Bool {
			place.SetBool(told)
			return true
		}
	case json.Number:
		return intoNumber(place, told)
	}
	return false
}

func intoNumber(place reflect.Value, told json.Number) bool {
	switch place.Kind() {
	case reflect.Int64:
		number, err := told.Int64()
		if err != nil {
			float, floatErr := told.Float64()
			if floatErr != nil || float != float64(int64(float)) || float >= 1<<63 || float < -1<<63 {
				return false
			}
			number = int64(float)
		}
		place.SetInt(number)
		return true
	case reflect.Float64:
		number, err := told.Float64()
		place.SetFloat(number)
		return err == nil
	}
	return false
}

func (d decoder) intoSlice(place reflect.Value, value any) bool {
	items, isList := value.([]any)
	if !isList {
		return false
	}
	made := reflect.MakeSlice(place.Type(), len(items), len(items))
	for index, item := range items {
		d.into(made.Index(index), item)
	}
	place.Set(made)
	return true
}

func (d decoder) intoMap(place reflect.Value, value any) bool {
	members, isObject := value.(map[string]any)
	if !isObject {
		return false
	}
	made := reflect.MakeMapWithSize(place.Type(), len(members))
	for name, item := range members {
		one := reflect.New(place.Type().Elem()).Elem()
		d.into(one, item)
		made.SetMapIndex(reflect.ValueOf(name), one)
	}
	place.Set(made)
	return true
}

func (d decoder) intoStruct(place reflect.Value, value any) bool {
	members, isObject := value.(map[string]any)
	if !isObject {
		return false
	}
	about := place.Addr().Interface().(receiver).received()
	about.members, about.origin, about.extra, about.fetched = members, d.origin, map[string]any{}, &fetched{}
	known := make(map[string]bool, len(members))
	for _, one := range fieldsOf(place.Type()) {
		item, found := members[one.name]
		if !found {
			continue
		}
		known[one.name] = item == nil || d.into(place.Field(one.index), item)
	}
	for name, item := range members {
		if !known[name] {
			about.extra[name] = item
		}
	}
	return true
}

// marshalReceived is an object of an answer as JSON.
func marshalReceived(from receiver) ([]byte, error) {
	made := newObject()
	value := reflect.ValueOf(from).Elem()
	about := from.received()
	for _, one := range fieldsOf(value.Type()) {
		_, strange := about.extra[one.name]
		if place := value.Field(one.index); !strange && (about.Has(one.name) || !place.IsZero()) {
			made.set(one.name, place.Interface())
			if place.IsZero() && about.members[one.name] == nil {
				made.set(one.name, nil)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(about.extra)) {
		made.set(name, about.extra[name])
	}
	var out bytes.Buffer
	err := writeJSON(&out, "", made)
	return out.Bytes(), err
}

// MarshalJSON has the object as it came.
func (u Unknown) MarshalJSON() ([]byte, error) { return marshalReceived(&u) }

// union tells how an object becomes one of several: by the value of a member, else as the one that declares most of its
// members. An object of no known kind becomes an *Unknown.
type union struct {
	property string
	tags     map[string]reflect.Type
	choices  []reflect.Type
}

func (u union) choose(members map[string]any) reflect.Type {
	if u.property != "" {
		tag, _ := members[u.property].(string)
		if chosen, found := u.tags[tag]; found {
			return chosen
		}
		return reflect.TypeFor[Unknown]()
	}
	best, most := u.choices[0], -1
	for _, choice := range u.choices {
		count := 0
		for _, one := range fieldsOf(choice) {
			if _, found := members[one.name]; found {
				count++
			}
		}
		if count > most {
			best, most = choice, count
		}
	}
	return best
}

// Unknown is an object of a kind that this client does not know. Its members are in Extra.
type Unknown struct{ Received }

func (d decoder) intoInterface(place reflect.Value, value any) bool {
	if place.NumMethod() == 0 {
		place.Set(reflect.ValueOf(value))
		return true
	}
	members, isObject := value.(map[string]any)
	told, isUnion := unions()[place.Type()]
	if !isObject || !isUnion {
		return false
	}
	made := reflect.New(told.choose(members))
	d.into(made.Elem(), value)
	place.Set(made)
	return true
}

func contains(names []string, name string) bool {
	for _, one := range names {
		if one == name {
			return true
		}
	}
	return false
}
