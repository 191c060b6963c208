
import (
	"fmt"
	"slices"
	"strings"
)

// ranges are keywords that limit a value from below and from above, and what they count.
var ranges = []struct{ least, most, unit string }{
	{"minimum", "maximum", ""},
	{"minLength", "maxLength", " characters"},
	{"minItems", "maxItems", " items"},
}

// limitsIn is what a schema allows beside the values that it names, as a text; "" for no limits.
func limitsIn(told any) string {
	schema, _ := told.(map[string]any)
	var texts []string
	for _, one := range ranges {
		least, hasLeast := schema[one.least]
		most, hasMost := schema[one.most]
		switch {
		case hasLeast && hasMost:
			texts = append(texts, fmt.Sprintf("from %s to %s%s", plainText(least), plainText(most), one.unit))
		case hasLeast:
			texts = append(texts, fmt.Sprintf("at least %s%s", plainText(least), one.unit))
		case hasMost:
			texts = append(texts, fmt.Sprintf("at most %s%s", plainText(most), one.unit))
		}
	}
	if grid, has := schema["x-size-grid"].(map[string]any); has {
		texts = append(texts, fmt.Sprintf(
			"WIDTHxHEIGHT in multiples of %s, no edge over %s, at most %s to 1, from %s to %s pixels",
			plainText(grid["multiple_of"]), plainText(grid["max_edge"]), plainText(grid["max_ratio"]),
			plainText(grid["min_pixels"]), plainText(grid["max_pixels"])))
	}
	for _, keyword := range []string{"anyOf", "allOf"} {
		parts, _ := schema[keyword].([]any)
		for _, part := range parts {
			if text := limitsIn(part); text != "" && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return strings.Join(texts, "; ")
}
