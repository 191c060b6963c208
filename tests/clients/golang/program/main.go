// Command program is the Go client that imageproof emits: OPERATION and its arguments as JSON come from the command
// line, as programs/clients.yaml says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"

	api "imageproofclient"
)

// arguments are those of the table. A name of a picture is a file of the working folder.
type arguments struct {
	Model, Prompt, Size string
	OutputFormat        string `json:"output_format"`
	ResponseFormat      string `json:"response_format"`
	N                   *int
	PartialImages       *int `json:"partial_images"`
	Image               any
	Mask                string
	Stream              bool
}

type told struct {
	Pictures []string       `json:"pictures"`
	Events   []string       `json:"events"`
	Error    map[string]any `json:"-"`
}

func main() {
	var given arguments
	if err := json.Unmarshal([]byte(os.Args[2]), &given); err != nil {
		log.Fatal(err)
	}
	client, err := api.NewClient(api.WithAPIKey(os.Getenv("KEY")), api.WithBaseURL(os.Getenv("BASE_URL")))
	if err != nil {
		log.Fatal(err)
	}
	made := &told{Pictures: []string{}, Events: []string{}}
	err = made.call(client, os.Args[1], given)
	var bad *api.BadRequestError
	if errors.As(err, &bad) {
		made.Error = map[string]any{
			"type": "BadRequestError", "status": bad.StatusCode, "message": bad.Message, "param": bad.Param, "code": null(bad.Code),
		}
	} else if err != nil {
		log.Fatal(err)
	}
	said := any(made)
	if made.Error != nil {
		said = map[string]any{"error": made.Error}
	}
	text, err := json.Marshal(said)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}

func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// some is an argument that is given unless it is the zero value.
func some(text string) (made api.Opt[string]) {
	if text != "" {
		made = api.Some(text)
	}
	return made
}

func number(told *int) (made api.Opt[int]) {
	if told != nil {
		made = api.Some(*told)
	}
	return made
}

func (t *told) call(client *api.Client, operation string, given arguments) error {
	ctx := context.Background()
	if operation == "edit" {
		params := api.EditParams{
			Model: some(given.Model), Prompt: given.Prompt, Size: some(given.Size), N: number(given.N),
			PartialImages: number(given.PartialImages), Image: images(given.Image),
		}
		if given.Mask != "" {
			params.Mask = api.FilePath(given.Mask)
		}
		if given.Stream {
			stream, err := client.Images.EditStream(ctx, params)
			return listen(t, stream, err)
		}
		answer, err := client.Images.Edit(ctx, params)
		return t.answer(answer, err)
	}
	params := api.GenerateParams{
		Model: some(given.Model), Prompt: given.Prompt, Size: some(given.Size), N: number(given.N),
		PartialImages: number(given.PartialImages), OutputFormat: some(given.OutputFormat), ResponseFormat: some(given.ResponseFormat),
	}
	if given.Stream {
		stream, err := client.Images.GenerateStream(ctx, params)
		return listen(t, stream, err)
	}
	answer, err := client.Images.Generate(ctx, params)
	return t.answer(answer, err)
}

func images(told any) api.FileOrFiles {
	names, several := told.([]any)
	if !several {
		return api.FilePath(told.(string))
	}
	made := api.Files{}
	for _, name := range names {
		made = append(made, api.FilePath(name.(string)))
	}
	return made
}

func (t *told) answer(answer *api.ImagesResponse, err error) error {
	if err != nil {
		return err
	}
	for index := range answer.Data {
		if err := t.picture(&answer.Data[index]); err != nil {
			return err
		}
	}
	return nil
}

type file interface {
	Save(context.Context, string) (string, error)
}

func (t *told) picture(from file) error {
	name, err := from.Save(context.Background(), fmt.Sprintf("picture-%d", len(t.Pictures)))
	t.Pictures = append(t.Pictures, name)
	return err
}

func listen[T any](t *told, stream *api.Stream[T], err error) error {
	if err != nil {
		return err
	}
	for event, err := range stream.Events() {
		if err != nil {
			return err
		}
		text, err := json.Marshal(event)
		if err != nil {
			return err
		}
		var about struct{ Type string }
		if err := json.Unmarshal(text, &about); err != nil {
			return err
		}
		t.Events = append(t.Events, about.Type)
		if err := t.picture(any(event).(file)); err != nil {
			return err
		}
	}
	return nil
}
