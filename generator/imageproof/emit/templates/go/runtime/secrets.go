
import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const secretLength = 6 // what is shorter may be part of any word: it is masked where it stands alone

// noSecrets are what servers without keys are given.
var noSecrets = []string{"", "EMPTY", "none", "null", "true", "false", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// credentials are parts of names of headers and of the query by which a secret of the caller's own is known.
var credentials = []string{"authorization", "x-auth", "key", "token", "secret", "cookie", "password", "credential", "signature"}

func isCredential(name string) bool {
	lower := strings.ToLower(name)
	isPart := func(part string) bool { return strings.Contains(lower, part) }
	return slices.ContainsFunc(credentials, isPart) && !strings.Contains(lower, "idempotency")
}

// secrets are what nothing may show: the key, and what headers and the query have that is named like one; the longest
// first.
func (s *settings) secrets() []string {
	found := []string{s.key()}
	add := func(name, value string) {
		if isCredential(name) {
			found = append(append(found, value), strings.Fields(value)...)
		}
	}
	for name, values := range s.header {
		for _, value := range values {
			add(name, value)
		}
	}
	for _, one := range slices.Concat(s.ofBase, s.query) {
		switch told := one.value.(type) {
		case string:
			add(one.name, told)
		case []string:
			for _, value := range told {
				add(one.name, value)
			}
		}
	}
	found = slices.DeleteFunc(found, func(text string) bool {
		return slices.Contains(noSecrets, text) || strings.EqualFold(text, "bearer") || strings.EqualFold(text, "basic")
	})
	slices.SortFunc(found, func(one, other string) int { return cmp.Compare(len(other), len(one)) })
	return slices.Compact(found)
}

// clean is a text without secrets: some servers repeat them. JSON and URLs may write them in their own way.
func (c *connection) clean(text string) string {
	if c == nil || text == "" {
		return text
	}
	return without(text, c.settings.secrets())
}

func without(text string, secrets []string) string {
	for _, secret := range secrets {
		text = masked(text, secret)
	}
	return text
}

func masked(text, secret string) string {
	var out strings.Builder
	from := 0
	first := secret[0] | 0x20 // a small letter, where it is one
	for at := 0; at < len(text); {
		if letter := text[at]; letter|0x20 != first && letter != '%' && letter != '\\' {
			at++
			continue
		}
		length := spelled(text[at:], secret)
		if length == 0 || (len(secret) < secretLength && !standsAlone(text, at, at+length)) {
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

// standsAlone says whether a part of a text is a word of its own.
func standsAlone(text string, start, end int) bool {
	inWord := func(letter byte) bool {
		return letter == '_' || letter == '-' || letter >= 0x80 || letter >= '0' && letter <= '9' ||
			letter >= 'a' && letter <= 'z' || letter >= 'A' && letter <= 'Z'
	}
	return (start == 0 || !inWord(text[start-1])) && (end == len(text) || !inWord(text[end]))
}

// spelled is the length of the secret at the start of a text, 0 where it does not stand there.
func spelled(text, secret string) int {
	at := 0
	for index := range len(secret) {
		length := spelledLetter(text[at:], secret[index:index+1])
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
	if c == nil {
		return header
	}
	made, secrets := header.Clone(), c.settings.secrets()
	for _, values := range made {
		for index, value := range values {
			values[index] = without(value, secrets)
		}
	}
	return made
}

// cleanValue is a JSON value without secrets.
func (c *connection) cleanValue(value any) any {
	switch told := value.(type) {
	case string:
		return c.clean(told)
	case []any:
		made := make([]any, len(told))
		for index, item := range told {
			made[index] = c.cleanValue(item)
		}
		return made
	case map[string]any:
		made := make(map[string]any, len(told))
		for name, item := range told {
			made[c.clean(name)] = c.cleanValue(item)
		}
		return made
	}
	return value
}
