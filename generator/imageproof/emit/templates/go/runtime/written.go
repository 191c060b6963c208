
import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// writeJSON appends a plain value. The error names what JSON has no word for.
func writeJSON(out *bytes.Buffer, name string, value any) error {
	switch told := value.(type) {
	case *object:
		out.WriteByte('{')
		for index, member := range told.names {
			if index > 0 {
				out.WriteByte(',')
			}
			writeText(out, member)
			out.WriteByte(':')
			if err := writeJSON(out, member, told.at[member]); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for index, item := range told {
			if index > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, name, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case string:
		writeText(out, told)
	case *File, *upload:
		return fmt.Errorf("%s: a file cannot be sent as JSON: give it by reference, such as its DataURL, or give files alone", name)
	default:
		text, err := json.Marshal(told)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out.Write(text)
	}
	return nil
}

func writeText(out *bytes.Buffer, text string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a text can always be written, into a buffer too
	out.Truncate(out.Len() - 1)
}

// pair is one text of a form or a query.
type pair struct{ name, text string }

// formTexts are the texts of one argument: numbers in decimals, members of objects in brackets, items of lists under
// the name many. Null has none.
func formTexts(name, many string, value any) ([]pair, error) {
	var pairs []pair
	add := func(more []pair, err error) error {
		pairs = append(pairs, more...)
		return err
	}
	switch told := value.(type) {
	case nil:
		return nil, nil
	case *object:
		for _, member := range told.names {
			inner := name + "[" + member + "]"
			if err := add(formTexts(inner, inner+"[]", told.at[member])); err != nil {
				return nil, err
			}
		}
		return pairs, nil
	case []any:
		for _, item := range told {
			if err := add(formTexts(many, many, item)); err != nil {
				return nil, err
			}
		}
		return pairs, nil
	}
	text, err := textOf(name, value)
	return []pair{{name, text}}, err
}

// textOf is a scalar as text.
func textOf(name string, value any) (string, error) {
	switch told := value.(type) {
	case string:
		return told, nil
	case bool, int64, json.Number:
		return fmt.Sprint(told), nil
	case float64:
		return strconv.FormatFloat(told, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("%s: %T cannot be sent as text", name, value)
}

// joined is a list as one text with commas; any other value is handed back as it is.
func joined(name string, value any) (any, error) {
	list, isList := value.([]any)
	if !isList {
		return value, nil
	}
	texts := make([]string, 0, len(list))
	for _, item := range list {
		text, err := textOf(name, item)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ","), nil
}
