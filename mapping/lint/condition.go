package lint

import (
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// conditions looks at what conditions ask, and whether anything asks them.
func (l *linter) conditions() {
	l.unusedConditions()
	l.unwritten()
	for _, t := range l.allConditions() {
		if has(t) {
			l.constantCondition(t)
		}
	}
}

// unusedConditions reports named conditions that nothing names.
func (l *linter) unusedConditions() {
	used := make(map[string]bool)
	for _, t := range l.allConditions() {
		if !has(t) {
			continue
		}
		l.exprs.parse(t).visit(func(e *expr) bool {
			used[e.name] = true
			for _, r := range e.reads {
				used[r.root] = true
			}
			return e.name == ""
		})
	}
	for _, c := range l.rules.Conditions {
		if !used[c.Key.Value] {
			f := l.reportWhole(idUnusedCondition, c.Key, "nothing uses the condition %q", c.Key.Value)
			f.Hint = "remove it, or name it in a when"
			f.Fix = l.cutLines(c.Key.Pos, c.Value)
		}
	}
}

// unwritten reports fields that conditions ask for and no rule writes.
func (l *linter) unwritten() {
	for _, r := range l.reads {
		path := r.path()
		if r.root != "udm" || l.writable(path) {
			continue
		}
		if p, err := udm.Lookup(path); err != nil || l.writable(p.String()) {
			continue
		}
		f := l.reportText(idUnwritten, r.text, r.at, r.at, "no rule writes %s, so the event never has it", path)
		f.Hint = "write it, or ask for a field that is written"
		if near := udm.Nearest(path, l.writtenPaths()); len(near) > 0 {
			f.Hint = "did you mean udm." + near[0] + "?"
		}
	}
}

// writable reports whether some rule may write the field at path, something in
// it, or all of what it is in.
func (l *linter) writable(path string) bool {
	return within(eventTypePath, path) || slices.ContainsFunc(l.writes, func(w *write) bool {
		return w.covers(path) || within(path, w.path)
	})
}

func (l *linter) writtenPaths() []string {
	var out []string
	for _, w := range l.writes {
		if !slices.Contains(out, w.path) {
			out = append(out, w.path)
		}
	}
	return out
}

const eventTypePath = "metadata.event_type"

// constantCondition reports a condition that is decided before any record comes.
// One that is so because of a named condition in it is left to that condition.
func (l *linter) constantCondition(t mapping.Text) {
	e := l.exprs.parse(t)
	leaf := func(x *expr) truth { return l.leafTruth(x) }
	verdict := decide(e, leaf)
	if verdict == unknown || e.name != "" || l.blamesNamed(e, leaf) {
		return
	}
	word := "true"
	if verdict == never {
		word = "false"
	}
	f := l.reportWhole(idConstant, t, "the condition is always %s", word)
	f.Hint = l.constantHint(e, verdict)
}

func (l *linter) blamesNamed(e *expr, leaf func(*expr) truth) bool {
	found := false
	e.visit(func(x *expr) bool {
		found = found || x.name != "" && decide(x, leaf) != unknown
		return x.name == ""
	})
	return found
}

func (l *linter) constantHint(e *expr, verdict truth) string {
	hint := "remove what it guards, or ask something else"
	if verdict == always {
		hint = "leave it out, or ask something else"
	}
	e.visit(func(x *expr) bool {
		if x.value != nil && isEventType(x.value.operand) && !slices.Contains(l.types(), x.value.value) {
			hint = "event_type gives only: " + strings.Join(l.types(), ", ")
		}
		return true
	})
	return hint
}

// leafTruth answers what is known of a leaf: the event's type is one of those
// that event_type gives, and constants are always there.
func (l *linter) leafTruth(e *expr) truth {
	if e.value != nil && isEventType(e.value.operand) {
		types := l.types()
		switch {
		case !slices.Contains(types, e.value.value):
			return never
		case len(types) == 1:
			return always
		}
		return unknown
	}
	if r, ok := e.presence(); ok && r.root == "udm" {
		// Without its time there is no event.
		fixed := []string{eventTypePath, "metadata.event_timestamp"}
		if slices.ContainsFunc(fixed, func(p string) bool { return within(p, r.path()) }) ||
			slices.ContainsFunc(l.writes, func(w *write) bool { return w.constant() && w.covers(r.path()) }) {
			return always
		}
	}
	return unknown
}

func isEventType(operand string) bool {
	return operand == "event_type" || operand == "udm."+eventTypePath
}

// types answers the event types that the rules can give, in their order.
func (l *linter) types() []string {
	var out []string
	for _, a := range l.rules.EventType {
		if !slices.Contains(out, a.Is.Value) {
			out = append(out, a.Is.Value)
		}
	}
	return out
}
