
import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// asParts has arguments as the parts of a form: lists and members of objects under names of their own, null as nothing.
func asParts(op *operation, within string, values *object, emit func(string, any)) {
	for _, member := range values.names {
		name := member
		if within != "" {
			name = within + "[" + member + "]"
		}
		switch told := values.at[member].(type) {
		case nil:
		case *object:
			if slices.Contains(op.documents, name) {
				emit(name, told)
			} else {
				asParts(op, name, told, emit)
			}
		case []any, []*upload:
			emit(firstOf(op.lists[name], name), told)
		default:
			emit(name, told)
		}
	}
}

// read is a value of a form as its server reads it: a text that is a number is one, where one is wanted.
func (f *formRules) read(name string, value any) any {
	text, isText := value.(string)
	wanted, _ := f.Properties[name]["type"].(string)
	if !isText || (wanted != "integer" && wanted != "number" && wanted != "boolean") {
		return value
	}
	var read any
	if json.Unmarshal([]byte(text), &read) != nil {
		return value
	}
	return read
}

func (f *formRules) missing(body *object) []Breach {
	var found []Breach
	for _, names := range f.Required {
		if slices.ContainsFunc(names, func(name string) bool { _, given := body.at[name]; return given }) {
			continue
		}
		rule := ""
		for _, name := range names {
			told, _ := f.Properties[name]["x-rule-missing"].(string)
			rule = firstOf(rule, told)
		}
		found = append(found, Breach{Rule: rule, Parameter: names[0], Message: strings.Join(names, " or ") + " is required"})
	}
	return found
}

func (f *formRules) parameter(name string) string {
	told, _ := f.Properties[name]["x-parameter"].(string)
	return firstOf(told, name)
}

// misfits are breaches of what holds for every model.
func (f *formRules) misfits(body *object) []Breach {
	var found []Breach
	for _, name := range body.names {
		told, known := f.Properties[name]
		if !known {
			continue
		}
		if _, isFile := body.at[name].(*upload); isFile && told["file"] != true {
			found = append(found, Breach{Rule: f.TypeRule, Parameter: f.parameter(name), Message: name + " must not be a file"})
			continue
		}
		for _, one := range faults(told, bare(body.at[name]), nil, "") {
			for len(one.inner) > 0 {
				deepest := one.inner[0]
				for _, other := range one.inner[1:] {
					if len(other.path) > len(deepest.path) {
						deepest = other
					}
				}
				one = deepest
			}
			rule := one.rule
			if one.keyword == "type" {
				rule = f.TypeRule
			}
			found = append(found, Breach{rule, f.parameter(name), name + " " + one.said(), listedIn(told), limitsIn(told)})
		}
	}
	return found
}

// cells are breaches of what a family says of one parameter.
func (c *callRules) cells(form *formRules, body *object) []Breach {
	var found []Breach
	for _, name := range body.names {
		value := body.at[name]
		if _, known := form.Properties[name]; !known || value == nil {
			continue
		}
		parameter := form.parameter(name)
		for index, key := range []string{name, parameter} {
			one := c.Cells[key]
			if one == nil || (index == 1 && key == name) {
				continue
			}
			if one.Schema == false {
				found = append(found, Breach{Rule: one.Rule, Parameter: parameter, Message: parameter + " is not a parameter of this model"})
				continue
			}
			for _, said := range one.said(value, body) {
				found = append(found, Breach{one.Rule, parameter, name + " " + said, listedIn(one.Schema), limitsIn(one.Schema)})
			}
		}
	}
	return found
}

func (c *cell) said(value any, body *object) []string {
	var said []string
	for _, one := range faults(c.Schema, bare(value), nil, "") {
		said = append(said, one.said())
	}
	if told, isSchema := c.Schema.(map[string]any); isSchema {
		if text := offGrid(told["x-size-grid"], value); text != "" {
			said = append(said, text)
		}
	}
	if c.File != nil {
		for _, file := range uploadsOf(value) {
			for _, one := range faults(c.File, factsOf(file, c.File, body), nil, "") {
				said = append(said, "its "+strings.Join(one.path, ".")+" "+one.said())
			}
		}
	}
	return said
}

// cross are breaches of what spans parameters.
func (c *callRules) cross(body *object) []Breach {
	given := map[string]any{}
	for _, name := range body.names {
		if body.at[name] != nil {
			given[name] = bare(body.at[name])
		}
	}
	var found []Breach
	for _, rule := range c.Rules {
		if len(faults(rule.When, given, nil, "")) > 0 || len(faults(rule.Then, given, nil, "")) == 0 {
			continue
		}
		names := append(namesIn(rule.Then), namesIn(rule.When)...)
		parameter := ""
		if len(names) > 0 {
			parameter = names[0]
		}
		for _, name := range slices.Backward(names) {
			if _, isGiven := given[name]; isGiven {
				parameter = name
			}
		}
		found = append(found, Breach{Rule: rule.ID, Parameter: parameter, Message: rule.Message})
	}
	return found
}

// namesIn are the members that a schema speaks of.
func namesIn(told any) []string {
	schema, _ := told.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	var names []string
	for name := range properties {
		names = append(names, name)
	}
	sort.Strings(names)
	required, _ := schema["required"].([]any)
	for _, one := range required {
		names = append(names, fmt.Sprint(one))
	}
	return names
}

var sizeText = regexp.MustCompile(`^([0-9]{1,6})x([0-9]{1,6})$`)

// offGrid says how a size breaks the limits of a family, "" where it does not.
func offGrid(told, value any) string {
	grid, isGrid := told.(map[string]any)
	text, isText := value.(string)
	match := sizeText.FindStringSubmatch(text)
	if !isGrid || !isText || match == nil {
		return ""
	}
	limit := func(name string) int { number, _ := grid[name].(float64); return int(number) }
	width, _ := strconv.Atoi(match[1])
	height, _ := strconv.Atoi(match[2])
	long, short := max(width, height), min(width, height)
	switch {
	case width%limit("multiple_of") != 0 || height%limit("multiple_of") != 0:
		return fmt.Sprintf("%s: both edges must be multiples of %d", text, limit("multiple_of"))
	case long > limit("max_edge"):
		return fmt.Sprintf("%s: no edge may be longer than %d", text, limit("max_edge"))
	case long > limit("max_ratio")*short:
		return fmt.Sprintf("%s: the longer edge may be at most %d times the shorter", text, limit("max_ratio"))
	case width*height < limit("min_pixels") || width*height > limit("max_pixels"):
		return fmt.Sprintf("%s: the area must be between %d and %d pixels", text, limit("min_pixels"), limit("max_pixels"))
	}
	return ""
}

// factsOf is what rules may ask of a file; what its header does not tell is left out, and breaks none.
func factsOf(file *upload, asked schema, body *object) map[string]any {
	told := ReadPicture(file.head)
	_, masked := body.at["mask"]
	facts := map[string]any{"format": told.Format, "alpha": told.Alpha, "masked": masked}
	if file.size >= 0 {
		facts["bytes"] = file.size
	}
	if told.Width > 0 {
		same := false
		if images := append(uploadsOf(body.at["image"]), uploadsOf(body.at["image[]"])...); len(images) > 0 {
			first := ReadPicture(images[0].head)
			same = first.Width == told.Width && first.Height == told.Height
		}
		facts["width"], facts["height"] = int64(told.Width), int64(told.Height)
		facts["square"], facts["same_size"] = told.Width == told.Height, same
	}
	properties, _ := asked["properties"].(map[string]any)
	if _, wanted := properties["transparent"]; wanted && told.Format == "png" && file.again {
		if found, known := isSeeThrough(file.all()); known {
			facts["transparent"] = found
		}
	}
	return facts
}
