
import (
	"errors"
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
	keyGiven   bool // by the caller
	authHeader string
	authPrefix string
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
	deployment string
	client     *http.Client
	response   **http.Response
}

type member struct {
	name  string
	value any
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
		told.keyGiven = true
		return told.setKey(key)
	}
}

// WithBaseURL says where the server is: a host, a base or the whole URL of a call; without it, it is that of the
// environment, or the service's own. A query behind it goes with every call.
func WithBaseURL(base string) Option {
	return func(told *settings) error {
		normal, query, err := normalURL(base, told.about)
		if err != nil {
			return err
		}
		told.baseURL, told.ofBase = normal, query
		return nil
	}
}

// WithAzure is for a server of Azure's kind, such as https://NAME.openai.azure.com: the key goes as api-key, and paths
// name a deployment, that of the call's model where deployment is "".
func WithAzure(endpoint, apiVersion, deployment string) Option {
	return func(told *settings) error {
		base, query, err := normalURL(endpoint, &service{baseURL: "https://host/openai"})
		if err != nil {
			return err
		}
		told.baseURL = strings.TrimSuffix(base, "/openai") + "/openai"
		told.azure, told.deployment = true, deployment
		told.authHeader, told.authPrefix = "api-key", ""
		told.ofBase = append(query, member{"api-version", apiVersion})
		if told.keyGiven {
			return nil
		}
		return told.setKey(os.Getenv("AZURE_OPENAI_API_KEY"))
	}
}

// WithTimeout says how long to wait for the answer, or between two events, or between two pieces of a body; 0 waits for
// ever. Without it, it is ten minutes: a picture of high quality takes its time.
func WithTimeout(timeout time.Duration) Option {
	return func(told *settings) error {
		told.timeout = timeout
		return nil
	}
}

// WithMaxRetries says how often a call is repeated that failed in a way which costs nothing; without it, twice. The
// table [Policy] has the ways.
func WithMaxRetries(count int) Option {
	return func(told *settings) error {
		told.maxRetries = count
		return nil
	}
}

// WithOnRetry has a function called before each repetition.
func WithOnRetry(tell func(Retry)) Option {
	return func(told *settings) error {
		told.onRetry = tell
		return nil
	}
}

// WithHeader sends a header beside the client's own, and instead of it.
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

// WithHTTPClient makes calls through an HTTP client of your own, for proxies, certificates and transports. Redirects are
// not followed, whatever it says of them.
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

// WithResponseInto keeps the answer of the call, for its status and headers: its body is read by the client.
func WithResponseInto(into **http.Response) Option {
	return func(told *settings) error {
		told.response = into
		return nil
	}
}
