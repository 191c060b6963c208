
import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"
)

// Opt is an argument that may be left out. The zero value is left out, and not sent; [Some] is sent, and [Null] is sent
// as null in JSON and left out of a form.
type Opt[T any] struct {
	value *T
	null  bool
}

// Some is an argument that is given.
func Some[T any](value T) Opt[T] { return Opt[T]{value: &value} }

// Null is an argument that is given as null.
func Null[T any]() Opt[T] { return Opt[T]{null: true} }

// Get is the value, and whether there is one.
func (o Opt[T]) Get() (T, bool) {
	if o.value == nil {
		var none T
		return none, false
	}
	return *o.value, true
}

// String is what is sent, or "" for an argument that is left out.
func (o Opt[T]) String() string {
	switch {
	case o.null:
		return "null"
	case o.value == nil:
		return ""
	}
	return fmt.Sprint(*o.value)
}

func (o Opt[T]) argument() (value any, given bool) {
	if o.value == nil {
		return nil, o.null
	}
	return *o.value, true
}

type argument interface{ argument() (any, bool) }

// object is a JSON object whose members keep their order.
type object struct {
	names []string
	at    map[string]any
}

func newObject() *object { return &object{at: map[string]any{}} }

func (o *object) set(name string, value any) {
	if _, known := o.at[name]; !known {
		o.names = append(o.names, name)
	}
	o.at[name] = value
}

// field is an argument in a struct of arguments, as its tags tell it: its name on the wire, its place ("" for the
// body), whether it must be given, and the one value that it may have, "" for any.
type field struct {
	index    int
	name     string
	place    string
	required bool
	constant string
}

var fieldsKnown sync.Map // of reflect.Type -> []field

func fieldsOf(kind reflect.Type) []field {
	if known, found := fieldsKnown.Load(kind); found {
		return known.([]field)
	}
	var fields []field
	for index := range kind.NumField() {
		name, tagged := kind.Field(index).Tag.Lookup("api")
		if tagged {
			tag := kind.Field(index).Tag
			fields = append(fields, field{index, name, tag.Get("in"), tag.Get("must") == "true", tag.Get("is")})
		}
	}
	fieldsKnown.Store(kind, fields)
	return fields
}

// membersOf are the arguments of a struct that are given, by place. Those of the body may be given as extra members
// instead. The error names an argument that is missing or cannot be sent.
func membersOf(arguments any, extra []member) (map[string]*object, error) {
	members := map[string]*object{"": newObject(), "query": newObject(), "header": newObject()}
	if arguments == nil {
		return members, nil
	}
	value := reflect.ValueOf(arguments)
	for _, one := range fieldsOf(value.Type()) {
		isExtra := func(other member) bool { return other.name == one.name && one.place == "" }
		if value.Field(one.index).IsZero() && slices.ContainsFunc(extra, isExtra) {
			continue
		}
		plain, given, err := one.of(value)
		if err != nil {
			return nil, err
		}
		if given {
			members[one.place].set(one.name, plain)
		}
	}
	return members, nil
}

// of is the argument's value in a struct, as plainOf has it.
func (f field) of(arguments reflect.Value) (plain any, given bool, err error) {
	value := arguments.Field(f.index)
	if f.constant != "" && value.IsZero() {
		return f.constant, true, nil
	}
	return plainOf(f.name, value, f.required)
}

// plainOf is a value as JSON has it: nil, bool, int64, float64, string, []any, *object; and *File. given is false for
// what is left out. The error names the argument.
func plainOf(name string, value reflect.Value, required bool) (plain any, given bool, err error) {
	missing := func() (any, bool, error) {
		if required {
			return nil, false, fmt.Errorf("%s is required", name)
		}
		return nil, false, nil
	}
	if !value.IsValid() {
		return missing()
	}
	switch told := value.Interface().(type) {
	case argument:
		inner, given := told.argument()
		if !given {
			return missing()
		}
		if inner == nil {
			return nil, true, nil
		}
		plain, _, err = plainOf(name, reflect.ValueOf(inner), false)
		return plain, true, err
	case *File:
		if told == nil {
			return missing()
		}
		return told, true, nil
	case io.Reader:
		return nil, false, fmt.Errorf("%s: a reader is no file: FileReader makes one of it", name)
	case time.Time:
		return told.Format(time.RFC3339Nano), true, nil
	case json.Number:
		return told, true, nil
	case []byte:
		if told == nil {
			return missing()
		}
		return base64.StdEncoding.EncodeToString(told), true, nil
	}
	switch value.Kind() {
	case reflect.String:
		if required && value.Len() == 0 {
			return missing()
		}
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return missing()
		}
		return plainOf(name, value.Elem(), required)
	case reflect.Struct:
		return structOf(name, value)
	case reflect.Slice, reflect.Array:
		return listOf(name, value, required)
	case reflect.Map:
		return mapOf(name, value, required)
	}
	plain, err = scalarOf(name, value)
	return plain, true, err
}

func scalarOf(name string, value reflect.Value) (any, error) {
	switch value.Kind() {
	case reflect.String:
		return value.String(), nil
	case reflect.Bool:
		return value.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return value.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return json.Number(strconv.FormatUint(value.Uint(), 10)), nil
	case reflect.Float32, reflect.Float64:
		if math.IsNaN(value.Float()) || math.IsInf(value.Float(), 0) {
			return nil, fmt.Errorf("%s: %v cannot be sent", name, value.Float())
		}
		return value.Float(), nil
	}
	return nil, fmt.Errorf("%s: %s cannot be sent", name, value.Type())
}

func structOf(name string, value reflect.Value) (any, bool, error) {
	if fields := fieldsOf(value.Type()); len(fields) > 0 || value.NumField() == 0 {
		made := newObject()
		for _, one := range fields {
			plain, given, err := one.of(value)
			if err != nil {
				return nil, false, fmt.Errorf("%s: %w", name, err)
			}
			if given {
				made.set(one.name, plain)
			}
		}
		return made, true, nil
	}
	// A struct of the caller's own goes as encoding/json has it.
	text, err := json.Marshal(value.Interface())
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", name, err)
	}
	var generic any
	if err := unmarshal(string(text), &generic); err != nil {
		return nil, false, fmt.Errorf("%s: %w", name, err)
	}
	return plainOf(name, reflect.ValueOf(generic), false)
}

func listOf(name string, value reflect.Value, required bool) (any, bool, error) {
	if value.Kind() == reflect.Slice && value.IsNil() && !required {
		return nil, false, nil
	}
	items := make([]any, 0, value.Len())
	for index := range value.Len() {
		item, _, err := plainOf(name, value.Index(index), false)
		if err != nil {
			return nil, false, err
		}
		items = append(items, item)
	}
	return items, true, nil
}

func mapOf(name string, value reflect.Value, required bool) (any, bool, error) {
	if value.IsNil() && !required {
		return nil, false, nil
	}
	if value.Type().Key().Kind() != reflect.String {
		return nil, false, fmt.Errorf("%s: the keys of a map must be strings", name)
	}
	keys := value.MapKeys()
	sort.Slice(keys, func(one, other int) bool { return keys[one].String() < keys[other].String() })
	made := newObject()
	for _, key := range keys {
		plain, _, err := plainOf(name, value.MapIndex(key), false)
		if err != nil {
			return nil, false, err
		}
		made.set(key.String(), plain)
	}
	return made, true, nil
}
