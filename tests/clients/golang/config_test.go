package clients

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	api "imageproofclient"
)

// seen is a server that keeps the requests, without their bodies.
func seen(t *testing.T) (*httptest.Server, *[]*http.Request) {
	t.Helper()
	var requests []*http.Request
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		requests = append(requests, r)
		io.WriteString(w, onePicture)
	})
	return server, &requests
}

func TestTheEnvironmentIsForWhoGivesNothing(t *testing.T) {
	t.Setenv("OPENAI_BASE_URL", "ftp://nowhere")
	t.Setenv("OPENAI_API_KEY", "a b")
	if _, err := api.NewClient(api.WithAPIKey("sk-1"), api.WithBaseURL("http://127.0.0.1:9")); err != nil {
		t.Error(err)
	}
	if _, err := api.NewClient(api.WithAPIKey("sk-1")); err == nil || !strings.HasPrefix(err.Error(), "OPENAI_BASE_URL: ") {
		t.Error(err)
	}
	if _, err := api.NewClient(api.WithBaseURL("http://127.0.0.1:9")); err == nil || !strings.HasPrefix(err.Error(), "OPENAI_API_KEY: ") {
		t.Error(err)
	}
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/images/generations")
	if client, err := api.NewClient(api.WithAPIKey("sk-1")); err != nil || client.BaseURL() != "http://127.0.0.1:9/v1" {
		t.Error(err)
	}
}

func TestWhoPaysIsToldToTheServiceAlone(t *testing.T) {
	t.Setenv("OPENAI_ORG_ID", "org-env")
	t.Setenv("OPENAI_PROJECT_ID", "proj-env")
	server, requests := seen(t)
	toServer := api.WithHTTPClient(&http.Client{Transport: rerouted{server.URL}})
	for _, one := range []struct {
		options []api.Option
		want    string
	}{
		{[]api.Option{api.WithBaseURL("https://api.openai.com/v1")}, "org-env proj-env"},
		{[]api.Option{api.WithBaseURL("https://api.openai.com/v1"), api.WithProject("proj-own")}, "org-env proj-own"},
		{[]api.Option{api.WithBaseURL("https://EU.api.openai.com/v1")}, "org-env proj-env"},
		{[]api.Option{api.WithBaseURL("https://api.openai.com.example/v1")}, " "},
		{[]api.Option{api.WithBaseURL("https://gateway.example/v1")}, " "},
		{[]api.Option{api.WithBaseURL("https://gateway.example/v1"), api.WithOrganization("org-own")}, "org-own "},
		{[]api.Option{api.WithAzure("https://api.openai.com", "v", "d")}, " "},
	} {
		client, err := api.NewClient(append(one.options, toServer, api.WithAPIKey("sk-1"))...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"}); err != nil {
			t.Fatal(err)
		}
		header := (*requests)[len(*requests)-1].Header
		if got := header.Get("OpenAI-Organization") + " " + header.Get("OpenAI-Project"); got != one.want {
			t.Errorf("%q, not %q", got, one.want)
		}
	}
}

// rerouted sends every request to one server.
type rerouted struct{ url string }

func (r rerouted) RoundTrip(request *http.Request) (*http.Response, error) {
	own := request.Clone(request.Context())
	own.URL.Scheme, own.URL.Host = "http", strings.TrimPrefix(r.url, "http://")
	return http.DefaultTransport.RoundTrip(own)
}

func TestAzure(t *testing.T) {
	server, requests := seen(t)
	t.Setenv("AZURE_OPENAI_API_KEY", "azure-key")
	t.Setenv("OPENAI_API_KEY", "not-for-azure")
	target := server.URL + "/openai/deployments/draw%20er/images/generations?api-version=2024-02-01"
	token := api.WithAPIKeyFunc(func(context.Context) (string, error) { return "token", nil })
	for _, one := range []struct {
		options []api.Option
		want    string
	}{
		{[]api.Option{api.WithAzure(target, "", "")}, "/openai/deployments/draw%20er/images/generations?api-version=2024-02-01 azure-key "},
		{[]api.Option{api.WithAzure(target, "v2", "other")}, "/openai/deployments/other/images/generations?api-version=v2 azure-key "},
		{[]api.Option{api.WithAzure(server.URL, "v1", "")}, "/openai/deployments/m/images/generations?api-version=v1 azure-key "},
		{[]api.Option{api.WithAzure(server.URL+"/openai/", "v1", "d"), api.WithAPIKey("own")}, "/openai/deployments/d/images/generations?api-version=v1 own "},
		{[]api.Option{api.WithAzure("https://x.example", "v1", "d"), api.WithBaseURL(server.URL)}, "/openai/deployments/d/images/generations?api-version=v1 azure-key "},
		{[]api.Option{api.WithAzure("https://x.example", "v1", "d"), api.WithBaseURL(server.URL + "/gate?a=1")}, "/gate/openai/deployments/d/images/generations?a=1&api-version=v1 azure-key "},
		{[]api.Option{api.WithAzure(server.URL, "v1", "d"), token}, "/openai/deployments/d/images/generations?api-version=v1  Bearer token"},
		{[]api.Option{token, api.WithAzure(server.URL, "v1", "d"), api.WithAPIKey("own")}, "/openai/deployments/d/images/generations?api-version=v1 own "},
	} {
		client, err := api.NewClient(one.options...)
		if err != nil {
			t.Fatal(err)
		}
		params := api.GenerateParams{Prompt: "x", Model: api.Some("m")}
		if _, err := client.Images.Generate(context.Background(), params); err != nil {
			t.Fatal(err)
		}
		last := (*requests)[len(*requests)-1]
		if got := last.RequestURI + " " + last.Header.Get("api-key") + " " + last.Header.Get("Authorization"); got != one.want {
			t.Errorf("%s\n%s", got, one.want)
		}
	}
	for want, option := range map[string]api.Option{
		"no API version": api.WithAzure("https://x.example", "", "d"), "no deployments": api.WithAzure("https://x.example/openai/v1", "v", ""),
	} {
		if _, err := api.NewClient(option); err == nil || !strings.Contains(err.Error(), want) {
			t.Error(err)
		}
	}
	second, err := clientOf(t, "https://x.example").With(api.WithAzure(server.URL, "v1", "d"), api.WithAPIKey("own"))
	if err != nil || second.BaseURL() != server.URL+"/openai" {
		t.Error(err)
	}
}

func TestAKeyThatChanges(t *testing.T) {
	server, requests := seen(t)
	var keys []string
	failed := errors.New("no token today")
	client := clientOf(t, server.URL, api.WithAPIKeyFunc(func(ctx context.Context) (string, error) {
		keys = append(keys, "key-"+string(rune('a'+len(keys))))
		if len(keys) > 2 {
			return "", failed
		}
		return keys[len(keys)-1], ctx.Err()
	}))
	for range 3 {
		_, err := client.Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"})
		if (err != nil) != (len(keys) > 2) || (err != nil && !errors.Is(err, failed)) {
			t.Error(err)
		}
	}
	for index, request := range *requests {
		if got := request.Header.Get("Authorization"); got != "Bearer "+keys[index] {
			t.Error(got)
		}
	}
	if len(*requests) != 2 {
		t.Error(len(*requests))
	}
}

func TestHeaders(t *testing.T) {
	server, requests := seen(t)
	client := clientOf(t, server.URL, api.WithHeader("Host", "images.example"), api.WithHeader("Authorization", "Basic x"))
	if _, err := client.Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"}); err != nil {
		t.Fatal(err)
	}
	if last := (*requests)[0]; last.Host != "images.example" || last.Header.Get("Authorization") != "Basic x" {
		t.Error(last.Host, last.Header)
	}
	for _, name := range []string{"", "a b", "a:", "(x)", "ü", "a\n", "Content-Length", "transfer-encoding"} {
		if _, err := client.With(api.WithHeader(name, "x")); err == nil || !strings.Contains(err.Error(), "header ") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for want, option := range map[string]api.Option{
		"no model family \"best\"": api.WithFamily("best"), "m: no model family": api.WithFamilies(map[string]string{"m": "best"}),
		"an option is nil": nil, "the timeout is negative": api.WithTimeout(-1), "repetitions is negative": api.WithMaxRetries(-1),
		"the HTTP client is nil": api.WithHTTPClient(nil), "the function for the key is nil": api.WithAPIKeyFunc(nil),
		"the place for the answer is nil": api.WithResponseInto(nil), "the function for repetitions": api.WithOnRetry(nil),
		"the function for breaches": api.WithOnBreach(nil), "validate must be": api.WithValidate("loud"),
	} {
		if _, err := api.NewClient(option); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

func TestTheAnswerOfACallThatFails(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req-7")
		w.WriteHeader(http.StatusTeapot)
	})
	var response *http.Response
	_, err := clientOf(t, server.URL).Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"}, api.WithResponseInto(&response))
	if err == nil || response == nil || response.StatusCode != http.StatusTeapot || response.Header.Get("X-Request-Id") != "req-7" {
		t.Error(err, response)
	}
	_, err = clientOf(t, "http://127.0.0.1:1", api.WithMaxRetries(0)).Models.List(context.Background(), api.WithResponseInto(&response))
	if err == nil || response != nil {
		t.Error(err, response)
	}
}
