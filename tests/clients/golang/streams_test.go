package clients

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	api "imageproofclient"
)

func completed(data []byte) string {
	return `data: {"type": "image_generation.completed", "b64_json": "` + base64.StdEncoding.EncodeToString(data) + "\"}\n\n"
}

// streaming answers with events, and then does something.
func streaming(text string, then func(http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, text)
		w.(http.Flusher).Flush()
		then(w, r)
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func stall(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func say(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

type events = api.Stream[api.ImageGenerationEvent]

func streamOf(t *testing.T, handle http.HandlerFunc, options ...api.Option) *events {
	t.Helper()
	stream, err := clientOf(t, serve(t, handle).URL).Images.GenerateStream(context.Background(), api.GenerateParams{Prompt: "x"}, options...)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestAPictureThatArrivedStaysWhateverComesThen(t *testing.T) {
	data, ctx := png(t, 64, 32), context.Background()
	for name, then := range map[string]func(http.ResponseWriter, *http.Request){
		"cut": cutOff, "silence": stall, "no json": say("data: {oops\n\n"), "error": say("data: {\"error\": {\"message\": \"No.\"}}\n\n"),
	} {
		handle := streaming(completed(data), then)
		short := api.WithTimeout(200 * time.Millisecond)
		stream := streamOf(t, handle, short)
		var failed error
		for _, err := range stream.Events() {
			failed = err
		}
		var base *api.APIError
		if !errors.As(failed, &base) || len(base.Finished) != 1 || len(stream.Finished()) != 1 {
			t.Fatalf("%s: %v", name, failed)
		}
		for _, content := range []api.Content{base.Finished[0], stream.Finished()[0].(api.Content)} {
			if got, err := content.Bytes(ctx); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if final, err := stream.Final(); err != nil || final != stream.Finished()[0] {
			t.Errorf("%s: read before: %v", name, err)
		}
		if _, err := stream.Finals(); err != failed {
			t.Errorf("%s: read before: %v", name, err)
		}
		if final, err := streamOf(t, handle, short).Final(); err != nil || final.(api.Content).Picture().Width != 64 {
			t.Errorf("%s: %v", name, err)
		}
		if found, err := streamOf(t, handle, short).Finals(); err == nil || len(found) != 1 {
			t.Errorf("%s: %d, %v", name, len(found), err)
		}
	}
}

func TestAStreamThatIsLeftKeepsWhatCame(t *testing.T) {
	stream := streamOf(t, streaming(completed(png(t, 8, 8)), stall))
	for range stream.Events() {
		break
	}
	if _, err := stream.Final(); err != nil || len(stream.Finished()) != 1 {
		t.Error(err)
	}
	if _, err := stream.Finals(); err == nil || !strings.Contains(err.Error(), "left before its end") {
		t.Error(err)
	}
	var none *events
	if _, err := none.Final(); err == nil || none.Close() != nil || none.Finished() != nil || none.RequestID() != "" {
		t.Error(err)
	}
	for event, err := range none.Events() {
		if err == nil {
			t.Error(event)
		}
	}
}

func TestADeadlineDuringAStreamIsATimeout(t *testing.T) {
	cause := errors.New("the user went away")
	for name, begin := range map[string]func() (context.Context, context.CancelFunc){
		"deadline": func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 200*time.Millisecond)
		},
		"cancel": func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(200*time.Millisecond, func() { cancel(cause) })
			return ctx, func() { cancel(nil) }
		},
	} {
		ctx, cancel := begin()
		server := serve(t, streaming(completed(png(t, 8, 8)), stall))
		stream, err := clientOf(t, server.URL).Images.GenerateStream(ctx, api.GenerateParams{Prompt: "x"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Finals()
		var late *api.APITimeoutError
		var network net.Error
		var base *api.APIError
		if !errors.As(err, &base) || len(base.Finished) != 1 {
			t.Errorf("%s: %v", name, err)
		}
		isLate := errors.As(err, &late) && errors.As(err, &network) && network.Timeout() && errors.Is(err, context.DeadlineExceeded)
		if name == "deadline" && !isLate {
			t.Errorf("%T %v", err, err)
		}
		if name == "cancel" && (isLate || !errors.Is(err, context.Canceled) || !errors.Is(err, cause)) {
			t.Errorf("%T %v", err, err)
		}
		cancel()
	}
}

func TestAPictureUnderAnUnknownNameIsNotLost(t *testing.T) {
	event := `{"type": "image.edit.completed", "b64_json": "iVBORw0KGgo="}`
	_, err := streamOf(t, streaming("data: "+event+"\n\n", say(""))).Final()
	var invalid *api.APIResponseValidationError
	if !errors.As(err, &invalid) || invalid.Raw != event || !strings.Contains(err.Error(), "image.edit.completed") {
		t.Error(err)
	}
}

func TestNoContextAndNoClient(t *testing.T) {
	var none context.Context
	client := clientOf(t, "http://127.0.0.1:9")
	if _, err := client.Models.List(none); err == nil {
		t.Error("no context")
	}
	if _, err := (&api.Image{URL: "http://127.0.0.1:9"}).Bytes(none); err == nil {
		t.Error("no context")
	}
	if _, err := (&api.Models{}).List(context.Background()); err == nil {
		t.Error("no client")
	}
	if said := printed(api.Client{}, api.Images{}, &api.Image{}, api.Unknown{}, &events{}); strings.Contains(said, "PANIC") {
		t.Error(said)
	}
}

func TestAStreamIsClosedByAnotherGoroutine(t *testing.T) {
	stream := streamOf(t, streaming(completed(png(t, 8, 8)), stall))
	time.AfterFunc(100*time.Millisecond, func() { stream.Close() })
	_, err := stream.Finals()
	var broken *api.APIConnectionError
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "the stream is closed") {
		t.Error(err)
	}
}

func TestAnswersAreReadBack(t *testing.T) {
	data := png(t, 64, 32)
	sent := `{"created": 12345678901234567, "data": [{"b64_json": "` + base64.StdEncoding.EncodeToString(data) + `", "seed": 9007199254740993, "note": "<é & \"狐\">"},
		null, 7, {"url": null, "b64_json": ""}], "usage": {"total_tokens": 3, "more": {"a": [1.50, null]}}, "size": 5, "extra": {"b": [true]}}`
	server := serve(t, answerWith(sent))
	first, err := clientOf(t, server.URL).Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	var back api.ImagesResponse
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(stored) || back.RawJSON() != string(stored) {
		t.Errorf("%s\n%s\n%v", stored, again, err)
	}
	for _, one := range []string{sent, string(stored)} {
		if got, want := generic(t, one), generic(t, first.RawJSON()); got != want {
			t.Errorf("%s\n%s", got, want)
		}
	}
	if fmt.Sprint(back.Extra()) != fmt.Sprint(first.Extra()) || fmt.Sprint(back.Data[0].Extra()["seed"]) != "9007199254740993" || back.Usage.TotalTokens != 3 {
		t.Error(back.Extra(), back.Data[0].Extra())
	}
	if got, err := back.Data[0].Bytes(context.Background()); err != nil || !bytes.Equal(got, data) || back.Data[0].Picture().Height != 32 {
		t.Error(err)
	}
	wrapped := struct {
		Answer *api.ImagesResponse
		Image  api.Image
	}{}
	text := `{"Answer": ` + string(stored) + `, "Image": {"url": "http://127.0.0.1:9/a.png", "seed": 1}}`
	if err := json.Unmarshal([]byte(text), &wrapped); err != nil || wrapped.Answer.Data[0].B64JSON == "" || wrapped.Image.Extra()["seed"] == nil {
		t.Error(err)
	}
	if _, err := wrapped.Image.Bytes(context.Background()); err == nil || !strings.Contains(err.Error(), "has no client") {
		t.Error(err)
	}
	for _, bad := range []string{`[]`, `7`, `{`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Error(bad)
		}
	}
}

// generic is JSON with its members in order.
func generic(t *testing.T, text string) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	made, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

func TestEventsAreReadBack(t *testing.T) {
	stream := streamOf(t, streaming(completed(png(t, 8, 8)), say("data: {\"type\": \"image_generation.queued\", \"position\": 4}\n\n")))
	for event, err := range stream.Events() {
		if err != nil {
			t.Fatal(err)
		}
		stored, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		switch told := event.(type) {
		case *api.ImageGenerationCompletedEvent:
			var back api.ImageGenerationCompletedEvent
			if err := json.Unmarshal(stored, &back); err != nil || back.B64JSON != told.B64JSON {
				t.Error(err)
			}
		case *api.Unknown:
			var back api.Unknown
			if err := json.Unmarshal(stored, &back); err != nil || fmt.Sprint(back.Extra()) != fmt.Sprint(told.Extra()) {
				t.Error(err)
			}
		}
	}
}
