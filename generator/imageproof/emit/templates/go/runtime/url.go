
import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// pathValue is the value of a path's parameter by its name on the wire.
type pathValue struct {
	name  string
	value any
}

func (c *call) where(op *operation, inPath []pathValue, told *settings) (string, error) {
	where := told.baseURL
	if told.azure && op.mediaType != "" {
		model, _ := c.values.at["model"].(string)
		deployment := firstOf(told.deployment, model)
		if deployment == "" {
			return "", errors.New("no deployment, which Azure needs: give one to the client, or a model to the call")
		}
		where += "/deployments/" + url.PathEscape(deployment)
	}
	filled := op.path
	for _, one := range inPath {
		plain, _, err := plainOf(one.name, reflect.ValueOf(one.value), true)
		if err != nil {
			return "", err
		}
		if plain, err = joined(one.name, plain); err != nil {
			return "", err
		}
		text, err := textOf(one.name, plain)
		if err != nil {
			return "", err
		}
		if text == "" || text == "." || text == ".." {
			return "", fmt.Errorf("%s must not be %q: the path would be another one", one.name, text)
		}
		filled = strings.ReplaceAll(filled, "{"+one.name+"}", escaped(text))
	}
	return where + filled, nil
}

// escaped is a text as one segment of a path: only letters, digits and -._~ stay as they are.
func escaped(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

func withQuery(where string, op *operation, given *object, told []member) (string, error) {
	query := newObject()
	for _, one := range told {
		plain, _, err := plainOf(one.name, reflect.ValueOf(one.value), false)
		if err != nil {
			return "", err
		}
		query.set(one.name, plain)
	}
	for _, name := range given.names {
		value := given.at[name]
		if slices.Contains(op.commas, name) {
			var err error
			if value, err = joined(name, value); err != nil {
				return "", err
			}
		}
		query.set(name, value)
	}
	text, err := encoded(query)
	if err != nil || text == "" {
		return where, err
	}
	return where + "?" + text, nil
}

// encoded has values as a query has them.
func encoded(values *object) (string, error) {
	var texts []string
	for _, name := range values.names {
		pairs, err := formTexts(name, name, values.at[name])
		if err != nil {
			return "", err
		}
		for _, one := range pairs {
			texts = append(texts, url.QueryEscape(one.name)+"="+url.QueryEscape(one.text))
		}
	}
	return strings.Join(texts, "&"), nil
}

// fixed are headers that net/http writes by itself.
var fixed = []string{"Content-Length", "Transfer-Encoding", "Trailer", "Connection"}

// checkHeader is an error, which does not tell the value, for a header that cannot be sent.
func checkHeader(name, value string) error {
	isToken := func(r rune) bool {
		return r < 0x80 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	}
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !isToken(r) }):
		return fmt.Errorf("header %q: not a name of a header: letters, digits and hyphens", name)
	case slices.Contains(fixed, http.CanonicalHeaderKey(name)):
		return fmt.Errorf("header %q: is written by the HTTP client itself", name)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Errorf("header %q: its value must be printable ASCII", name)
	}
	return nil
}

// loopback is how a host of this machine begins: the whole name, and not what another one begins with.
var loopback = regexp.MustCompile(`(?i)^(localhost|127\.0\.0\.1|\[::1\])([:/]|$)`)

// slipped is how a base URL begins whose scheme lost a colon or a slash.
var slipped = regexp.MustCompile(`(?i)^https?(:/?([^/]|$)|//)`)

// normalURL is the base URL that a caller means by a host, a base with or without a slash, or the whole URL of one call;
// and the query that stood behind it. A host alone gets the path of the default; a name without a scheme gets https, or
// http on this machine.
func normalURL(told string, about *service) (string, []member, error) {
	told = strings.TrimSpace(told)
	bad := errors.New("the base URL must be a URL such as https://host/v1")
	if slipped.MatchString(told) {
		return "", nil, bad
	}
	if !strings.Contains(told, "://") {
		scheme := "https://"
		if loopback.MatchString(told) {
			scheme = "http://"
		}
		told = scheme + told
	}
	parts, err := url.Parse(told)
	if err != nil || (parts.Scheme != "http" && parts.Scheme != "https") || parts.Hostname() == "" {
		return "", nil, bad
	}
	if parts.User != nil {
		return "", nil, errors.New("the base URL must not hold a user name or password; give the key by WithAPIKey")
	}
	clean := strings.TrimRight(path.Clean("/"+parts.EscapedPath()), "/")
	if clean == "" {
		standard, _ := url.Parse(about.baseURL)
		clean = strings.TrimRight(standard.EscapedPath(), "/")
	}
	for _, known := range about.paths {
		clean = strings.TrimSuffix(clean, known)
	}
	var query []member
	values := parts.Query()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		query = append(query, member{name, values[name]})
	}
	return parts.Scheme + "://" + parts.Host + clean, query, nil
}
