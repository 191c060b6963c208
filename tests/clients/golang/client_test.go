// Package clients tries the emitted Go client over loopback sockets, where the vectors do not reach: what is printed,
// how files travel, streams in pieces, answers that something has gone wrong with.
package clients

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	api "imageproofclient"
)

const key = "sk-secret+key/of=mine"

func serve(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server
}

func clientOf(t *testing.T, url string, options ...api.Option) *api.Client {
	t.Helper()
	client, err := api.NewClient(append([]api.Option{api.WithAPIKey(key), api.WithBaseURL(url)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func answerWith(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }
}

func png(t *testing.T, width, height int) []byte {
	t.Helper()
	mask, err := api.MakeMask(append(append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
		0, 0, byte(width>>8), byte(width), 0, 0, byte(height>>8), byte(height)), 8, 2), image.Rect(0, 0, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	return mask
}

func TestNothingPrintsTheKey(t *testing.T) {
	var logged bytes.Buffer
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, nil)))
	escaped := strings.NewReplacer("+", `\u002b`, "/", `\/`).Replace(key)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "of "+key)
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error": {"message": "bad key %s or %s", "code": "%s"}}`, key, escaped, key)
	})
	client := clientOf(t, server.URL)
	_, err := client.Images.Generate(context.Background(), api.GenerateParams{Prompt: "x", Model: api.Some("gpt-image-1"), Size: api.Some("7x7")})
	var refused *api.AuthenticationError
	if !errors.As(err, &refused) {
		t.Fatalf("%T", err)
	}
	said := logged.String()
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		said += fmt.Sprintf(form, client) + fmt.Sprintf(form, *client) + fmt.Sprintf(form, client.Images)
		said += fmt.Sprintf(form, err) + fmt.Sprintf(form, refused.Header) + fmt.Sprintf(form, refused)
	}
	if strings.Contains(said, key) || strings.Contains(said, "secret") {
		t.Error(said)
	}
	if !strings.Contains(logged.String(), "GEN-SIZE-VALUES") {
		t.Error("the warning is missing: " + logged.String())
	}
}

func TestABadKeyIsNotTold(t *testing.T) {
	_, err := api.NewClient(api.WithAPIKey("sk secret"))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestRedirectsCarryNoKey(t *testing.T) {
	got := 0
	other := serve(t, func(w http.ResponseWriter, r *http.Request) { got++ })
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	})
	for _, options := range [][]api.Option{nil, {api.WithHTTPClient(&http.Client{})}} {
		_, err := clientOf(t, server.URL, options...).Models.List(context.Background())
		var status *api.APIStatusError
		if !errors.As(err, &status) || status.StatusCode != http.StatusTemporaryRedirect || got != 0 || !strings.Contains(err.Error(), other.URL) {
			t.Errorf("%v, %d requests elsewhere", err, got)
		}
	}
}

func TestALargeFileTakesNoMemory(t *testing.T) {
	const size = 50 << 20
	path := filepath.Join(t.TempDir(), "large.png")
	if err := os.WriteFile(path, append(png(t, 8, 8), make([]byte, size)...), 0o600); err != nil {
		t.Fatal(err)
	}
	received := int64(0)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		received, _ = io.Copy(io.Discard, r.Body)
		io.WriteString(w, `{"created": 1, "data": [{"url": "data:image/png;base64,AAAA"}]}`)
	})
	client := clientOf(t, server.URL, api.WithValidate(api.Off))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, err := client.Images.Edit(context.Background(), api.EditParams{Prompt: "x", Image: api.FilePath(path)})
	runtime.ReadMemStats(&after)
	if err != nil || received < size {
		t.Fatal(err, received)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > size/20 {
		t.Errorf("%d bytes for a file of %d", taken, size)
	}
}

// onlyReader hides what else a reader can do.
type onlyReader struct{ io.Reader }

func TestReadersAreSentAgainWhereTheyCanBeRewound(t *testing.T) {
	data := png(t, 64, 64)
	for name, one := range map[string]struct {
		file  *api.File
		calls int
	}{
		"seeker": {api.FileReader(bytes.NewReader(data)).Named("a.png"), 2},
		"pipe":   {api.FileReader(onlyReader{bytes.NewReader(data)}).Named("a.png"), 1},
	} {
		calls, lengths, whole := 0, []int64{}, true
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls++
			lengths = append(lengths, r.ContentLength)
			file, head, err := r.FormFile("image")
			if err != nil {
				t.Error(err)
				return
			}
			got, _ := io.ReadAll(file)
			whole = whole && bytes.Equal(got, data) && head.Header.Get("Content-Type") == "image/png"
			w.Header().Set("Retry-After-Ms", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := clientOf(t, server.URL, api.WithMaxRetries(1)).Images.CreateVariation(context.Background(), api.CreateVariationParams{Image: one.file})
		var busy *api.RateLimitError
		if !errors.As(err, &busy) || calls != one.calls || !whole {
			t.Errorf("%s: %v, %d calls, whole %v", name, err, calls, whole)
		}
		if chunked := lengths[0] == -1; chunked != (name == "pipe") {
			t.Errorf("%s: Content-Length %d", name, lengths[0])
		}
	}
}

func TestWhatIsMissingIsNamedBeforeAnythingIsSent(t *testing.T) {
	calls := 0
	client := clientOf(t, serve(t, func(http.ResponseWriter, *http.Request) { calls++ }).URL)
	ctx := context.Background()
	var none *api.File
	for want, call := range map[string]func() error{
		"image is required": func() error { _, err := client.Images.CreateVariation(ctx, api.CreateVariationParams{}); return err },
		"image: ": func() error {
			_, err := client.Images.CreateVariation(ctx, api.CreateVariationParams{Image: api.FilePath("/no/such")})
			return err
		},
		"prompt is required": func() error { _, err := client.Images.Generate(ctx, api.GenerateParams{}); return err },
		"svg: model is required": func() error {
			_, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x", SVG: api.Some(api.SVGAuthorParam{})})
			return err
		},
		"the list of files is empty": func() error {
			_, err := client.Images.Edit(ctx, api.EditParams{Prompt: "x", Image: api.Files{}})
			return err
		},
		"image: not a file, or nil": func() error {
			_, err := client.Images.Edit(ctx, api.EditParams{Prompt: "x", Image: api.Files{none}})
			return err
		},
		"must not be \"..\"": func() error { _, err := client.Models.Retrieve(ctx, ".."); return err },
		"made: chan int cannot be sent": func() error {
			_, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}, api.WithExtra("made", make(chan int)))
			return err
		},
		"made: a reader is no file": func() error {
			_, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}, api.WithExtra("made", strings.NewReader("x")))
			return err
		},
		"mask: a file cannot be sent as JSON: give it by reference": func() error {
			references := []api.ImageReferenceParam{{FileID: api.Some("a")}}
			_, err := client.Images.Edit(ctx, api.EditParams{Prompt: "x", Images: references, Mask: api.FileBytes(png(t, 8, 8))})
			return err
		},
		"no model family": func() error {
			_, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}, api.WithFamily("none"))
			return err
		},
		"header \"X\"": func() error { _, err := client.Models.List(ctx, api.WithHeader("X", "a\nb")); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %q", err, want)
		}
	}
	if calls != 0 {
		t.Errorf("%d calls", calls)
	}
}

func TestContextsAndTimes(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	client := clientOf(t, server.URL)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := client.Models.List(ctx)
	var broken *api.APIConnectionError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &broken) {
		t.Error(err)
	}
	ctx, cancelWith := context.WithCancelCause(context.Background())
	cause := errors.New("the user went away")
	time.AfterFunc(20*time.Millisecond, func() { cancelWith(cause) })
	_, err = client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || !errors.As(err, &broken) {
		t.Error(err)
	}
	var late *api.APITimeoutError
	_, err = client.Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"}, api.WithTimeout(20*time.Millisecond))
	if !errors.As(err, &late) || !errors.As(err, &broken) || !errors.Is(err, context.DeadlineExceeded) || !os.IsTimeout(late) {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err = client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}); !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

const streamed = "\ufeff: hello\r\n\r\nevent: image_generation.partial_image\r\ndata: {\"type\": \"image_generation.partial_image\",\r\n" +
	"data:  \"b64_json\": \"iVBORw0KGgo=\", \"partial_image_index\": 0, \"note\": \"❄\"}\r\n\r\n" +
	"event: image_generation.keepalive\ndata: {\"n\": 1}\n\nid: 7\rdata: {\"type\": \"image_generation.completed\", \"b64_json\": \"iVBORw0KGgo=\"}\r\rdata: [DONE]"

// inPieces is a transport whose answer comes in two pieces.
type inPieces struct {
	text string
	cut  int
}

func (p inPieces) RoundTrip(request *http.Request) (*http.Response, error) {
	body := io.MultiReader(strings.NewReader(p.text[:p.cut]), strings.NewReader(p.text[p.cut:]))
	header := http.Header{"Content-Type": {"text/event-stream"}}
	return &http.Response{StatusCode: 200, Header: header, Body: io.NopCloser(body), Request: request}, nil
}

func TestEventsHoweverTheBytesAreCut(t *testing.T) {
	for cut := range len(streamed) {
		transport := api.WithHTTPClient(&http.Client{Transport: inPieces{streamed, cut}})
		stream, err := clientOf(t, "http://127.0.0.1:9", transport).Images.GenerateStream(context.Background(), api.GenerateParams{Prompt: "x"})
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for event, err := range stream.Events() {
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			kinds = append(kinds, fmt.Sprintf("%T", event))
			if partial, is := event.(*api.ImageGenerationPartialImageEvent); is && (partial.Extra()["note"] != "❄" || !partial.Has("partial_image_index")) {
				t.Fatalf("cut at %d: %v", cut, partial.Members())
			}
			if unknown, is := event.(*api.Unknown); is && unknown.Extra()["type"] != "image_generation.keepalive" {
				t.Fatalf("cut at %d: %v", cut, unknown.Members())
			}
		}
		want := "*imageproofclient.ImageGenerationPartialImageEvent *imageproofclient.Unknown *imageproofclient.ImageGenerationCompletedEvent"
		if got := strings.Join(kinds, " "); got != want {
			t.Fatalf("cut at %d: %s", cut, got)
		}
	}
}

func TestStreamsCanBeLeftAndAskedForTheirPictures(t *testing.T) {
	left := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, streamed[:strings.Index(streamed, "event: image_generation.keepalive")])
		w.(http.Flusher).Flush()
		if r.URL.Query().Get("wait") == "" {
			io.WriteString(w, streamed[strings.Index(streamed, "event: image_generation.keepalive"):])
			return
		}
		<-r.Context().Done()
		close(left)
	})
	client, ctx := clientOf(t, server.URL), context.Background()
	stream, err := client.Images.GenerateStream(ctx, api.GenerateParams{Prompt: "x"}, api.WithQuery("wait", true))
	if err != nil {
		t.Fatal(err)
	}
	for range stream.Events() {
		break
	}
	<-left
	for _, err := range stream.Events() {
		if err == nil {
			t.Error("a stream is ranged over once")
		}
	}
	stream, _ = client.Images.GenerateStream(ctx, api.GenerateParams{Prompt: "x"})
	final, err := stream.Final()
	if completed, is := final.(*api.ImageGenerationCompletedEvent); err != nil || !is || completed.Type != "image_generation.completed" {
		t.Error(final, err)
	}
	stream, _ = client.Images.GenerateStream(ctx, api.GenerateParams{Prompt: "x"})
	partials := 0
	for event, err := range stream.Partials() {
		if _, is := event.(*api.ImageGenerationPartialImageEvent); err != nil || !is {
			t.Error(event, err)
		}
		partials++
	}
	if partials != 1 {
		t.Error(partials)
	}
}

func TestAnswersThatSomethingHasGoneWrongWith(t *testing.T) {
	long := base64.StdEncoding.EncodeToString(append(png(t, 64, 64), make([]byte, 20_000)...))
	whole := `{"created": 1, "data": [{"b64_json": "` + long + `", "revised_prompt": "é\n"}, {"url": "data:image/png;base64,AAAA"}],` +
		` "usage": {"input_tokens": 1, "input_tokens_details": {"text_tokens": 1.0}}, "more": [null, true, 1e300, {"b64_json": 7}]}`
	odd := []string{"", "null", "[]", "{}", `"`, "\\", "\x00", "\xff", "1", `"data"`, `{"error": 1}`, "}", "]", ",", `"\u00001"`, `"b64_json":"`}
	dice := rand.New(rand.NewPCG(1, 2))
	for number := range 1500 {
		at := dice.IntN(len(whole))
		if number%2 == 0 { // outside the long text
			at = (len(long) + 40 + dice.IntN(len(whole)-len(long)-40)) % len(whole)
		}
		end := min(len(whole), at+dice.IntN(20))
		text := whole[:at] + odd[dice.IntN(len(odd))] + whole[end:]
		transport := api.WithHTTPClient(&http.Client{Transport: answers{text}})
		client := clientOf(t, "http://127.0.0.1:9", transport)
		answer, err := client.Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"})
		var base *api.APIError
		if err != nil {
			if !errors.As(err, &base) {
				t.Fatalf("%T: %v", err, err)
			}
			continue
		}
		for index := range answer.Data {
			_ = answer.Data[index].Picture()
			if _, err := answer.Data[index].Bytes(context.Background()); err != nil && !errors.As(err, &base) {
				t.Fatalf("%T: %v", err, err)
			}
		}
		if _, err := answer.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
}

type answers struct{ text string }

func (a answers) RoundTrip(request *http.Request) (*http.Response, error) {
	body := io.NopCloser(strings.NewReader(a.text))
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body, ContentLength: int64(len(a.text)), Request: request}, nil
}

func TestAnswersInGzip(t *testing.T) {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	io.WriteString(writer, onePicture)
	writer.Close()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes()[:packed.Len()-len(r.URL.RawQuery)])
	})
	client, ctx, params := clientOf(t, server.URL), context.Background(), api.GenerateParams{Prompt: "x"}
	for _, option := range []api.Option{
		api.WithTimeout(0), api.WithHeader("Accept-Encoding", "gzip"),
		api.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableCompression: true}}),
	} {
		if _, err := client.Images.Generate(ctx, params, option); err != nil {
			t.Error(err)
		}
		_, err := client.Images.Generate(ctx, params, option, api.WithQuery("cut", 1))
		var broken *api.APIConnectionError
		if !errors.As(err, &broken) {
			t.Error(err)
		}
	}
}

func TestUnknownMembersAndTypesAreKept(t *testing.T) {
	server := serve(t, answerWith(`{"created": "soon", "data": [{"b64_json": "iVBORw0KGgo=", "seed": 7, "url": null}], "usage": [], "size": "new"}`))
	answer, err := clientOf(t, server.URL).Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	image := answer.Data[0]
	if answer.Extra()["created"] != "soon" || answer.Usage != nil || answer.Size != "new" || fmt.Sprint(image.Extra()["seed"]) != "7" {
		t.Error(answer.Extra(), image.Extra())
	}
	if !image.Has("url") || image.Has("revised_prompt") {
		t.Error(image.Members())
	}
	text, err := answer.MarshalJSON()
	if err != nil || string(text) != `{"data":[{"b64_json":"iVBORw0KGgo=","url":null,"seed":7}],"size":"new","created":"soon","usage":[]}` {
		t.Error(string(text), err)
	}
}

func TestPicturesAreSaved(t *testing.T) {
	data := png(t, 64, 32)
	fetched := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/picture":
			if r.Header.Get("Authorization") != "" {
				t.Error("the key went along")
			}
			fetched++
			w.Write(data)
		case "/empty":
		default:
			fmt.Fprintf(w, `{"created": 1, "data": [{"url": "http://%s/picture"}, {"url": "http://%s/empty"}, {"b64_json": ""}]}`, r.Host, r.Host)
		}
	})
	ctx := context.Background()
	answer, err := clientOf(t, server.URL).Images.Generate(ctx, api.GenerateParams{Prompt: "x"})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	first := &answer.Data[0]
	path, err := first.Save(ctx, filepath.Join(folder, "otter"))
	if got, _ := os.ReadFile(path); err != nil || path != filepath.Join(folder, "otter.png") || !bytes.Equal(got, data) {
		t.Error(path, err)
	}
	if told := first.Picture(); told != (api.Picture{Format: "png", Width: 64, Height: 32, Alpha: true}) {
		t.Error(told)
	}
	if _, err := first.Bytes(ctx); err != nil || fetched != 1 {
		t.Error(err, fetched)
	}
	for _, index := range []int{1, 2} {
		if _, err := answer.Data[index].Save(ctx, filepath.Join(folder, "none")); err == nil {
			t.Error("an empty file was written")
		}
	}
	if _, err := first.Save(ctx, filepath.Join(folder, "no", "folder")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if names, _ := os.ReadDir(folder); len(names) != 1 {
		t.Error(names)
	}
	if err := api.CheckMask(data, png(t, 64, 64)); err == nil {
		t.Error("a mask of another size")
	}
}

// toLoopback calls a server of this machine, whatever host it is asked for.
func toLoopback(server *httptest.Server) *http.Client {
	address := server.Listener.Addr().String()
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}}
}

func TestPrivateAddressesAreNotFetched(t *testing.T) {
	fetched := 0
	private := serve(t, func(w http.ResponseWriter, r *http.Request) { fetched++ })
	for _, link := range []string{
		private.URL, "http://localhost:1/x", "http://10.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/", "http://[fd00::1]/",
		"http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "http://0.0.0.0/", "file:///etc/passwd", "gopher://x", "http://",
	} {
		server := serve(t, answerWith(`{"created": 1, "data": [{"url": "`+link+`"}]}`))
		var invalid *api.APIResponseValidationError
		if _, err := (&api.Image{URL: link}).Bytes(context.Background()); !errors.As(err, &invalid) || fetched != 0 {
			t.Errorf("%s without a client: %v, fetched %d", link, err, fetched)
		}
		client := clientOf(t, "http://93.184.216.34/v1", api.WithHTTPClient(toLoopback(server)))
		answer, err := client.Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = answer.Data[0].Bytes(context.Background())
		if !errors.As(err, &invalid) || fetched != 0 {
			t.Errorf("%s: %v, fetched %d", link, err, fetched)
		}
	}
}

func TestBaseURLs(t *testing.T) {
	for given, want := range map[string]string{
		"host": "https://host/v1", "localhost:8080": "http://localhost:8080/v1", "https://host/": "https://host/v1",
		"https://host/v1/": "https://host/v1", "https://host/v1/images/generations": "https://host/v1", "https://host/a//b": "https://host/a/b",
		"localhost.example.com": "https://localhost.example.com/v1", "127.0.0.1.nip.io": "https://127.0.0.1.nip.io/v1",
		"http.example": "https://http.example/v1", "https-proxy:8443": "https://https-proxy:8443/v1", "host/v1/models?a=1": "https://host/v1",
	} {
		if client := clientOf(t, given); client.BaseURL() != want {
			t.Errorf("%s: %s", given, client.BaseURL())
		}
	}
	for _, bad := range []string{"ftp://host", "https://", "https://user:pass@host", "http://a b", "://", "/v1", "http:/host/v1", "https:host", "http//host", "http:host:8000", "https:///v1", ""} {
		if _, err := api.NewClient(api.WithBaseURL(bad)); err == nil {
			t.Error(bad)
		}
	}
}

func TestTheQueryOfABaseURLGoesWithIt(t *testing.T) {
	var seen []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.RawQuery)
		io.WriteString(w, `{"object": "list", "data": []}`)
	})
	t.Setenv("OPENAI_BASE_URL", "https://gateway.example/v1?token=secret")
	first := clientOf(t, server.URL+"/v1?a=1", api.WithQuery("b", 2))
	second, err := first.With(api.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []*api.Client{first, second} {
		if _, err := client.Models.List(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(seen, " ") != "a=1&b=2 b=2" {
		t.Error(seen)
	}
}

func TestOptionsOfAClientStayItsOwn(t *testing.T) {
	var seen []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("X-One")+r.Header.Get("X-Two")+r.URL.RawQuery)
		io.WriteString(w, `{"object": "list", "data": []}`)
	})
	first := clientOf(t, server.URL, api.WithHeader("X-One", "1"), api.WithQuery("a", 1))
	second, err := first.With(api.WithHeader("X-Two", "2"), api.WithQuery("b", 2))
	if err != nil {
		t.Fatal(err)
	}
	var answer *http.Response
	for _, client := range []*api.Client{second, first} {
		if _, err := client.Models.List(context.Background(), api.WithHeader("x-one", "9"), api.WithResponseInto(&answer)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(seen, " "); got != "92a=1&b=2 9a=1" || answer.StatusCode != 200 || answer.Request != nil {
		t.Error(got, answer)
	}
}
