
import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const mostKept = 1 << 20 // bytes of an error that are read

// reply is a good answer. text is its body, which is still to come where it is a stream.
type reply struct {
	answer  *http.Response
	body    io.ReadCloser
	watch   *watch
	streams bool
	text    string
}

// exchange is the good answer to a call, repeated as the policy allows, and read unless it is a stream that was asked for.
func (c *connection) exchange(ctx context.Context, ready *call, streams bool) (*reply, error) {
	for attempt := 1; ; attempt++ {
		got, err := c.once(ctx, ready)
		if err == nil {
			err = c.read(got, streams)
		}
		if err == nil {
			return got, nil
		}
		reason := reasonOf(err)
		if attempt > c.settings.maxRetries || !isRepeated(reason, ready.verb) || !ready.again() || ctx.Err() != nil {
			return nil, err
		}
		delay := delayOf(err, attempt)
		if c.settings.onRetry != nil {
			c.settings.onRetry(Retry{Attempt: attempt, Delay: delay, Reason: reason, Err: err})
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, c.failed(endOf(ctx), nil, nil)
		case <-timer.C:
		}
	}
}

// once is one good answer.
func (c *connection) once(ctx context.Context, ready *call) (*reply, error) {
	watch := newWatch(ctx, c.settings.timeout)
	request, files, err := c.request(ready, watch)
	if err != nil {
		watch.stop()
		return nil, fmt.Errorf("%s: %w", ready.name, err)
	}
	answer, err := c.settings.client.Do(request)
	if err != nil {
		defer watch.stop()
		if own := files.fault(ready.name); own != nil && ctx.Err() == nil {
			return nil, own
		}
		return nil, c.failed(err, nil, watch)
	}
	watch.touch()
	if c.settings.response != nil {
		*c.settings.response = c.shownResponse(answer)
	}
	var body io.ReadCloser = &watchedBody{answer.Body, watch}
	if strings.EqualFold(answer.Header.Get("Content-Encoding"), "gzip") {
		body, answer.ContentLength = &unzipped{ReadCloser: body}, -1
	}
	if answer.StatusCode >= 200 && answer.StatusCode <= 299 {
		return &reply{answer: answer, body: body, watch: watch}, nil
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, mostKept))
	if err != nil {
		text = nil
	}
	return nil, statusError(c, answer.StatusCode, string(text), answer.Header)
}

// request is the call for net/http, and its body where that is read from files, nil for any other. Given the means to
// begin the body anew (GetBody, or no body at all), net/http sends a POST again by itself, in some cases after its bytes
// arrived; so it is not given them.
func (c *connection) request(ready *call, watch *watch) (*http.Request, *sending, error) {
	sent, err := ready.open()
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(watch.ctx, ready.verb, ready.url, nil)
	if err != nil {
		return nil, nil, errors.New(c.clean(err.Error()))
	}
	request.Header = ready.header.Clone()
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
		request.Header.Del("Host")
	}
	switch told := sent.(type) {
	case io.ReadCloser:
		files := newSending(told, watch)
		request.Body, request.ContentLength = files, ready.size()
		return request, files, nil
	case nil:
		if isReading(ready.verb) {
			return request, nil, nil
		}
		sent = bytes.NewReader(nil)
	}
	request.Body, request.ContentLength = io.NopCloser(sent), ready.size()
	return request, nil, nil
}

// shownResponse is an answer without its request, which has the key.
func (c *connection) shownResponse(answer *http.Response) *http.Response {
	shown := *answer
	shown.Request, shown.Body, shown.Header = nil, http.NoBody, c.cleanHeader(answer.Header)
	return &shown
}

// read reads the body, or finds that it is the stream that was asked for.
func (c *connection) read(got *reply, streams bool) error {
	media := mediaType(got.answer.Header)
	got.streams = streams && media == "text/event-stream"
	if streams && !got.streams && !isJSONType(media) {
		ahead := bufio.NewReader(got.body)
		got.streams = beginsEvents(ahead)
		got.body = readCloser{ahead, got.body}
	}
	if got.streams {
		return nil
	}
	defer got.body.Close()
	var text strings.Builder
	if length := got.answer.ContentLength; length > 0 && length < mostFileBytes {
		text.Grow(int(length))
	}
	if err := copyInto(&text, got.body); err != nil {
		return c.failed(err, got.answer, got.watch)
	}
	got.text = text.String()
	return nil
}

// mediaType is that of an answer, in small letters and without parameters.
func mediaType(header http.Header) string {
	told, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(told))
}

func isJSONType(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// beginsEvents says whether a body begins as events do, behind a byte order mark and blank lines: for servers that call
// them something else. No more is waited for than that takes.
func beginsEvents(body *bufio.Reader) bool {
	for length := 1; ; length++ {
		head, err := body.Peek(max(length, body.Buffered()))
		length = len(head)
		start := strings.TrimLeft(strings.TrimPrefix(string(head), "\ufeff"), " \t\r\n")
		undecided := start == "" || strings.HasPrefix("\ufeff", string(head))
		for _, field := range []string{"data:", "event:", "id:", "retry:", ":"} {
			if strings.HasPrefix(start, field) {
				return true
			}
			undecided = undecided || strings.HasPrefix(field, start)
		}
		if !undecided || err != nil {
			return false
		}
	}
}

var pieces = sync.Pool{New: func() any { return new([32 * 1024]byte) }}

func copyInto(text *strings.Builder, body io.Reader) error {
	piece := pieces.Get().(*[32 * 1024]byte)
	defer pieces.Put(piece)
	for {
		count, err := body.Read(piece[:])
		text.Write(piece[:count])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
