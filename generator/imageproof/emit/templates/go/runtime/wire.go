
import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	connectTime  = 10 * time.Second // a server that is there accepts a connection soon, however long it then works
	standardTime = 10 * time.Minute
	secretLength = 6       // what is shorter, such as "EMPTY", is no secret, and may be part of any word
	mostKept     = 1 << 20 // bytes of an error that are read
)

var (
	errSilent  = errors.New("nothing came in time")
	standard   = &http.Client{Transport: newTransport(), CheckRedirect: lastResponse}
	connecting = &net.Dialer{Timeout: connectTime, KeepAlive: 30 * time.Second}
)

func newTransport() http.RoundTripper {
	made := http.DefaultTransport.(*http.Transport).Clone()
	made.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		return connecting.DialContext(ctx, network, address)
	}
	made.MaxIdleConnsPerHost = made.MaxIdleConns
	return made
}

func lastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// connection is where a client calls, and how. It holds the key, and is the only thing that does.
type connection struct {
	service  *service
	settings settings
}

func connect(about *service, options []Option) (*connection, error) {
	made := &connection{service: about, settings: settings{
		about: about, authHeader: about.authHeader, authPrefix: about.authPrefix,
		timeout: standardTime, maxRetries: 2, client: standard,
	}}
	if err := made.settings.setKey(os.Getenv(about.keyVariable)); err != nil {
		return nil, fmt.Errorf("%s: %w", about.keyVariable, err)
	}
	var standing []Option
	if base := firstOf(os.Getenv(about.urlVariable), about.baseURL); base != "" {
		standing = append(standing, WithBaseURL(base))
	}
	told, err := made.settings.with(append(standing, options...))
	if err != nil {
		return nil, err
	}
	if told.baseURL == "" {
		return nil, fmt.Errorf("no base URL: give one by WithBaseURL, or in %s", about.urlVariable)
	}
	told.standing, told.family = firstOf(told.family, told.standing), ""
	made.settings = told
	return made, nil
}

// with are the settings with more options.
func (s settings) with(options []Option) (settings, error) {
	for _, option := range options {
		if err := option(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (c *connection) with(options []Option) (*connection, error) {
	told, err := c.settings.with(options)
	told.standing, told.family = firstOf(told.family, told.standing), ""
	return &connection{c.service, told}, err
}

// BaseURL is where calls go.
func (c *connection) BaseURL() string { return c.settings.baseURL }

// String says where calls go, and nothing else.
func (c *connection) String() string { return fmt.Sprintf("client of %s", c.settings.baseURL) }

// GoString is String.
func (c *connection) GoString() string { return c.String() }

// clean is a server's text without the key: some repeat it in their errors. JSON and URLs may write it in their own way.
func (c *connection) clean(text string) string {
	key := c.settings.key()
	if len(key) < secretLength {
		return text
	}
	var out strings.Builder
	from := 0
	for at := 0; at < len(text); {
		length := spelled(text[at:], key)
		if length == 0 {
			at++
			continue
		}
		out.WriteString(text[from:at])
		out.WriteString("[key]")
		at += length
		from = at
	}
	if from == 0 {
		return text
	}
	return out.String() + text[from:]
}

// spelled is the length of the key at the start of a text, 0 where it does not stand there.
func spelled(text, key string) int {
	at := 0
	for index := range len(key) {
		length := spelledLetter(text[at:], key[index:index+1])
		if length == 0 {
			return 0
		}
		at += length
	}
	return at
}

// spelledLetter is the length of a letter at the start of a text: as it is, or as JSON and URLs escape it.
func spelledLetter(text, letter string) int {
	is := func(found string) bool { return strings.EqualFold(found, letter) }
	hex := func(digits string) bool {
		value, err := strconv.ParseUint(digits, 16, 8)
		return err == nil && is(string(rune(value)))
	}
	switch {
	case text == "":
		return 0
	case is(text[:1]):
		return 1
	case text[0] == '%' && len(text) >= 3 && hex(text[1:3]):
		return 3
	case text[0] != '\\' || len(text) < 2:
		return 0
	case is(text[1:2]):
		return 2
	case text[1] == 'u' && len(text) >= 6 && hex(text[2:6]):
		return 6
	}
	return 0
}

func (c *connection) cleanHeader(header http.Header) http.Header {
	made := make(http.Header, len(header))
	for name, values := range header {
		for _, value := range values {
			made[name] = append(made[name], c.clean(value))
		}
	}
	return made
}

// exchange is the good answer to a call, repeated as the policy allows, and the text of its body, which is still to come
// where it is a stream that was asked for.
func (c *connection) exchange(ctx context.Context, ready *call, streams bool) (*http.Response, string, error) {
	for attempt := 1; ; attempt++ {
		answer, err := c.once(ctx, ready)
		text := ""
		if err == nil && !(streams && isEvents(answer)) {
			text, err = c.readAll(answer)
		}
		if err == nil {
			return answer, text, nil
		}
		reason := reasonOf(err)
		if attempt > c.settings.maxRetries || !isRepeated(reason, ready.verb) || !ready.again() || ctx.Err() != nil {
			return nil, "", err
		}
		delay := delayOf(err, attempt)
		if c.settings.onRetry != nil {
			c.settings.onRetry(Retry{Attempt: attempt, Delay: delay, Reason: reason, Err: err})
		}
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, "", c.failed(ctx.Err(), nil, nil)
		case <-timer.C:
		}
	}
}

// once is one good answer, whose body is a *watchedBody.
func (c *connection) once(ctx context.Context, ready *call) (*http.Response, error) {
	watch := newWatch(ctx, c.settings.timeout)
	sent, err := ready.open()
	if err != nil {
		watch.stop()
		return nil, err
	}
	request, err := http.NewRequestWithContext(watch.ctx, ready.verb, ready.url, watch.body(sent))
	if err != nil {
		watch.stop()
		return nil, errors.New(c.clean(err.Error()))
	}
	if ready.again() && sent != nil { // a connection that the server closed before anything was written is replaced
		request.GetBody = func() (io.ReadCloser, error) {
			sent, err := ready.open()
			if body, closes := watch.body(sent).(io.ReadCloser); closes {
				return body, err
			}
			return io.NopCloser(sent), err
		}
	}
	request.Header = ready.header.Clone()
	request.ContentLength = ready.size()
	if request.ContentLength == 0 {
		request.Body, request.GetBody = http.NoBody, nil
	}
	answer, err := c.settings.client.Do(request)
	if err != nil {
		watch.stop()
		return nil, c.failed(err, nil, watch)
	}
	watch.touch()
	answer.Body = &watchedBody{answer.Body, watch, true}
	if answer.StatusCode >= 200 && answer.StatusCode <= 299 {
		return answer, nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostKept))
	if err != nil {
		text = nil
	}
	return nil, statusError(answer.StatusCode, c.clean(string(text)), c.cleanHeader(answer.Header))
}

// readAll is the whole body as a text, of which parts can be taken without copying.
func (c *connection) readAll(answer *http.Response) (string, error) {
	defer answer.Body.Close()
	var text strings.Builder
	if answer.ContentLength > 0 && answer.ContentLength < mostFileBytes {
		text.Grow(int(answer.ContentLength))
	}
	if err := copyInto(&text, answer.Body); err != nil {
		return "", c.failed(err, answer, answer.Body.(*watchedBody).watch)
	}
	return text.String(), nil
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

// failed is the error for what the network did; answer is that which had begun, nil for none.
func (c *connection) failed(err error, answer *http.Response, watch *watch) error {
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err // it would tell the whole URL
	}
	made := APIConnectionError{APIError{cause: err}}
	begun := "no answer from " + c.settings.baseURL
	if answer != nil {
		begun = "the answer broke off"
		made.RequestID = c.clean(answer.Header.Get("x-request-id"))
	}
	var late net.Error
	switch {
	case watch != nil && errors.Is(context.Cause(watch.ctx), errSilent):
		made.cause = errSilent
		made.Message = fmt.Sprintf("%s: nothing in %v", begun, c.settings.timeout)
		return &APITimeoutError{made}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		made.Message = begun + ": not in time"
		return &APITimeoutError{made}
	}
	made.Message = c.clean(begun + ": " + err.Error())
	return &made
}
