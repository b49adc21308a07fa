package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// labels looks at the keys of labels.
func (l *linter) labels() {
	for i, w := range l.writes {
		if has(w.rule.Label) {
			l.duplicateLabel(w, l.writes[:i])
		}
	}
	l.labelStyles()
}

// duplicateLabel reports a key that an earlier rule writes to the same field of
// the same element, if both may be there at once.
func (l *linter) duplicateLabel(w *write, before []*write) {
	for _, o := range before {
		if o.rule == w.rule || o.path != w.path || o.element != w.element || o.rule.Label.Value != w.rule.Label.Value {
			continue
		}
		if !w.field.Repeated || apart(o.guards, w.guards) || nested(o.sources, w.sources) ||
			bars(o.guards, w.sources) || bars(w.guards, o.sources) {
			continue
		}
		here, there := w.rule.Label, o.rule.Label
		if here.Pos.File == there.Pos.File && here.Pos.Line < there.Pos.Line {
			here, there = there, here
		}
		f := l.reportWhole(idDuplicateLabel, here, "the label %q of %s is also written at %s, and an event may have both",
			here.Value, w.path, there.Pos)
		f.Hint = "write one rule with from: [a, b], or give the labels keys of their own"
		return
	}
}

// apart reports whether two rules may well exclude each other: they certainly do,
// or each has a condition of its own and nothing says that both can hold.
func apart(x, y []*expr) bool {
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	a, b := &expr{op: opAnd, sub: x}, &expr{op: opAnd, sub: y}
	return !implies(a, b) && !implies(b, a)
}

// nested reports whether each source of one rule is below each of the other's: a
// place in a record is a text or has fields, never both.
func nested(x, y []string) bool {
	for _, a := range x {
		for _, b := range y {
			if a == b || !within(a, b) && !within(b, a) {
				return false
			}
		}
	}
	return len(x) > 0 && len(y) > 0
}

// bars reports whether the conditions of one rule only hold where the record has
// none of the other's sources.
func bars(guards []*expr, sources []string) bool {
	if len(guards) == 0 || len(sources) == 0 {
		return false
	}
	guard := &expr{op: opAnd, sub: guards}
	for _, s := range sources {
		there := &expr{op: opAnd}
		for path := s; path != ""; path = path[:max(strings.LastIndexByte(path, '.'), 0)] {
			there.sub = append(there.sub, &expr{text: "has(log." + path + ")"})
		}
		if !exclusive(guard, there) {
			return false
		}
	}
	return true
}

// labelStyle is a way to spell keys.
type labelStyle struct {
	name    string
	pattern *regexp.Regexp
}

func labelKeyStyles() []labelStyle {
	return []labelStyle{
		{"snake_case", regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)+$`)},
		{"camelCase", regexp.MustCompile(`^[a-z0-9]+([A-Z][a-z0-9]*)+$`)},
		{"kebab-case", regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)},
		{"words with spaces", regexp.MustCompile(`^\S+( \S+)+$`)},
		{"Capitals", regexp.MustCompile(`^[A-Z]`)},
	}
}

// What most keys do is a style once there are so many of them and so few others.
const (
	minStyled   = 5
	maxStrayNth = 5
)

// labelStyles reports the few keys that are not spelled as most are. A single
// lower-case word is at home in every style.
func (l *linter) labelStyles() {
	byStyle := make(map[string][]mapping.Text)
	total := 0
	var seen []mapping.Pos
	for _, w := range l.writes {
		label := w.rule.Label
		style := styleOf(label.Value)
		if !has(label) || style == "" || slices.Contains(seen, label.Pos) {
			continue
		}
		seen = append(seen, label.Pos)
		byStyle[style] = append(byStyle[style], label)
		total++
	}
	for _, s := range labelKeyStyles() {
		most := byStyle[s.name]
		if len(most) < minStyled || (total-len(most))*maxStrayNth > total {
			continue
		}
		for style, strays := range byStyle {
			for _, t := range strays {
				if style != s.name {
					l.reportWhole(idLabelStyle, t, "the key %q is not spelled like most others here (%s)", t.Value, s.name).Hint =
						"one style makes keys easier to guess in a search"
				}
			}
		}
	}
}

func styleOf(label string) string {
	label = strings.TrimRight(strings.ReplaceAll(label, "{index}", ""), " _-.")
	for _, s := range labelKeyStyles() {
		if s.pattern.MatchString(label) {
			return s.name
		}
	}
	return ""
}
