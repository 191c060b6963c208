
import (
	"context"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"sync"
)

// fetched is what was downloaded for an object: it was paid for, and links expire. One goroutine downloads at a time.
type fetched struct {
	turn chan struct{}
	lock sync.Mutex
	link string
	data []byte
}

func newFetched() *fetched { return &fetched{turn: make(chan struct{}, 1)} }

func (f *fetched) get(link string) []byte {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.link == link {
		return f.data
	}
	return nil
}

func (f *fetched) set(link string, data []byte) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.link, f.data = link, data
}

var fetching sync.Mutex // while an object that is of no answer gets its place for a download

func (r *Received) downloads() *fetched {
	fetching.Lock()
	defer fetching.Unlock()
	if r.fetched == nil {
		r.fetched = newFetched()
	}
	return r.fetched
}

// fileBytes are the bytes of a file: from its base64, else from what is behind its URL.
func fileBytes(ctx context.Context, about *Received, inline, link string) ([]byte, error) {
	if inline != "" {
		return decodeBase64(inline)
	}
	switch {
	case link == "":
		return nil, invalidFile("this item of the answer holds no file")
	case strings.HasPrefix(link, "data:"):
		return someBytes(decodeBase64(link))
	}
	if ctx == nil {
		return nil, errors.New("the context is nil")
	}
	kept := about.downloads()
	select {
	case kept.turn <- struct{}{}:
		defer func() { <-kept.turn }()
	case <-ctx.Done():
		return nil, downloadError(endOf(ctx), link)
	}
	if data := kept.get(link); data != nil {
		return data, nil
	}
	data, err := someBytes(download(ctx, about.origin, link, mostFileBytes))
	if err == nil {
		kept.set(link, data)
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
	return about.downloads().get(link)
}

// DataURL is a file as a data URL, such as pages show and JSON edits take; its media type is read from its bytes.
func DataURL(data []byte) string {
	mediaType := firstOf(sniff(data).mediaType, "application/octet-stream")
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(data)
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
