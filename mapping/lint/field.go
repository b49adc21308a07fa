package lint

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// fields looks at the fields that rules write.
func (l *linter) fields() {
	for _, w := range l.writes {
		l.deprecated(w)
		l.forbidden(w)
		l.unextracted(w)
	}
	types, err := udm.Lookup(eventTypePath)
	if err != nil {
		return
	}
	for _, a := range l.rules.EventType {
		l.deprecatedValue(a.Is, types.Leaf().Enum())
	}
}

// deprecated reports a field that the schema has given up.
func (l *linter) deprecated(w *write) {
	for _, value := range fixedTexts(w.rule) {
		l.deprecatedValue(value, w.field.Enum())
	}
	message := udm.Event()
	if before, ok := strings.CutSuffix(w.path, w.chain.String()); ok && before != "" {
		if p, err := udm.Lookup(strings.TrimSuffix(before, ".")); err == nil {
			message = p.Leaf().Message()
		}
	}
	for i, s := range w.chain {
		if s.Field.Deprecated {
			f := l.reportWhole(idDeprecated, w.to, "%s is deprecated in UDM", w.to.Value)
			f.Hint = replacementHint(message, w.chain, i)
			return
		}
		message = s.Field.Message()
		if message == nil {
			return
		}
	}
}

// replacementHint names what to write in place of the i-th field of a path.
func replacementHint(message *udm.Message, chain udm.Path, i int) string {
	var names []string
	for _, r := range replacements(message.Name, chain[i].Field.Name) {
		base := chain[:i]
		if rest, up := strings.CutPrefix(r, "../"); up && i > 0 {
			base, r = chain[:i-1], rest
		}
		if len(base) > 0 {
			r = base.String() + "." + r
		}
		names = append(names, r)
	}
	if names == nil {
		return "the schema names nothing in its place; leave it out if nobody reads it"
	}
	return "write " + strings.Join(names, " or ")
}

func (l *linter) deprecatedValue(value mapping.Text, enum *udm.Enum) {
	if enum == nil {
		return
	}
	if v := enum.Value(value.Value); v != nil && v.Deprecated {
		l.reportWhole(idDeprecated, value, "%s is a deprecated value of %s", value.Value, enum.Name).Hint = "choose another value"
	}
}

// fixedTexts answers the values that a rule gives by itself.
func fixedTexts(r *mapping.Rule) []mapping.Text {
	var out []mapping.Text
	if has(r.Value) {
		out = append(out, r.Value)
	}
	for _, a := range r.Match {
		out = append(out, a.Value)
	}
	return out
}

// forbidden reports a field that events should not have.
func (l *linter) forbidden(w *write) {
	for _, r := range udm.Requirements("") {
		if r.Kind == udm.Forbidden && r.Checked() && slices.ContainsFunc(r.Paths, w.covers) {
			l.reportWhole(idForbidden, w.to, "events should not have %s", r.Paths[0]).Hint = "write another field"
		}
	}
}

// unextracted reports a field for addresses that takes any text.
func (l *linter) unextracted(w *write) {
	r := w.rule
	if w.field.Format != udm.IP || has(r.Value) || r.Extract.Kind != "" || len(r.Match) > 0 || has(r.Format) {
		return
	}
	l.reportWhole(idUnextractedIP, w.to, "%s takes the text as it stands, be it an address or not", w.to.Value).Hint =
		"extract: ip takes the address alone, without port, brackets or zone"
}

// fixedValues holds the values that rules give by themselves against the limits
// of their fields.
func (l *linter) fixedValues() {
	for _, w := range l.writes {
		if w.field.Kind != udm.String || has(w.rule.Label) {
			l.numbers(w)
			continue
		}
		if has(w.rule.Format) {
			// The shortest text the rule can give.
			l.fixedValue(w, w.rule.Format, strings.Replace(w.rule.Format.Value, "{value}", "x", 1))
			continue
		}
		for _, t := range fixedTexts(w.rule) {
			l.fixedValue(w, t, t.Value)
		}
	}
}

func (l *linter) fixedValue(w *write, t mapping.Text, value string) {
	text, err := json.Marshal(value)
	if err == nil {
		l.validate(w, t, text)
	}
}

// numbers checks fixed numbers.
func (l *linter) numbers(w *write) {
	if w.field.Limit == nil || !w.field.Limit.Range {
		return
	}
	for _, t := range fixedTexts(w.rule) {
		l.validate(w, t, []byte(t.Value))
	}
}

// validate reports what udm.Validate says of an event with the value alone.
func (l *linter) validate(w *write, t mapping.Text, value []byte) {
	p, err := udm.Lookup(w.path)
	if err != nil {
		return
	}
	for _, v := range udm.Validate(eventWith(p, value)) {
		if v.Code == "limit" || v.Code == "format" {
			l.reportWhole(idOverLimit, t, "%s: %s", w.path, v.Message).Hint = "events with it earn the same warning from asa2udm validate"
		}
	}
}

// eventWith builds an event that has one field.
func eventWith(p udm.Path, value []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].Field.Repeated {
			value = slices.Concat([]byte("["), value, []byte("]"))
		}
		value = slices.Concat([]byte(`{"`+p[i].Field.Name+`":`), value, []byte("}"))
	}
	return value
}

// product reports events that do not say what wrote the log.
func (l *linter) product() {
	for _, path := range []string{"metadata.vendor_name", "metadata.product_name"} {
		if !l.writable(path) {
			l.reportWhole(idMissingProduct, l.rules.LogType, "no rule writes %s", path).Hint = "add it to constants"
		}
	}
}
