package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	api "imageproofclient"
)

// printed is all that fmt and encoding/json make of values.
func printed(values ...any) string {
	var said strings.Builder
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			fmt.Fprintf(&said, verb+"\n", value)
		}
	}
	return said.String()
}

func TestNothingPrintedShowsAKey(t *testing.T) {
	const other = "tok-of-a-gateway/1"
	for _, secret := range []string{"sk-secret+key/of=mine", "abc", "k1", "k-1+/", "sk-1234567890"} {
		echoed := fmt.Sprintf("you sent %s, %s", secret, other)
		handle := func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Echo", r.Header.Get("Authorization"))
			w.Header().Set("X-Request-Id", secret)
			text, _ := json.Marshal(echoed)
			switch r.URL.Query().Get("case") {
			case "answer":
				fmt.Fprintf(w, `{"created": 1, "data": [{"b64_json": "iVBORw0KGgo=", "revised_prompt": %s, "echo": [%s]}], "echo": %s}`, text, text, text)
			case "events":
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprintf(w, "data: {\"type\": \"image_generation.completed\", \"b64_json\": \"iVBORw0KGgo=\", \"echo\": %s}\n\n", text)
				fmt.Fprintf(w, "data: {\"type\": \"new\", \"echo\": %s}\n\ndata: {\"error\": {\"message\": %s}}\n\n", text, text)
			case "page":
				io.WriteString(w, "<html>"+echoed)
			default:
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `{"error": {"message": %s, "code": %q, "param": %q, "more": {%q: 1}}}`, text, secret, secret, secret)
			}
		}
		server := serve(t, handle)
		client := clientOf(t, server.URL, api.WithAPIKey(secret), api.WithHeader("X-Gateway-Token", other))
		ctx, params := context.Background(), api.GenerateParams{Prompt: "x"}
		values := []any{client, *client, client.Images, *client.Images, client.Models}
		answer, err := client.Images.Generate(ctx, params, api.WithQuery("case", "answer"))
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, answer, *answer, answer.Data, answer.Data[0], answer.Header(), answer.RequestID())
		stream, err := client.Images.GenerateStream(ctx, params, api.WithQuery("case", "events"))
		if err != nil {
			t.Fatal(err)
		}
		for event, err := range stream.Events() {
			values = append(values, event, err)
		}
		values = append(values, stream, stream.Header(), stream.Finished())
		var response *http.Response
		for _, name := range []string{"page", "error"} {
			_, err = client.Images.Generate(ctx, params, api.WithQuery("case", name), api.WithResponseInto(&response))
			var base *api.APIError
			if !errors.As(err, &base) {
				t.Fatal(err)
			}
			values = append(values, err, base, base.Body, base.Raw, base.Header, base.Code, base.Param, response.Header)
		}
		said := printed(values...)
		if strings.Contains(said, other) || holdsWord(said, secret) {
			t.Errorf("%s: %s", secret, lineWith(said, secret, other))
		}
		if !strings.Contains(said, "you sent [key]") {
			t.Error("nothing was echoed")
		}
	}
}

func TestWordsStayWhereTheKeyIsOneToo(t *testing.T) {
	for _, secret := range []string{"EMPTY", "null", "key", "7"} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"error": {"message": "the monkey is EMPTY, 7 times", "code": null}}`)
		})
		_, err := clientOf(t, server.URL, api.WithAPIKey(secret)).Models.List(context.Background())
		var refused *api.BadRequestError
		if !errors.As(err, &refused) || refused.Message != "the monkey is EMPTY, 7 times" || refused.Code != "" {
			t.Error(secret, err)
		}
	}
}

// holdsWord says whether a text has a word, in front of which and behind which no letter or digit stands.
func holdsWord(text, word string) bool {
	return strings.Contains(" "+text+" ", word) && lineWith(text, word) != ""
}

func lineWith(text string, words ...string) string {
	for _, line := range strings.Split(text, "\n") {
		for _, word := range words {
			for at := range line {
				if strings.HasPrefix(line[at:], word) && !isLetter(line, at-1) && !isLetter(line, at+len(word)) {
					return line
				}
			}
		}
	}
	return ""
}

func isLetter(text string, at int) bool {
	if at < 0 || at >= len(text) {
		return false
	}
	letter := text[at]
	return letter >= 'a' && letter <= 'z' || letter >= 'A' && letter <= 'Z' || letter >= '0' && letter <= '9' || letter == '-' || letter == '_'
}

func TestPrintedAnswersAreShort(t *testing.T) {
	data := append(png(t, 64, 64), make([]byte, 1<<20)...)
	stream := streamOf(t, streaming(completed(data), say("")))
	event, err := stream.Final()
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprint(event); len(said) > 300 || !strings.Contains(said, `"type":"image_generation.completed"`) {
		t.Error(said[:min(len(said), 400)])
	}
}

func TestWarningsTellWhatIsAllowed(t *testing.T) {
	server := serve(t, answerWith(onePicture))
	for params, want := range map[*api.GenerateParams]string{
		{Prompt: "x", Model: api.Some("gpt-image-2"), N: api.Some(11)}:                                                     `allowed="from 1 to 10"`,
		{Prompt: "x", Model: api.Some("gpt-image-2"), Quality: api.Some("best")}:                                           `allowed="auto, low, medium, high"`,
		{Prompt: "x", Model: api.Some("gpt-image-2"), Size: api.Some("100x100")}:                                           "in multiples of",
		{Prompt: "x", Model: api.Some("gpt-image-2"), Style: api.Some("vivid")}:                                            "style is not a parameter of this model",
		{Prompt: strings.Repeat("x", 40_000), Model: api.Some("gpt-image-2")}:                                              "characters",
		{Prompt: "x", Model: api.Some("gpt-image-1"), Background: api.Some("transparent"), OutputFormat: api.Some("jpeg")}: "png or webp",
	} {
		var logged bytes.Buffer
		slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
		if _, err := clientOf(t, server.URL).Images.Generate(context.Background(), *params); err != nil {
			t.Fatal(err)
		}
		if said := logged.String(); !strings.Contains(said, want) || strings.Contains(said, "allowed=[]") || strings.Contains(said, `allowed=""`) {
			t.Errorf("%s, not %s", said, want)
		}
	}
}
