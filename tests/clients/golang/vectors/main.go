// Command vectors is the runner for the Go client, as tests/clients/vectors/README.md tells: vectors CALLS.json.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	api "imageproofclient"
)

type call struct {
	ID        string
	Client    map[string]any
	Operation string
	Arguments map[string]any
	Options   map[string]any
	Final     bool
}

type line struct {
	ID        string         `json:"id"`
	Untyped   bool           `json:"untyped,omitempty"`
	Warnings  []string       `json:"warnings"`
	Retries   []string       `json:"retries"`
	Answer    any            `json:"answer,omitempty"`
	Events    *[]any         `json:"events,omitempty"`
	Pictures  []*picture     `json:"pictures,omitempty"`
	RequestID string         `json:"request_id,omitempty"`
	Error     map[string]any `json:"error,omitempty"`
}

type picture struct {
	SHA256 string `json:"sha256"`
	Format string `json:"format"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
}

// errUntyped says that the types of Go cannot say the arguments.
var errUntyped = errors.New("not to be said in Go")

func main() {
	text, err := os.ReadFile(os.Args[len(os.Args)-1])
	if err != nil {
		log.Fatal(err)
	}
	var calls []call
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&calls); err != nil {
		log.Fatal(err)
	}
	var group sync.WaitGroup
	var printing sync.Mutex
	turns := make(chan struct{}, 16)
	for _, one := range calls {
		group.Add(1)
		go func() {
			defer group.Done()
			turns <- struct{}{}
			defer func() { <-turns }()
			made := run(one)
			told, err := json.Marshal(made)
			if err != nil {
				log.Fatalf("%s: %v", one.ID, err)
			}
			printing.Lock()
			defer printing.Unlock()
			fmt.Println(string(told))
		}()
	}
	group.Wait()
}

func run(one call) *line {
	made := &line{ID: one.ID, Warnings: []string{}, Retries: []string{}}
	client, err := clientOf(one, made)
	if err == nil {
		err = made.call(client, one)
	}
	if errors.Is(err, errUntyped) {
		return &line{ID: one.ID, Untyped: true, Warnings: []string{}, Retries: []string{}}
	}
	if err != nil {
		made.Error = errorOf(err)
	}
	return made
}

func clientOf(one call, made *line) (*api.Client, error) {
	told := one.Client
	options := []api.Option{
		api.WithOnBreach(func(_ string, found api.Breach) { made.Warnings = append(made.Warnings, found.Rule) }),
		api.WithOnRetry(func(retry api.Retry) { made.Retries = append(made.Retries, retry.Reason) }),
	}
	base, _ := told["base_url"].(string)
	if azure, is := told["azure"].(map[string]any); is {
		deployment, _ := azure["deployment"].(string)
		options = append(options, api.WithAzure(base, azure["api_version"].(string), deployment))
	} else if base != "" {
		options = append(options, api.WithBaseURL(base))
	}
	if key, is := told["api_key"].(string); is {
		options = append(options, api.WithAPIKey(key))
	}
	if count, is := told["max_retries"].(json.Number); is {
		number, _ := count.Int64()
		options = append(options, api.WithMaxRetries(int(number)))
	}
	for name, value := range object(told["default_headers"]) {
		options = append(options, api.WithHeader(name, value.(string)))
	}
	for name, value := range object(told["default_query"]) {
		options = append(options, api.WithQuery(name, value))
	}
	return api.NewClient(append(options, common(told)...)...)
}

func object(value any) map[string]any {
	found, _ := value.(map[string]any)
	return found
}

// common are the options that a client and a call have.
func common(told map[string]any) []api.Option {
	var options []api.Option
	if seconds, is := told["timeout"].(json.Number); is {
		number, _ := seconds.Float64()
		options = append(options, api.WithTimeout(time.Duration(number*float64(time.Second))))
	}
	if validate, is := told["validate"].(string); is {
		options = append(options, api.WithValidate(api.Validation(validate)))
	}
	switch family := told["family"].(type) {
	case string:
		options = append(options, api.WithFamily(family))
	case map[string]any:
		families := map[string]string{}
		for name, value := range family {
			families[name] = value.(string)
		}
		options = append(options, api.WithFamilies(families))
	}
	return options
}

func ofCall(told map[string]any) []api.Option {
	options := common(told)
	for name, value := range object(told["extra_headers"]) {
		options = append(options, api.WithHeader(name, value.(string)))
	}
	for name, value := range object(told["extra_query"]) {
		options = append(options, api.WithQuery(name, value))
	}
	extra := object(told["extra_body"])
	for _, name := range sorted(extra) {
		options = append(options, api.WithExtra(name, extra[name]))
	}
	return options
}

func sorted(values map[string]any) []string {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (l *line) call(client *api.Client, one call) error {
	ctx, options := context.Background(), ofCall(one.Options)
	streams := one.Arguments["stream"] == true
	if told, given := one.Arguments["stream"]; given {
		if told != nil && told != true && told != false {
			return errUntyped
		}
		if !streams {
			options = append(options, api.WithExtra("stream", told))
		}
		delete(one.Arguments, "stream")
	}
	switch one.Operation {
	case "createImage":
		var params api.GenerateParams
		if err := given(&params, one.Arguments, &options); err != nil {
			return err
		}
		if streams {
			return listen(l, one.Final)(client.Images.GenerateStream(ctx, params, options...))
		}
		return l.answer(client.Images.Generate(ctx, params, options...))
	case "createImageEdit":
		var params api.EditParams
		if err := given(&params, one.Arguments, &options); err != nil {
			return err
		}
		if streams {
			return listenToEdit(l, one.Final)(client.Images.EditStream(ctx, params, options...))
		}
		return l.answer(client.Images.Edit(ctx, params, options...))
	case "createImageVariation":
		var params api.CreateVariationParams
		if err := given(&params, one.Arguments, &options); err != nil {
			return err
		}
		return l.answer(client.Images.CreateVariation(ctx, params, options...))
	case "listModels":
		found, err := client.Models.List(ctx, options...)
		if err == nil {
			l.Answer, l.RequestID = found, found.RequestID()
		}
		return err
	case "retrieveModel":
		found, err := client.Models.Retrieve(ctx, one.Arguments["model"].(string), options...)
		if err == nil {
			l.Answer, l.RequestID = found, found.RequestID()
		}
		return err
	}
	return fmt.Errorf("no operation %s", one.Operation)
}

func (l *line) answer(found *api.ImagesResponse, err error) error {
	if err != nil {
		return err
	}
	l.Answer, l.RequestID, l.Pictures = found, found.RequestID(), []*picture{}
	for index := range found.Data {
		if err := l.picture(&found.Data[index]); err != nil {
			return err
		}
	}
	return nil
}

func (l *line) picture(from api.Content) error {
	found, err := fetched(from)
	if err == nil {
		l.Pictures = append(l.Pictures, found)
	}
	return err
}

// fetched is the picture of an item, nil for one without, once its accessor has said so.
func fetched(from api.Content) (*picture, error) {
	data, err := from.Bytes(context.Background())
	var invalid *api.APIResponseValidationError
	if errors.As(err, &invalid) && isWithout(from) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	sum, told := sha256.Sum256(data), from.Picture()
	return &picture{hex.EncodeToString(sum[:]), told.Format, told.Width, told.Height}, nil
}

func isWithout(from api.Content) bool {
	members := from.(interface{ Members() map[string]any }).Members()
	some := func(name string) bool { text, _ := members[name].(string); return text != "" }
	return !some("b64_json") && !some("url")
}

func listen(l *line, final bool) func(*api.Stream[api.ImageGenerationEvent], error) error {
	return events[api.ImageGenerationEvent](l, final)
}

func listenToEdit(l *line, final bool) func(*api.Stream[api.ImageEditEvent], error) error {
	return events[api.ImageEditEvent](l, final)
}

func events[T any](l *line, final bool) func(*api.Stream[T], error) error {
	return func(stream *api.Stream[T], err error) error {
		if err != nil {
			return err
		}
		if final {
			found, err := stream.Final()
			if err != nil {
				return err
			}
			return l.picture(any(found).(api.Content))
		}
		l.RequestID, l.Events = stream.RequestID(), &[]any{}
		for event, err := range stream.Events() {
			if err != nil {
				return err
			}
			*l.Events = append(*l.Events, event)
			if from, is := any(event).(api.Content); is {
				if err := l.picture(from); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// given sets the arguments of a call. What the types cannot say goes as WithExtra, as a user of Go would send it.
func given(params any, told map[string]any, options *[]api.Option) error {
	typed := map[string]any{}
	for name, value := range told {
		trial := reflect.New(reflect.TypeOf(params).Elem())
		err := fill(trial.Interface(), map[string]any{name: value}, true)
		if err == nil || strings.Contains(fmt.Sprint(value), "$") {
			typed[name] = value
			continue
		}
		*options = append(*options, api.WithExtra(name, value))
	}
	for name := range told {
		if _, is := typed[name]; !is && name == "prompt" {
			return fill(params, typed, true)
		}
	}
	return fill(params, typed, false)
}

// fill sets arguments by their names on the wire; partly says that required ones may be missing.
func fill(params any, told map[string]any, partly bool) error {
	value := reflect.ValueOf(params).Elem()
	left := len(told)
	for index := range value.NumField() {
		tag := value.Type().Field(index).Tag
		argument, given := told[tag.Get("api")]
		place := value.Field(index)
		if !given {
			if !partly && tag.Get("must") == "true" && place.Kind() == reflect.String {
				return errUntyped
			}
			continue
		}
		if argument == "" && partly && tag.Get("must") == "true" {
			return errUntyped // which the client takes for a missing one
		}
		left--
		if err := set(place, argument); err != nil {
			return err
		}
	}
	if left > 0 {
		return errUntyped
	}
	return nil
}

func set(place reflect.Value, told any) error {
	switch target := place.Addr().Interface().(type) {
	case *api.Opt[string]:
		return optional(target, told, func(value any) (string, bool) { text, is := value.(string); return text, is })
	case *api.Opt[bool]:
		return optional(target, told, func(value any) (bool, bool) { truth, is := value.(bool); return truth, is })
	case *api.Opt[int]:
		return optional(target, told, integer)
	case *api.Opt[api.SVGAuthorParam]:
		return optional(target, told, members[api.SVGAuthorParam])
	case *api.Opt[api.SVGReasoningParam]:
		return optional(target, told, members[api.SVGReasoningParam])
	case *string:
		text, is := told.(string)
		*target = text
		return typed(is)
	case *api.FileOrFiles:
		return files(target, told)
	case **api.File:
		made, err := fileOf(told)
		*target = made
		return err
	case *api.FileOrImageReference:
		return either(target, told)
	}
	return deep(place, told)
}

func typed(is bool) error {
	if !is {
		return errUntyped
	}
	return nil
}

func optional[T any](target *api.Opt[T], told any, read func(any) (T, bool)) error {
	if told == nil {
		*target = api.Null[T]()
		return nil
	}
	value, is := read(told)
	*target = api.Some(value)
	return typed(is)
}

func integer(value any) (int, bool) {
	number, is := value.(json.Number)
	whole, err := number.Int64()
	return int(whole), is && err == nil
}

// members is an object of arguments.
func members[T any](value any) (T, bool) {
	var made T
	told, is := value.(map[string]any)
	err := fill(&made, told, false)
	return made, is && err == nil
}

// deep sets lists and objects.
func deep(place reflect.Value, told any) error {
	switch place.Kind() {
	case reflect.Pointer:
		members, is := told.(map[string]any)
		if !is {
			return errUntyped
		}
		place.Set(reflect.New(place.Type().Elem()))
		return fill(place.Interface(), members, false)
	case reflect.Struct:
		members, is := told.(map[string]any)
		if !is {
			return errUntyped
		}
		return fill(place.Addr().Interface(), members, false)
	case reflect.Slice:
		items, is := told.([]any)
		if !is {
			return errUntyped
		}
		place.Set(reflect.MakeSlice(place.Type(), len(items), len(items)))
		for index, item := range items {
			if err := set(place.Index(index), item); err != nil {
				return err
			}
		}
		return nil
	}
	return errUntyped
}

func files(target *api.FileOrFiles, told any) error {
	list, isList := told.([]any)
	if !isList {
		made, err := fileOf(told)
		*target = made
		return err
	}
	made := api.Files{}
	for _, item := range list {
		one, err := fileOf(item)
		if err != nil {
			return err
		}
		made = append(made, one)
	}
	*target = made
	return nil
}

// either is a file or a reference.
func either(target *api.FileOrImageReference, told any) error {
	members, is := told.(map[string]any)
	if !is {
		return errUntyped
	}
	if _, isFile := members["$file"]; !isFile && members["$path"] == nil {
		made := &api.ImageReferenceParam{}
		*target = made
		return fill(made, members, false)
	}
	made, err := fileOf(told)
	*target = made
	return err
}

func fileOf(told any) (*api.File, error) {
	members, is := told.(map[string]any)
	if !is {
		return nil, errUntyped
	}
	if path, is := members["$path"].(string); is {
		return api.FilePath(path), nil
	}
	about, is := members["$file"].(map[string]any)
	if !is {
		return nil, errUntyped
	}
	data, err := os.ReadFile(about["path"].(string))
	if err != nil {
		log.Fatal(err)
	}
	made := api.FileBytes(data)
	if name, is := about["name"].(string); is {
		made = made.Named(name)
	}
	if kind, is := about["type"].(string); is {
		made = made.Typed(kind)
	}
	return made, nil
}

func kindOf(err error) string {
	switch err.(type) {
	case *api.RequestRuleError:
		return "rule"
	case *api.APITimeoutError:
		return "timeout"
	case *api.APIConnectionError:
		return "connection"
	case *api.APIResponseValidationError:
		return "malformed-answer"
	case *api.InvalidParameterError:
		return "invalid-parameter"
	case *api.ModerationError:
		return "moderation"
	case *api.BadRequestError:
		return "bad-request"
	case *api.AuthenticationError:
		return "authentication"
	case *api.PermissionDeniedError:
		return "permission"
	case *api.NotFoundError:
		return "not-found"
	case *api.ConflictError:
		return "conflict"
	case *api.UnprocessableEntityError:
		return "unprocessable"
	case *api.RateLimitError:
		return "rate-limit"
	case *api.InternalServerError:
		return "server"
	case *api.APIStatusError:
		return "status"
	case *api.APIError:
		return "reported"
	}
	return "argument"
}

func errorOf(err error) map[string]any {
	told := map[string]any{"kind": kindOf(err), "message": err.Error(), "rules": []string{}, "categories": []string{}}
	var base *api.APIError
	if errors.As(err, &base) {
		told["message"], told["raw"] = base.Message, base.Raw
		finished := []*picture{}
		for _, one := range base.Finished {
			found, err := fetched(one)
			if err != nil {
				log.Fatal(err)
			}
			finished = append(finished, found)
		}
		told["finished"] = finished
		for name, value := range map[string]string{
			"code": base.Code, "type": base.Type, "param": base.Param, "request_id": base.RequestID,
		} {
			if value != "" {
				told[name] = value
			}
		}
		if base.StatusCode != 0 {
			told["status"] = base.StatusCode
		}
	}
	var moderated *api.ModerationError
	if errors.As(err, &moderated) {
		told["stage"], told["categories"] = moderated.Stage, moderated.Categories
	}
	var ruled *api.RequestRuleError
	if errors.As(err, &ruled) {
		rules := []string{}
		for _, one := range ruled.Breaches {
			rules = append(rules, one.Rule)
		}
		told["rules"] = rules
	}
	return told
}
