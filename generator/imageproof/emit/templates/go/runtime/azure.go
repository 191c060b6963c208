
import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

const (
	azureKey     = "AZURE_OPENAI_API_KEY"
	azureHeader  = "api-key"
	azureVersion = "api-version"
)

// WithAzure is for a server of Azure's kind, such as https://NAME.openai.azure.com, whose paths name a deployment: that of
// the call's model where deployment is "". The endpoint may be the whole Target URI that the portal shows; deployment and
// version that are "" are then those in it. The key is that of [WithAPIKey], else of AZURE_OPENAI_API_KEY, and goes as
// api-key; that of [WithAPIKeyFunc] is a token, and goes as Authorization: Bearer.
func WithAzure(endpoint, apiVersion, deployment string) Option {
	return func(told *settings) error {
		told.azure, told.apiVersion, told.deployment = true, apiVersion, deployment
		if err := told.setAzure(endpoint); err != nil {
			return err
		}
		if told.apiVersion == "" {
			return errors.New("no API version: give one such as 2025-04-01-preview, or the whole Target URI of the portal")
		}
		return nil
	}
}

// setAzure takes an endpoint, as far as it goes: host, base, deployment, call, version.
func (s *settings) setAzure(endpoint string) error {
	base, query, err := normalURL(endpoint, &service{baseURL: "https://host/openai", paths: s.about.paths})
	if err != nil {
		return err
	}
	base, deployment, found := strings.Cut(base, "/deployments/")
	if found {
		deployment, _, _ = strings.Cut(deployment, "/")
		if deployment, err = url.PathUnescape(deployment); err != nil {
			return err
		}
		s.deployment = firstOf(s.deployment, deployment)
	}
	if strings.HasSuffix(base, "/openai/v1") {
		return errors.New("an endpoint that ends in /openai/v1 has no deployments: give it by WithBaseURL, without WithAzure")
	}
	s.baseURL = strings.TrimSuffix(base, "/openai") + "/openai"
	s.ofBase = slices.DeleteFunc(query, func(one member) bool {
		if one.name != azureVersion {
			return false
		}
		if values, _ := one.value.([]string); len(values) > 0 {
			s.apiVersion = firstOf(s.apiVersion, values[0])
		}
		return true
	})
	return nil
}

// keyVariable is the variable of the environment that has the key; "" for that of the service.
func (s *settings) keyVariable() string {
	if s.azure {
		return azureKey
	}
	return ""
}

// auth is the header of the key, and what stands before the key in it.
func (s *settings) auth() (header, prefix string) {
	if s.azure && s.keyFunc == nil {
		return azureHeader, ""
	}
	return s.about.authHeader, s.about.authPrefix
}

// standingQuery is what goes with every call.
func (s *settings) standingQuery() []member {
	standing := slices.Clone(s.ofBase)
	if s.azure {
		standing = append(standing, member{azureVersion, s.apiVersion})
	}
	return append(standing, s.query...)
}
