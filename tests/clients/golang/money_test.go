package clients

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	api "imageproofclient"
)

const onePicture = `{"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}`

// dyingServer answers the first request of a connection, and closes it once a second one has arrived whole.
func dyingServer(t *testing.T) (url string, arrived *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	arrived = &atomic.Int32{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveOnce(conn, arrived)
		}
	}()
	return "http://" + listener.Addr().String(), arrived
}

func serveOnce(conn net.Conn, arrived *atomic.Int32) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for number := range 2 {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		arrived.Add(1)
		if number == 0 {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 54\r\n\r\n"+onePicture)
		}
	}
}

func TestACallThatMayHaveArrivedIsNotSentTwice(t *testing.T) {
	if len(onePicture) != 54 {
		t.Fatal(len(onePicture))
	}
	ctx := context.Background()
	data := png(t, 64, 64)
	for what, call := range map[string]func(*api.Client, ...api.Option) error{
		"json": func(client *api.Client, options ...api.Option) error {
			_, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}, options...)
			return err
		},
		"form": func(client *api.Client, options ...api.Option) error {
			_, err := client.Images.Edit(ctx, api.EditParams{Prompt: "x", Image: api.FileBytes(data)}, options...)
			return err
		},
		"stream": func(client *api.Client, options ...api.Option) error {
			_, err := client.Images.GenerateStream(ctx, api.GenerateParams{Prompt: "x"}, options...)
			return err
		},
	} {
		for _, header := range []string{"Idempotency-Key", "X-Idempotency-Key", "X-Other"} {
			url, arrived := dyingServer(t)
			client := clientOf(t, url, api.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))
			if _, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}); err != nil {
				t.Fatal(err)
			}
			err := call(client, api.WithHeader(header, "one"))
			var broken *api.APIConnectionError
			if !errors.As(err, &broken) {
				t.Errorf("%s with %s: %v", what, header, err)
			}
			time.Sleep(20 * time.Millisecond)
			if arrived.Load() != 2 {
				t.Errorf("%s with %s: arrived %d times", what, header, arrived.Load()-1)
			}
		}
	}
}

func TestACallThatCannotHaveArrivedIsSentAgain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	var reasons []string
	told := api.WithOnRetry(func(retry api.Retry) { reasons = append(reasons, retry.Reason) })
	_, err = clientOf(t, url, told, api.WithMaxRetries(1)).Images.Generate(context.Background(), api.GenerateParams{Prompt: "x"})
	var broken *api.APIConnectionError
	if !errors.As(err, &broken) || len(reasons) != 1 || reasons[0] != "unsent" {
		t.Error(err, reasons)
	}
}

func TestACallOverHTTP2IsNotSentTwice(t *testing.T) {
	var arrived atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := io.Copy(io.Discard, r.Body)
		if r.ProtoMajor != 2 || size == 0 {
			t.Error(r.Proto, size)
		}
		if arrived.Add(1) > 2 {
			panic(http.ErrAbortHandler) // the stream is reset
		}
		io.WriteString(w, onePicture)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	client := clientOf(t, server.URL, api.WithHTTPClient(server.Client()), api.WithHeader("Idempotency-Key", "one"))
	ctx, data := context.Background(), png(t, 64, 64)
	if _, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}); err != nil {
		t.Error(err)
	}
	if err := edit(client, api.FileReader(onlyReader{bytes.NewReader(data)})); err != nil {
		t.Error(err)
	}
	var broken *api.APIConnectionError
	if err := edit(client, api.FileBytes(data)); !errors.As(err, &broken) {
		t.Error(err)
	}
	if _, err := client.Images.Generate(ctx, api.GenerateParams{Prompt: "x"}); !errors.As(err, &broken) {
		t.Error(err)
	}
	if arrived.Load() != 4 {
		t.Error(arrived.Load())
	}
}
