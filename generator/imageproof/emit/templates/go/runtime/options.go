
import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// Option is how a client calls, or how one call does: a call's own options add to the client's, and go before them.
type Option func(*settings) error

// settings are how calls are made. The key is behind a function, so that nothing prints it.
type settings struct {
	about      *service
	baseURL    string
	key        func() string
	keyFrom    string // the variable of the environment that it is from, "" where the caller gave it
	keyFunc    func(context.Context) (string, error)
	keyGiven   bool // by the caller
	query      []member
	ofBase     []member // the query behind the base URL: another base has its own
	header     http.Header
	extraBody  []member
	timeout    time.Duration
	maxRetries int
	onRetry    func(Retry)
	validate   string
	onBreach   func(call string, found any)
	family     string // of the call
	standing   string // of models without one
	families   map[string]string
	azure      bool
	apiVersion string
	deployment string
	client     *http.Client
	response   **http.Response
}

type member struct {
	name  string
	value any
}

// with are the settings with more options.
func (s settings) with(options []Option) (settings, error) {
	for _, option := range options {
		if option == nil {
			return s, errors.New("an option is nil")
		}
		if err := option(&s); err != nil {
			return s, err
		}
	}
	if wanted := firstOf(s.keyVariable(), s.about.keyVariable); !s.keyGiven && s.keyFrom != wanted {
		s.keyFrom = wanted
		if err := s.setKey(os.Getenv(wanted)); err != nil {
			return s, fmt.Errorf("%s: %w", wanted, err)
		}
	}
	return s, nil
}

// setKey takes a key, without the white space that copying brings along. The error does not tell it.
func (s *settings) setKey(key string) error {
	key = strings.TrimSpace(key)
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the key must be printable ASCII without spaces")
	}
	s.key = func() string { return key }
	return nil
}

// WithAPIKey gives the key; without it, it is that of the environment. "" sends none.
func WithAPIKey(key string) Option {
	return func(told *settings) error {
		told.keyGiven, told.keyFunc, told.keyFrom = true, nil, ""
		return told.setKey(key)
	}
}

// WithAPIKeyFunc has a function asked for the key at the start of each call, for keys and tokens that expire; repetitions
// of the call carry the same one. The key goes as the API's own scheme has it (Authorization: Bearer), to a server of
// Azure's kind too, as tokens of Entra ID want it; for a key that goes as api-key, there is [WithAPIKey].
func WithAPIKeyFunc(ask func(context.Context) (string, error)) Option {
	return func(told *settings) error {
		if ask == nil {
			return errors.New("the function for the key is nil")
		}
		told.keyGiven, told.keyFunc, told.keyFrom = true, ask, ""
		return told.setKey("")
	}
}

// askKey is the settings for one call: with the key of now.
func (s settings) askKey(ctx context.Context) (settings, error) {
	if s.keyFunc == nil {
		return s, nil
	}
	key, err := s.keyFunc(ctx)
	if err != nil {
		return s, fmt.Errorf("the function of WithAPIKeyFunc: %w", err)
	}
	return s, s.setKey(key)
}

// WithBaseURL says where the server is: a host, a base or the whole URL of a call, which is cut back to its base (so a
// base does not end in /models or /images/generations); without it, it is that of the environment, or the service's own.
// A query behind it goes with every call. After [WithAzure], it is another server of that kind, with the same version.
func WithBaseURL(base string) Option {
	return func(told *settings) error {
		if told.azure {
			return told.setAzure(base)
		}
		normal, query, err := normalURL(base, told.about)
		if err != nil {
			return err
		}
		told.baseURL, told.ofBase = normal, query
		return nil
	}
}

// WithTimeout says how long to wait for the answer, or between two events, or between two pieces of a body; 0 waits for
// ever. Without it, it is ten minutes: a picture of high quality takes its time.
func WithTimeout(timeout time.Duration) Option {
	return func(told *settings) error {
		if timeout < 0 {
			return fmt.Errorf("the timeout is negative: %v", timeout)
		}
		told.timeout = timeout
		return nil
	}
}

// WithMaxRetries says how often a call is repeated that failed in a way which costs nothing; without it, twice. The
// table [Policy] has the ways.
func WithMaxRetries(count int) Option {
	return func(told *settings) error {
		if count < 0 {
			return fmt.Errorf("the number of repetitions is negative: %d", count)
		}
		told.maxRetries = count
		return nil
	}
}

// WithOnRetry has a function called before each repetition.
func WithOnRetry(tell func(Retry)) Option {
	return func(told *settings) error {
		if tell == nil {
			return errors.New("the function for repetitions is nil")
		}
		told.onRetry = tell
		return nil
	}
}

// WithHeader sends a header beside the client's own, and instead of it. Host is the name by which the server is asked.
func WithHeader(name, value string) Option {
	return func(told *settings) error {
		if err := checkHeader(name, value); err != nil {
			return err
		}
		told.header = told.header.Clone()
		if told.header == nil {
			told.header = http.Header{}
		}
		told.header.Set(name, value)
		return nil
	}
}

// WithQuery sends a parameter in the query.
func WithQuery(name string, value any) Option {
	return func(told *settings) error {
		told.query = append(told.query[:len(told.query):len(told.query)], member{name, value})
		return nil
	}
}

// WithExtra sends a member of the body that this client does not know, or another value for one that it knows.
func WithExtra(name string, value any) Option {
	return func(told *settings) error {
		told.extraBody = append(told.extraBody[:len(told.extraBody):len(told.extraBody)], member{name, value})
		return nil
	}
}

// WithHTTPClient makes calls through an HTTP client of your own, for proxies, certificates and transports. Redirects of
// calls are not followed, whatever it says of them. Its transport makes downloads too: one that adds a key by itself
// would add it there, so give keys by [WithAPIKeyFunc].
func WithHTTPClient(client *http.Client) Option {
	return func(told *settings) error {
		if client == nil {
			return errors.New("the HTTP client is nil")
		}
		own := *client
		own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		told.client = &own
		return nil
	}
}

// WithResponseInto keeps the answer of the call, the last one of several, for its status and headers, also where the call
// ends with an error; nil where no answer came. Its body is read by the client.
func WithResponseInto(into **http.Response) Option {
	return func(told *settings) error {
		if into == nil {
			return errors.New("the place for the answer is nil")
		}
		told.response = into
		return nil
	}
}
