
import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// call is a request that is ready. values are the members of the body before they were written, files as uploads.
type call struct {
	name      string
	verb, url string
	header    http.Header
	data      []byte
	form      *form
	file      *upload
	values    *object
}

// size is the number of bytes of the body, -1 where it is not known.
func (c *call) size() int64 {
	switch {
	case c.form != nil:
		return c.form.size()
	case c.file != nil:
		return c.file.size
	}
	return int64(len(c.data))
}

// open is the body from its start, nil for none; one that is not in memory is an io.ReadCloser.
func (c *call) open() (io.Reader, error) {
	switch {
	case c.form != nil:
		return c.form.open(), nil
	case c.file != nil:
		return c.file.open()
	case c.data != nil:
		return bytes.NewReader(c.data), nil
	}
	return nil, nil
}

// again says whether the body can be sent once more.
func (c *call) again() bool {
	return (c.form == nil || c.form.again()) && (c.file == nil || c.file.again)
}

// newCall is the request for a call: inPath are the values of the path's parameters by their names on the wire, arguments
// a struct of arguments or nil. It is checked against the rules of the service. The error names the argument that cannot
// be sent. Files are read beside the context and the time limit, whose ends are errors too.
func (c *connection) newCall(
	ctx context.Context, op *operation, inPath []pathValue, arguments any, streams bool,
) (*call, error) {
	told := &c.settings
	members, err := membersOf(arguments, told.extraBody)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op.name, err)
	}
	if streams && op.stream != "" {
		members[""].set(op.stream, true)
	}
	made := &call{name: op.name, verb: op.verb, values: members[""], header: http.Header{}}
	ready := func() error {
		if err := made.build(op, inPath, members, told); err != nil {
			return fmt.Errorf("%s: %w", op.name, err)
		}
		if c.service.check != nil {
			return c.service.check(op, made, told)
		}
		return nil
	}
	if !hasFiles(made.values) {
		return made, ready()
	}
	if err := beside(ctx, told.timeout, ready); err != nil {
		return nil, unsent(op.name, err)
	}
	return made, nil
}

func hasFiles(values *object) bool {
	var isFile func(value any) bool
	isFile = func(value any) bool {
		switch told := value.(type) {
		case *File:
			return true
		case []any:
			return slices.ContainsFunc(told, isFile)
		case *object:
			return hasFiles(told)
		}
		return false
	}
	for _, name := range values.names {
		if isFile(values.at[name]) {
			return true
		}
	}
	return false
}

func (c *call) build(op *operation, inPath []pathValue, members map[string]*object, told *settings) error {
	extra, err := extraMembers(told.extraBody)
	if err != nil {
		return err
	}
	if !op.whole {
		for _, name := range extra.names {
			c.values.set(name, extra.at[name])
		}
	}
	mediaType := op.mediaType
	if isJSON(op, c.values) {
		mediaType = op.jsonMediaType
	}
	if err := c.fill(op, mediaType, extra); err != nil {
		return err
	}
	c.header.Set("Accept", firstOf(op.accept, "application/json"))
	if told.key() != "" {
		header, prefix := told.auth()
		c.header.Set(header, prefix+told.key())
	}
	accounts, err := told.accountHeaders()
	if err != nil {
		return err
	}
	maps.Copy(c.header, accounts)
	for _, name := range members["header"].names {
		if value := members["header"].at[name]; value != nil {
			if value, err = joined(name, value); err != nil {
				return err
			}
			text, err := textOf(name, value)
			if err != nil {
				return err
			}
			if err := checkHeader(name, text); err != nil {
				return err
			}
			c.header.Set(name, text)
		}
	}
	for name, values := range told.header {
		c.header[name] = values
	}
	where, err := c.where(op, inPath, told)
	if err != nil {
		return err
	}
	c.url, err = withQuery(where, op, members["query"], told.standingQuery())
	return err
}

func extraMembers(told []member) (*object, error) {
	extra := newObject()
	for _, one := range told {
		plain, _, err := plainOf(one.name, reflect.ValueOf(one.value), false)
		if err != nil {
			return nil, err
		}
		extra.set(one.name, plain)
	}
	return extra, nil
}

// isJSON says whether arguments go as JSON where a form is what the call is used to.
func isJSON(op *operation, values *object) bool {
	if op.jsonMediaType == "" {
		return false
	}
	for _, name := range op.json {
		if _, given := values.at[name]; given {
			return true
		}
	}
	for _, name := range op.files {
		if _, isObject := values.at[name].(*object); isObject {
			return true
		}
	}
	return false
}

// fill writes the body.
func (c *call) fill(op *operation, mediaType string, extra *object) error {
	written := c.values
	if op.whole {
		whole, given := c.values.at["body"]
		object, isObject := whole.(*object)
		switch {
		case given && op.raw:
			file, isFile := whole.(*File)
			if !isFile {
				return errors.New("body must be a file")
			}
			found, err := uploadOf("body", file)
			c.file = found
			c.header.Set("Content-Type", mediaType)
			return err
		case given && isObject:
			for _, name := range extra.names {
				object.set(name, extra.at[name])
			}
			written = object
		case given && len(extra.names) > 0:
			return errors.New("extra members need a body with members")
		case given:
			return c.json(mediaType, whole)
		default:
			mediaType = ""
		}
	}
	switch {
	case mediaType == "" && len(extra.names) == 0:
		return nil
	case mediaType == "":
		return c.json("application/json", extra)
	case strings.HasPrefix(mediaType, "multipart/form-data"):
		return c.multipart(op, written)
	case strings.HasPrefix(mediaType, "application/x-www-form-urlencoded"):
		query, err := encoded(written)
		c.data = []byte(query)
		c.header.Set("Content-Type", mediaType)
		return err
	}
	return c.json(mediaType, written)
}

func (c *call) json(mediaType string, value any) error {
	var out bytes.Buffer
	if err := writeJSON(&out, "body", value); err != nil {
		return err
	}
	c.data = out.Bytes()
	c.header.Set("Content-Type", mediaType)
	return nil
}

func (c *call) multipart(op *operation, values *object) error {
	once := map[*source]bool{}
	for _, name := range values.names {
		ready, err := uploadsIn(op, name, values.at[name])
		if err != nil {
			return err
		}
		for _, one := range uploadsOf(ready) {
			if !one.again && once[one.from] {
				return fmt.Errorf("%s: the same reader twice in one call, and it cannot be rewound: give its bytes", name)
			}
			once[one.from] = true
		}
		values.at[name] = ready
	}
	made, err := formOf(values, op.lists, op.documents)
	if err != nil {
		return err
	}
	c.form = made
	c.header.Set("Content-Type", made.mediaType())
	return nil
}

// uploadsOf are the files of an argument.
func uploadsOf(value any) []*upload {
	switch told := value.(type) {
	case *upload:
		return []*upload{told}
	case []*upload:
		return told
	}
	return nil
}

// uploadsIn is a file, or a list of files, as uploads; any other value as it is.
func uploadsIn(op *operation, name string, value any) (any, error) {
	switch told := value.(type) {
	case *File:
		return uploadOf(name, told)
	case string:
		if contains(op.files, name) {
			return nil, fmt.Errorf("%s must be a file: FilePath(%q) is one", name, told)
		}
	case []any:
		isFile := func(item any) bool { _, is := item.(*File); return is }
		if !contains(op.files, name) && !slices.ContainsFunc(told, isFile) {
			return value, nil
		}
		if len(told) == 0 {
			return nil, fmt.Errorf("%s: the list of files is empty", name)
		}
		found := make([]*upload, 0, len(told))
		for _, item := range told {
			file, _ := item.(*File)
			one, err := uploadOf(name, file)
			if err != nil {
				return nil, err
			}
			found = append(found, one)
		}
		return found, nil
	}
	return value, nil
}
