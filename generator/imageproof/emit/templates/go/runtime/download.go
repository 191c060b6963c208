
import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	mostFileBytes  = 256 * 1024 * 1024 // of a download
	mostErrorBytes = 64 * 1024
	mostRedirects  = 5
	downloadTime   = time.Minute // in all, where the context has no nearer end
)

// download is what is behind a URL that a server named, which is not trusted: it gets no key and no cookie, leads to no
// private address unless the API is at one, and is left by no redirect to another scheme.
func download(ctx context.Context, origin *connection, link string, most int64) ([]byte, error) {
	at, err := url.Parse(link)
	if err != nil || (at.Scheme != "http" && at.Scheme != "https") || at.Hostname() == "" {
		return nil, invalidFile("not a URL that can be downloaded: " + origin.clean(link[:min(len(link), 200)]))
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
		return nil, invalidFile("not a URL that can be downloaded: " + origin.clean(link[:min(len(link), 200)]))
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, downloadError(err, link)
	}
	defer answer.Body.Close()
	return readDownload(answer, origin, link, most)
}

func readDownload(answer *http.Response, origin *connection, link string, most int64) ([]byte, error) {
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		text, err := io.ReadAll(io.LimitReader(answer.Body, mostErrorBytes))
		if err != nil {
			text = nil
		}
		e := newError(origin, "", string(text))
		e.StatusCode, e.Header = answer.StatusCode, origin.cleanHeader(answer.Header)
		e.Message = strings.TrimSuffix(downloadOf(link)+fmt.Sprintf(" failed, not the call: %d: ", e.StatusCode)+e.Message, ": ")
		return nil, ofStatus(e)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, downloadError(err, link)
	}
	if int64(len(data)) > most {
		return nil, invalidFile(fmt.Sprintf("%s: the file is larger than %d bytes", downloadOf(link), most))
	}
	if media := mediaType(answer.Header); isPage(media, data) {
		return nil, invalidFile(fmt.Sprintf("%s is no picture, but %s: the link may have expired", downloadOf(link), firstOf(media, "a text")))
	}
	return data, nil
}

// downloadOf names a download by its host: the rest of a link may be what opens it.
func downloadOf(link string) string {
	if at, err := url.Parse(link); err == nil && at.Host != "" {
		return "the download from " + at.Host
	}
	return "the download"
}

// isPage says whether a body is a text, such as a page to sign in at, where a file should be.
func isPage(media string, data []byte) bool {
	if len(data) == 0 {
		return false
	}
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(data[:min(len(data), 1024)], []byte("\xef\xbb\xbf")), " \t\r\n"))
	isHTML := bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
	switch {
	case sniff(data).format != "" && !isHTML:
		return false
	case isHTML, isJSONType(media), strings.HasPrefix(media, "text/"), strings.HasSuffix(media, "/xml"), strings.HasSuffix(media, "+xml"):
		return true
	}
	return strings.HasPrefix(http.DetectContentType(data), "text/")
}

func downloadError(err error, link string) error {
	var own *APIResponseValidationError
	if errors.As(err, &own) {
		return own
	}
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err // it would tell the whole URL
	}
	broken := APIConnectionError{APIError{Message: downloadOf(link) + " failed, not the call: " + err.Error(), cause: err}}
	if isLate(err) {
		broken.Message = downloadOf(link) + " was not done in time"
		return &APITimeoutError{broken}
	}
	return &broken
}
