
import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// account tells who pays: what the caller calls it, its header, and its variable of the environment.
type account struct{ name, header, variable string }

// WithOrganization says which organization pays, for keys of several; without it, that of the environment, which only the
// service's own hosts are told.
func WithOrganization(id string) Option { return withAccount("organization", id) }

// WithProject says which project pays, for keys of several; without it, that of the environment, which only the service's
// own hosts are told.
func WithProject(id string) Option { return withAccount("project", id) }

func withAccount(name, id string) Option {
	return func(told *settings) error {
		for _, one := range told.about.accounts {
			if one.name == name {
				return WithHeader(one.header, id)(told)
			}
		}
		return fmt.Errorf("%s: this API knows none", name)
	}
}

// accountHeaders are those of the environment, where the caller gave none and calls go to the service's own hosts.
func (s *settings) accountHeaders() (http.Header, error) {
	found := http.Header{}
	for _, one := range s.about.accounts {
		id := os.Getenv(one.variable)
		if _, given := s.header[http.CanonicalHeaderKey(one.header)]; given || id == "" || !s.isOwnHost() {
			continue
		}
		if err := checkHeader(one.header, id); err != nil {
			return nil, fmt.Errorf("%s: %w", one.variable, err)
		}
		found.Set(one.header, id)
	}
	return found, nil
}

func (s *settings) isOwnHost() bool {
	base, err := url.Parse(s.baseURL)
	own, ownErr := url.Parse(s.about.baseURL)
	return err == nil && ownErr == nil && !s.azure && isWithin(base.Hostname(), own.Hostname())
}

// isWithin says whether a host is a domain, or one of it.
func isWithin(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}
