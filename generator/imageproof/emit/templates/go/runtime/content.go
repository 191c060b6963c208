
import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	mostFileBytes  = 256 * 1024 * 1024 // of a download
	mostErrorBytes = 64 * 1024
	mostRedirects  = 5
	downloadTime   = time.Minute // in all, where the context has no nearer end
)

// fetched is what was downloaded for an object: it was paid for, and links expire.
type fetched struct {
	sync.Mutex
	link string
	data []byte
}

// fileBytes are the bytes of a file: from its base64, else from what is behind its URL.
func fileBytes(ctx context.Context, about *Received, inline, link string) ([]byte, error) {
	if inline != "" {
		return decodeBase64(inline)
	}
	switch {
	case link == "":
		return nil, invalidFile("the answer holds no file")
	case strings.HasPrefix(link, "data:"):
		return someBytes(decodeBase64(link))
	}
	if about.fetched == nil {
		about.fetched = &fetched{}
	}
	about.fetched.Lock()
	defer about.fetched.Unlock()
	if about.fetched.link == link {
		return about.fetched.data, nil
	}
	data, err := someBytes(download(ctx, about.origin, link, mostFileBytes))
	if err == nil {
		about.fetched.link, about.fetched.data = link, data
	}
	return data, err
}

func someBytes(data []byte, err error) ([]byte, error) {
	if err == nil && len(data) == 0 {
		return nil, invalidFile("the file behind the URL is empty")
	}
	return data, err
}

func invalidFile(message string) error {
	return &APIResponseValidationError{APIError{Message: message}}
}

// fileAtHand is the start of a file as far as it came already, for its header; nil for none.
func fileAtHand(about *Received, inline, link string) []byte {
	text := firstOf(inline, link)
	if inline != "" || strings.HasPrefix(link, "data:") {
		head := text[:min(len(text), headLength/3*4)]
		if data, err := decodeBase64(head); err == nil {
			return data
		}
		data, _ := decodeBase64(text)
		return data
	}
	if about.fetched != nil && about.fetched.link == link {
		return about.fetched.data
	}
	return nil
}

// DataURL is a file as a data URL, such as pages show and JSON edits take; its media type is read from its bytes.
func DataURL(data []byte) string {
	mediaType := firstOf(sniff(data).mediaType, "application/octet-stream")
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(data)
}

// saveFile writes a file, and says where. A folder that is not there is told before anything is downloaded.
func saveFile(path string, load func() ([]byte, error)) (string, error) {
	if about, err := os.Stat(filepath.Dir(path)); err != nil {
		return "", err
	} else if !about.IsDir() {
		return "", fmt.Errorf("%s is not a folder", filepath.Dir(path))
	}
	data, err := load()
	if err != nil {
		return "", err
	}
	if suffix := sniff(data).suffix; filepath.Ext(path) == "" && suffix != "" {
		path += "." + suffix
	}
	return path, os.WriteFile(path, data, 0o666)
}

// decodeBase64 takes base64 with or without a data: prefix, white space, padding, and the letters that URLs want.
func decodeBase64(text string) ([]byte, error) {
	if data, err := base64.StdEncoding.DecodeString(text); err == nil && len(data) > 0 {
		return data, nil
	}
	if strings.HasPrefix(text, "data:") {
		head, rest, _ := strings.Cut(text, ",")
		if !strings.HasSuffix(head, ";base64") {
			plain, err := url.PathUnescape(rest)
			if err != nil {
				return nil, invalidFile("the file in the answer is no data URL: " + err.Error())
			}
			return []byte(plain), nil
		}
		text = rest
	}
	plain := strings.TrimRight(strings.Join(strings.Fields(text), ""), "=")
	data, err := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(plain))
	if err != nil {
		return nil, invalidFile("the file in the answer is not base64: " + err.Error())
	}
	if len(data) == 0 {
		return nil, invalidFile("the file in the answer is empty")
	}
	return data, nil
}

// download is what is behind a URL that a server named, which is not trusted: it gets no key and no cookie, leads to no
// private address unless the API is at one, and is left by no redirect to another scheme.
func download(ctx context.Context, origin *connection, link string, most int64) ([]byte, error) {
	at, err := url.Parse(link)
	if err != nil || (at.Scheme != "http" && at.Scheme != "https") || at.Hostname() == "" {
		return nil, invalidFile("not a URL that can be downloaded: " + link[:min(len(link), 200)])
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	transport, check := downloader(ctx, origin, at)
	if err := check(at.Hostname()); err != nil {
		return nil, err
	}
	client := http.Client{Transport: transport, CheckRedirect: func(next *http.Request, before []*http.Request) error {
		next.Header.Del("Referer")
		switch {
		case next.URL.Scheme != at.Scheme:
			return invalidFile(fmt.Sprintf("not fetched: a redirect from %s to %s", at.Scheme, next.URL.Scheme))
		case len(before) > mostRedirects:
			return errors.New("too many redirects")
		}
		return check(next.URL.Hostname())
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, invalidFile("not a URL that can be downloaded: " + link[:min(len(link), 200)])
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, downloadError(err)
	}
	defer answer.Body.Close()
	return readDownload(answer, most)
}

func readDownload(answer *http.Response, most int64) ([]byte, error) {
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		text, err := io.ReadAll(io.LimitReader(answer.Body, mostErrorBytes))
		if err != nil {
			text = nil
		}
		return nil, statusError(answer.StatusCode, string(text), answer.Header)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, downloadError(err)
	}
	if int64(len(data)) > most {
		return nil, invalidFile(fmt.Sprintf("the file is larger than %d bytes", most))
	}
	return data, nil
}

func downloadError(err error) error {
	var own *APIResponseValidationError
	if errors.As(err, &own) {
		return own
	}
	broken := APIConnectionError{APIError{Message: "the file could not be downloaded: " + err.Error(), cause: err}}
	if errors.Is(err, context.DeadlineExceeded) {
		broken.Message = "the file did not come in time"
		return &APITimeoutError{broken}
	}
	return &broken
}

// downloader is how a URL is fetched, and a check of each host on the way. Where the API itself is at a private address,
// any address will do. Otherwise connections are made to addresses of the open Internet alone, which are looked at when
// the connection is made, so that no second look-up can change them; what a proxy or a transport of the caller's own
// does is out of sight, so that there the addresses that this machine knows are looked at before.
func downloader(ctx context.Context, origin *connection, at *url.URL) (http.RoundTripper, func(host string) error) {
	free := func(string) error { return nil }
	used := http.DefaultTransport
	if origin != nil {
		if origin.settings.client.Transport != nil {
			used = origin.settings.client.Transport
		}
		if base, err := url.Parse(origin.settings.baseURL); err == nil && isPrivate(ctx, base.Hostname()) {
			return used, free
		}
	}
	plain, isPlain := used.(*http.Transport)
	if isPlain {
		proxy := (*url.URL)(nil)
		if plain.Proxy != nil {
			proxy, _ = plain.Proxy(&http.Request{URL: at, Host: at.Host})
		}
		known := used == standard.Transport || used == http.DefaultTransport
		if proxy == nil && (known || (plain.DialContext == nil && plain.DialTLSContext == nil)) {
			return guarded(plain), free
		}
	}
	return used, func(host string) error {
		if isPrivate(ctx, host) {
			return invalidFile("not fetched: " + host + " is at a private address")
		}
		return nil
	}
}

// guarded is a transport that connects to addresses of the open Internet alone.
func guarded(plain *http.Transport) http.RoundTripper {
	made := plain.Clone()
	made.DisableKeepAlives = true
	made.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			if !isPublic(one) {
				return nil, invalidFile("not fetched: " + host + " is at a private address")
			}
		}
		return connecting.DialContext(ctx, network, net.JoinHostPort(found[0].Unmap().String(), port))
	}
	return made
}

// isPrivate says whether a host is at a private address, or at none that this machine knows.
func isPrivate(ctx context.Context, host string) bool {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for _, one := range found {
		if !isPublic(one) {
			return true
		}
	}
	return err == nil && len(found) == 0
}

// Networks that are not of the open Internet, beside those that the standard library knows.
var reserved = func() []netip.Prefix {
	var made []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		made = append(made, netip.MustParsePrefix(text))
	}
	return made
}()

// isPublic says whether an address is one of the open Internet. An IPv4 address inside an IPv6 one is unwrapped.
func isPublic(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if told := address.As16(); address.Is6() && told[0] == 0x20 && told[1] == 0x02 { // 6to4
		address = netip.AddrFrom4([4]byte(told[2:6]))
	} else if address.Is6() && netip.MustParsePrefix("64:ff9b::/96").Contains(address) { // NAT64
		address = netip.AddrFrom4([4]byte(told[12:16]))
	}
	for _, one := range reserved {
		if one.Contains(address) {
			return false
		}
	}
	return address.IsGlobalUnicast() && !address.IsPrivate() && !address.IsLoopback() && !address.IsLinkLocalUnicast()
}
