
import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
)

//go:embed families.json
var familiesJSON []byte

// Validation is what becomes of a request that breaks rules of its model's family.
type Validation string

// The three of them.
const (
	Warn   Validation = "warn"  // it is sent, and each rule is told once
	Refuse Validation = "error" // it is not sent: a [RequestRuleError]
	Off    Validation = "off"   // it is sent
)

// Breach is one broken rule.
type Breach struct {
	// Rule is its id in the contract.
	Rule string
	// Parameter is the parameter at fault.
	Parameter string
	// Message is what is wrong.
	Message string
	// Allowed are the values that are allowed, as JSON has them; none where they are not listed.
	Allowed []any
	// Limits are what is allowed where values are not listed, such as "from 1 to 10"; "" for none.
	Limits string
}

// allowed are the values and the limits as a text.
func (b Breach) allowed() string {
	texts := make([]string, 0, len(b.Allowed)+1)
	for _, one := range b.Allowed {
		texts = append(texts, firstOf(plainText(one), "null"))
	}
	if b.Limits != "" {
		texts = append(texts, b.Limits)
	}
	return strings.Join(texts, ", ")
}

// String is the message, with parameter and rule.
func (b Breach) String() string {
	if b.Parameter == "" {
		return fmt.Sprintf("%s [%s]", b.Message, b.Rule)
	}
	return fmt.Sprintf("%s [%s, %s]", b.Message, b.Parameter, b.Rule)
}

// RequestRuleError says that a request breaks rules of its model's family, and was not sent. Param is the first one's.
type RequestRuleError struct {
	APIError
	// Breaches are all rules that it breaks.
	Breaches []Breach
}

// Unwrap is the error as a more general one.
func (e *RequestRuleError) Unwrap() error { return &e.APIError }

// WithValidate says what becomes of a request that breaks rules of its model's family; without it, [Warn].
func WithValidate(validation Validation) Option {
	return func(told *settings) error {
		if validation != Warn && validation != Refuse && validation != Off {
			return fmt.Errorf("validate must be %q, %q or %q, not %q", Warn, Refuse, Off, validation)
		}
		told.validate = string(validation)
		return nil
	}
}

// WithOnBreach has a function told of each rule that a request breaks which is sent all the same; without it, the default
// logger of log/slog is.
func WithOnBreach(tell func(call string, found Breach)) Option {
	return func(told *settings) error {
		if tell == nil {
			return errors.New("the function for breaches is nil")
		}
		told.onBreach = func(call string, found any) { tell(call, found.(Breach)) }
		return nil
	}
}

// WithFamily names the family of models that no family names; of one call, the family whose rules count. "" is none.
func WithFamily(name string) Option {
	return func(told *settings) error {
		if _, err := table().named(name); err != nil {
			return err
		}
		told.family = name
		return nil
	}
}

// WithFamilies maps names of models to families.
func WithFamilies(families map[string]string) Option {
	return func(told *settings) error {
		for model, name := range families {
			if _, err := table().named(name); err != nil {
				return fmt.Errorf("%s: %w", model, err)
			}
		}
		told.families = maps.Clone(families)
		return nil
	}
}

// ruleTable is families.json.
type ruleTable struct {
	Operations map[string]map[string]*formRules
	Families   map[string]*familyRules
	order      []string // of the families
}

type formRules struct {
	JSON       bool
	TypeRule   string `json:"type_rule"`
	Required   [][]string
	Properties map[string]schema
}

type familyRules struct {
	Models     []string
	Operations map[string]*callRules
}

type callRules struct {
	Cells map[string]*cell
	Rules []crossRule
}

type cell struct {
	Schema any
	Rule   string
	File   schema
}

type crossRule struct {
	ID, Message string
	When, Then  any
}

var table = sync.OnceValue(func() *ruleTable {
	var made ruleTable
	if err := json.Unmarshal(familiesJSON, &made); err != nil {
		panic("families.json: " + err.Error())
	}
	for name := range made.Families {
		made.order = append(made.order, name)
	}
	sort.Strings(made.order)
	return &made
})

// checkRules tells of broken rules, once of each, or is an error with all of them, as the caller wants it.
func checkRules(op *operation, ready *call, told *settings) error {
	if told.validate == string(Off) {
		return nil
	}
	found, err := breaches(op, ready.values, told)
	if err != nil || len(found) == 0 {
		return err
	}
	if told.validate == string(Refuse) {
		texts := make([]string, 0, len(found))
		for _, one := range found {
			texts = append(texts, one.String())
		}
		message := fmt.Sprintf("%s: %s; nothing was sent", op.name, strings.Join(texts, "; "))
		return &RequestRuleError{APIError{Message: message, Param: found[0].Parameter}, found}
	}
	seen := map[string]bool{}
	for _, one := range found {
		if !seen[one.Rule] {
			seen[one.Rule] = true
			if told.onBreach != nil {
				told.onBreach(op.name, one)
			} else {
				about := []any{"parameter", one.Parameter, "rule", one.Rule}
				if allowed := one.allowed(); allowed != "" {
					about = append(about, "allowed", allowed)
				}
				slog.Warn(op.name+": "+one.Message, about...)
			}
		}
	}
	return nil
}

// breaches are the rules that the members of a body break; files are uploads. The error is for an unknown family.
func breaches(op *operation, values *object, told *settings) ([]Breach, error) {
	which := "body"
	if isJSON(op, values) {
		which = "json"
	}
	form := table().Operations[op.name][which]
	if form == nil {
		return nil, nil
	}
	body := values
	if !form.JSON {
		body = newObject()
		asParts(op, "", values, func(name string, value any) { body.set(name, form.read(name, value)) })
	}
	found := append(form.missing(body), form.misfits(body)...)
	model, _ := body.at["model"].(string)
	known, err := table().family(model, told)
	if err != nil || known == nil {
		return unique(found), err
	}
	rules := known.Operations[op.name]
	if rules == nil {
		rule, _ := form.Properties["model"]["x-rule"].(string)
		return append(found, Breach{
			Rule: rule, Parameter: "model", Message: "not offered by " + model, Allowed: table().offering(op.name),
		}), nil
	}
	for _, one := range rules.cells(form, body) {
		if !slices.ContainsFunc(found, func(other Breach) bool { return other.Parameter == one.Parameter }) {
			found = append(found, one)
		}
	}
	return unique(append(found, rules.cross(body)...)), nil
}

func unique(found []Breach) []Breach {
	var kept []Breach
	for _, one := range found {
		same := func(other Breach) bool { return other.String() == one.String() }
		if !slices.ContainsFunc(kept, same) {
			kept = append(kept, one)
		}
	}
	return kept
}

func (t *ruleTable) family(model string, told *settings) (*familyRules, error) {
	name := firstOf(told.family, told.families[model])
	for _, one := range t.order {
		if name == "" && model != "" && slices.Contains(t.Families[one].Models, model) {
			name = one
		}
	}
	return t.named(firstOf(name, told.standing))
}

// named is the family with this name, nil for "".
func (t *ruleTable) named(name string) (*familyRules, error) {
	if name == "" {
		return nil, nil
	}
	if found, known := t.Families[name]; known {
		return found, nil
	}
	return nil, fmt.Errorf("no model family %q; known: %s", name, strings.Join(t.order, ", "))
}

// offering are the models that have a call.
func (t *ruleTable) offering(call string) []any {
	var found []any
	for _, name := range t.order {
		if t.Families[name].Operations[call] != nil {
			for _, model := range t.Families[name].Models {
				found = append(found, model)
			}
		}
	}
	return found
}
