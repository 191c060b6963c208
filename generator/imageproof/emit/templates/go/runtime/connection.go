
import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	connectTime  = 10 * time.Second // a server that is there accepts a connection soon, however long it then works
	standardTime = 10 * time.Minute
)

var (
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
	told, err := settings{
		about: about, key: func() string { return "" }, timeout: standardTime, maxRetries: 2, client: standard,
	}.with(options)
	if err == nil && told.baseURL == "" {
		told, err = told.standingBase()
	}
	if err != nil {
		return nil, err
	}
	told.standing, told.family = firstOf(told.family, told.standing), ""
	return &connection{about, told}, nil
}

// standingBase is the settings with the base URL of the environment, or of the service.
func (s settings) standingBase() (settings, error) {
	base := os.Getenv(s.about.urlVariable)
	switch {
	case base != "":
		if err := WithBaseURL(base)(&s); err != nil {
			return s, fmt.Errorf("%s: %w", s.about.urlVariable, err)
		}
		return s, nil
	case s.about.baseURL == "":
		return s, fmt.Errorf("no base URL: give one by WithBaseURL, or in %s", s.about.urlVariable)
	}
	return s, WithBaseURL(s.about.baseURL)(&s)
}

func (c *connection) with(options []Option) (*connection, error) {
	told, err := c.settings.with(options)
	told.standing, told.family = firstOf(told.family, told.standing), ""
	return &connection{c.service, told}, err
}

// BaseURL is where calls go.
func (c *connection) BaseURL() string {
	if c == nil {
		return ""
	}
	return c.settings.baseURL
}

// String says where calls go, and nothing else.
func (c *connection) String() string { return "client of " + firstOf(c.BaseURL(), "no server") }

// GoString is String.
func (c *connection) GoString() string { return c.String() }

// failed is the error for what the network did; answer is that which had begun, nil for none.
func (c *connection) failed(err error, answer *http.Response, watch *watch) error {
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err // it would tell the whole URL
	}
	if watch != nil && watch.ctx.Err() != nil {
		err = endOf(watch.ctx)
	}
	made := APIConnectionError{APIError{cause: err}}
	begun := "no answer from " + c.settings.baseURL
	if answer != nil {
		begun = "the answer broke off"
		made.RequestID = c.clean(answer.Header.Get("x-request-id"))
	}
	switch {
	case errors.Is(err, errSilent):
		made.Message = fmt.Sprintf("%s: nothing in %v", begun, c.settings.timeout)
		return &APITimeoutError{made}
	case isLate(err):
		made.Message = begun + ": not in time"
		return &APITimeoutError{made}
	}
	made.Message = c.clean(begun + ": " + err.Error())
	return &made
}

// endOf is why a context ended: its error, and the cause that was given with it.
func endOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if cause == nil || errors.Is(cause, err) || errors.Is(cause, errSilent) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// isLate says whether an error is the end of some time: of a context, of a client or of a connection.
func isLate(err error) bool {
	var late net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errSilent) || (errors.As(err, &late) && late.Timeout())
}
