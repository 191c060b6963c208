
import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// schema is a JSON Schema.
type schema = map[string]any

// fault is a keyword of a schema that a value breaks, with the rule nearest to it, and the faults of alternatives.
type fault struct {
	path    []string
	keyword string
	limit   any
	rule    string
	inner   []fault
}

// bare is a value as JSON Schema sees it: a file is some text.
func bare(value any) any {
	switch told := value.(type) {
	case *upload, *File:
		return ""
	case []*upload:
		made := make([]any, len(told))
		for index := range told {
			made[index] = ""
		}
		return made
	case []any:
		made := make([]any, len(told))
		for index, item := range told {
			made[index] = bare(item)
		}
		return made
	case *object:
		made := make(map[string]any, len(told.at))
		for name, item := range told.at {
			made[name] = bare(item)
		}
		return made
	}
	return value
}

// faults are the keywords of a schema that a value breaks.
func faults(told, value any, path []string, rule string) []fault {
	if allowed, isBool := told.(bool); isBool {
		if allowed {
			return nil
		}
		return []fault{{path: path, keyword: "false", rule: rule}}
	}
	schema, _ := told.(map[string]any)
	if own, has := schema["x-rule"].(string); has {
		rule = own
	}
	var found []fault
	for _, keyword := range keywords {
		if limit, has := schema[keyword.name]; has && !keyword.holds(limit, value) {
			found = append(found, fault{path: path, keyword: keyword.name, limit: limit, rule: rule})
		}
	}
	found = append(found, below(schema, value, path, rule)...)
	return append(found, composed(schema, value, path, rule)...)
}

// below are faults of members and items.
func below(schema map[string]any, value any, path []string, rule string) []fault {
	var found []fault
	inner := func(name string) []string { return append(slices.Clone(path), name) }
	switch told := value.(type) {
	case []any:
		if items, has := schema["items"]; has {
			for index, item := range told {
				found = append(found, faults(items, item, inner(fmt.Sprint(index)), rule)...)
			}
		}
	case map[string]any:
		known, _ := schema["properties"].(map[string]any)
		names := make([]string, 0, len(told))
		for name := range told {
			names = append(names, name)
		}
		sort.Strings(names)
		stray := false
		for _, name := range names {
			if one, has := known[name]; has {
				found = append(found, faults(one, told[name], inner(name), rule)...)
			} else {
				stray = true
			}
		}
		if stray && schema["additionalProperties"] == false {
			found = append(found, fault{path: path, keyword: "additionalProperties", limit: false, rule: rule})
		}
	}
	return found
}

func composed(schema map[string]any, value any, path []string, rule string) []fault {
	var found []fault
	all, _ := schema["allOf"].([]any)
	for _, part := range all {
		found = append(found, faults(part, value, path, rule)...)
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		parts, _ := schema[keyword].([]any)
		good := 0
		var inner []fault
		for _, part := range parts {
			told := faults(part, value, path, rule)
			inner = append(inner, told...)
			if len(told) == 0 {
				good++
			}
		}
		if len(parts) > 0 && good == 0 {
			found = append(found, fault{path, keyword, nil, rule, inner})
		} else if keyword == "oneOf" && good > 1 {
			found = append(found, fault{path: path, keyword: keyword, rule: rule})
		}
	}
	if not, has := schema["not"]; has && len(faults(not, value, nil, "")) == 0 {
		found = append(found, fault{path: path, keyword: "not", rule: rule})
	}
	if condition, has := schema["if"]; has {
		branch := "then"
		if len(faults(condition, value, nil, "")) > 0 {
			branch = "else"
		}
		if then, has := schema[branch]; has {
			found = append(found, faults(then, value, path, rule)...)
		}
	}
	return found
}

func numberOf(value any) (float64, bool) {
	switch told := value.(type) {
	case int64:
		return float64(told), true
	case float64:
		return told, true
	case json.Number:
		number, err := told.Float64()
		return number, err == nil
	}
	return 0, false
}

func equal(one, other any) bool {
	left, isLeft := numberOf(one)
	right, isRight := numberOf(other)
	if isLeft && isRight {
		return left == right
	}
	return isLeft == isRight && reflect.DeepEqual(one, other)
}

func isType(name string, value any) bool {
	number, isNumber := numberOf(value)
	switch name {
	case "string":
		_, is := value.(string)
		return is
	case "integer":
		return isNumber && number == math.Trunc(number)
	case "number":
		return isNumber
	case "boolean":
		_, is := value.(bool)
		return is
	case "null":
		return value == nil
	case "array":
		_, is := value.([]any)
		return is
	case "object":
		_, is := value.(map[string]any)
		return is
	}
	return true
}

func listOrOne(told any) []any {
	if list, isList := told.([]any); isList {
		return list
	}
	return []any{told}
}

// number is a keyword that limits numbers.
func number(holds func(limit, value float64) bool) func(any, any) bool {
	return func(limit, value any) bool {
		most, _ := numberOf(limit)
		told, isNumber := numberOf(value)
		return !isNumber || holds(most, told)
	}
}

// length is a keyword that limits how long a value is, where it has a length of that kind.
func length(measure func(any) (int, bool), holds func(limit, found int) bool) func(any, any) bool {
	return func(limit, value any) bool {
		most, _ := numberOf(limit)
		found, measured := measure(value)
		return !measured || holds(int(most), found)
	}
}

func letters(value any) (int, bool) {
	text, is := value.(string)
	return utf8.RuneCountInString(text), is
}

func items(value any) (int, bool) {
	list, is := value.([]any)
	return len(list), is
}

func members(value any) (int, bool) {
	object, is := value.(map[string]any)
	return len(object), is
}

func atLeast(limit, found int) bool { return found >= limit }

func atMost(limit, found int) bool { return found <= limit }

// keywords are what is checked of a value by itself, and whether it holds.
var keywords = []struct {
	name  string
	holds func(limit, value any) bool
}{
	{"type", func(limit, value any) bool {
		return slices.ContainsFunc(listOrOne(limit), func(one any) bool { return isType(fmt.Sprint(one), value) })
	}},
	{"enum", func(limit, value any) bool {
		return slices.ContainsFunc(listOrOne(limit), func(one any) bool { return equal(one, value) })
	}},
	{"const", equal},
	{"minimum", number(func(limit, value float64) bool { return value >= limit })},
	{"maximum", number(func(limit, value float64) bool { return value <= limit })},
	{"exclusiveMinimum", number(func(limit, value float64) bool { return value > limit })},
	{"exclusiveMaximum", number(func(limit, value float64) bool { return value < limit })},
	{"multipleOf", number(func(limit, value float64) bool { return math.Mod(value, limit) == 0 })},
	{"minLength", length(letters, atLeast)},
	{"maxLength", length(letters, atMost)},
	{"pattern", func(limit, value any) bool {
		text, isText := value.(string)
		return !isText || matches(fmt.Sprint(limit), text)
	}},
	{"minItems", length(items, atLeast)},
	{"maxItems", length(items, atMost)},
	{"uniqueItems", func(limit, value any) bool {
		list, _ := value.([]any)
		for index, item := range list {
			if limit == true && slices.ContainsFunc(list[:index], func(one any) bool { return equal(one, item) }) {
				return false
			}
		}
		return true
	}},
	{"minProperties", length(members, atLeast)},
	{"maxProperties", length(members, atMost)},
	{"required", func(limit, value any) bool {
		object, isObject := value.(map[string]any)
		missing := func(one any) bool { _, has := object[fmt.Sprint(one)]; return !has }
		return !isObject || !slices.ContainsFunc(listOrOne(limit), missing)
	}},
}

var patterns sync.Map // text -> *regexp.Regexp, nil for what this language cannot say

// matches says whether a text matches a pattern; one that this language cannot say is left to the server.
func matches(pattern, text string) bool {
	known, found := patterns.Load(pattern)
	if !found {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			compiled = nil
		}
		known, _ = patterns.LoadOrStore(pattern, compiled)
	}
	compiled := known.(*regexp.Regexp)
	return compiled == nil || compiled.MatchString(text)
}

var sentences = map[string]string{
	"type": "must be of type %s", "enum": "must be one of %s", "const": "must be %s",
	"minimum": "must be at least %s", "maximum": "must be at most %s", "exclusiveMaximum": "must be less than %s",
	"minLength": "must have at least %s characters", "maxLength": "must have at most %s characters",
	"minItems": "must have at least %s items", "maxItems": "must have at most %s items",
	"minProperties": "must have at least %s members", "maxProperties": "must have at most %s members",
}

func (f fault) said() string {
	var texts []string
	for _, one := range listOrOne(f.limit) {
		texts = append(texts, firstOf(plainText(one), "null"))
	}
	limit := strings.Join(texts, ", ")
	sentence, known := sentences[f.keyword]
	if !known {
		sentence = "breaks " + f.keyword + ": %s"
	}
	return fmt.Sprintf(sentence, limit[:min(len(limit), 200)])
}

// listedIn are the values that a schema names.
func listedIn(told any) []any {
	schema, _ := told.(map[string]any)
	found, _ := schema["enum"].([]any)
	found = slices.Clone(found)
	if one, has := schema["const"]; has {
		found = append(found, one)
	}
	found = slices.DeleteFunc(found, func(one any) bool {
		_, isList := one.([]any)
		_, isObject := one.(map[string]any)
		return isList || isObject
	})
	parts, _ := schema["anyOf"].([]any)
	for _, part := range parts {
		found = append(found, listedIn(part)...)
	}
	return found
}
