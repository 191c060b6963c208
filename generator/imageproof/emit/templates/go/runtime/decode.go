
import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

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
		if d.into(made.Index(index), item) && item != nil {
			continue
		}
		if found, isReceiver := made.Index(index).Addr().Interface().(receiver); isReceiver {
			about := found.received()
			about.origin, about.instead, about.odd = d.origin, item, true
		}
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
	about.members, about.origin, about.extra = members, d.origin, map[string]any{}
	if _, carries := place.Addr().Interface().(carrier); carries {
		about.fetched = newFetched()
	}
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
	if about.odd && isBare(value) {
		text, err := json.Marshal(about.instead)
		return text, err
	}
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

// isBare says whether an object has no member.
func isBare(value reflect.Value) bool {
	for _, one := range fieldsOf(value.Type()) {
		if !value.Field(one.index).IsZero() {
			return false
		}
	}
	return true
}

// unmarshalReceived reads an object of an answer back from JSON, with its unknown members. It has no connection.
func unmarshalReceived(into receiver, data []byte) error {
	text := string(data)
	value, err := decodeJSON(text, about.inline)
	place := reflect.ValueOf(into).Elem()
	switch {
	case err != nil:
		return err
	case value == nil: // as encoding/json has it
		return nil
	}
	place.SetZero()
	if !(decoder{}).into(place, value) {
		return fmt.Errorf("%s cannot be read from JSON that is no object", place.Type().Name())
	}
	into.received().raw = text
	return nil
}

// MarshalJSON has the object as it came.
func (u Unknown) MarshalJSON() ([]byte, error) { return marshalReceived(&u) }

// UnmarshalJSON reads the object back from JSON.
func (u *Unknown) UnmarshalJSON(data []byte) error { return unmarshalReceived(u, data) }

// String is the object as JSON for people: long texts are cut, and the key is not shown.
func (u Unknown) String() string { return shown(&u) }

// GoString is String.
func (u Unknown) GoString() string { return shown(&u) }

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

// inline says whether the object has a file in base64 all the same, under one of these names.
func (u *Unknown) inline(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return u.stray(name) != "" })
}

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
