package lint

import (
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// eventTypes looks at the types that events get, and at what Google SecOps wants
// of such events.
func (l *linter) eventTypes() {
	seen := make(map[string]bool)
	var before []*expr
	for _, a := range l.rules.EventType {
		e := &expr{op: opTrue}
		if has(a.When) {
			e = l.exprs.parse(a.When)
		}
		if l.unreachableType(a, e, before) {
			continue
		}
		before = append(before, e)
		if a.Is.Value == "USER_LOGIN" {
			l.login(a, e)
		}
		for _, r := range udm.Requirements(a.Is.Value) {
			if r.EventType != "*" {
				l.requirement(a, e, &r, !seen[a.Is.Value])
			}
		}
		seen[a.Is.Value] = true
	}
}

// unreachableType reports an arm whose condition implies that of an earlier one.
func (l *linter) unreachableType(a mapping.EventTypeArm, e *expr, before []*expr) bool {
	if e.op == opTrue || !implies(e, &expr{op: opOr, sub: before}) {
		return false
	}
	f := l.report(idUnreachable, a.Pos, "the arm for %s is never reached: whenever its condition holds, that of an earlier arm does", a.Is.Value)
	f.Hint = "the first arm whose condition holds wins; move it up, or remove it"
	return true
}

// login reports ways to USER_LOGIN on which nothing asks what the record says
// happened.
func (l *linter) login(a mapping.EventTypeArm, e *expr) {
	way, ok := ensures(e, l.asksWhatHappened)
	if ok {
		return
	}
	const msg = "every event with %s becomes a USER_LOGIN, whatever happened"
	const hint = `ask the record as well, as in log.type.matches("(?i)login")`
	if !has(a.When) {
		l.reportWhole(idLogin, a.Is, "every other event becomes a USER_LOGIN, whatever happened").Hint = hint
		return
	}
	l.report(idLogin, way[len(way)-1].pos, msg, joined(way, " && ")).Hint = hint
}

// asksWhatHappened reports whether a leaf looks at a value of the record, or of
// the event, and not only whether there is one.
func (l *linter) asksWhatHappened(e *expr) bool {
	if e.value != nil && e.value.value == "" {
		return false
	}
	return slices.ContainsFunc(e.reads, func(r read) bool {
		if r.root == "event_type" {
			return false
		}
		return !r.present || r.root != "udm" && speaksOfLogin(r.path())
	})
}

// speaksOfLogin reports whether a path by its name is only there at a login.
func speaksOfLogin(path string) bool {
	path = strings.ToLower(path)
	return slices.ContainsFunc([]string{"login", "logon", "auth", "signin", "sign_in"},
		func(word string) bool { return strings.Contains(path, word) })
}

// requirement checks one rule about the events of an arm's type. What no rule can
// fill is reported once for each type.
func (l *linter) requirement(a mapping.EventTypeArm, e *expr, r *udm.Requirement, once bool) {
	if r.Severity != udm.Error || !r.Checked() {
		return
	}
	switch r.Kind {
	case udm.NotUsable:
		if once {
			l.reportWhole(idUnusableType, a.Is, "a parser may not give an event the type %s", a.Is.Value).Hint = "GENERIC_EVENT is right for anything"
		}
	case udm.Required, udm.OneOf:
		paths := make([]string, len(r.Paths))
		for i, p := range r.Paths {
			paths[i], _, _ = strings.Cut(p, "=")
		}
		switch {
		case l.fillers(paths, a.Is.Value) == nil:
			if once {
				f := l.reportWhole(idRequired, a.Is, "no rule can write %s, which %s requires", alternativesOf(paths), a.Is.Value)
				f.Hint = "write " + paths[0] + ", or give the event another type"
			}
		default:
			l.unguarded(a, e, paths)
		}
	}
}

func alternativesOf(paths []string) string {
	if len(paths) == 1 {
		return paths[0]
	}
	return strings.Join(paths[:len(paths)-1], ", ") + " or " + paths[len(paths)-1]
}

// fillers answers the writes that may fill one of the paths in an event of the
// type.
func (l *linter) fillers(paths []string, eventType string) []*write {
	var out []*write
	for _, w := range l.writes {
		if slices.ContainsFunc(paths, w.covers) && l.guards(w, eventType) != never {
			out = append(out, w)
		}
	}
	return out
}

// guards answers what is known of all conditions of a write in an event of the
// type.
func (l *linter) guards(w *write, eventType string) truth {
	return decide(&expr{op: opAnd, sub: w.guards}, func(e *expr) truth {
		if e.value != nil && isEventType(e.value.operand) {
			if e.value.value == eventType {
				return always
			}
			return never
		}
		return l.leafTruth(e)
	})
}

// unguarded reports an arm that lets events have its type without what the type
// requires.
func (l *linter) unguarded(a mapping.EventTypeArm, e *expr, paths []string) {
	fillers := l.fillers(paths, a.Is.Value)
	if slices.ContainsFunc(fillers, func(w *write) bool { return has(w.rule.Value) && l.guards(w, a.Is.Value) == always }) {
		return
	}
	way, ok := ensures(e, func(x *expr) bool { return asksFor(x, paths, fillers) })
	if ok {
		return
	}
	const hint = "Google SecOps refuses such events: ask for it in the condition, as in has(udm.%s)"
	if !has(a.When) {
		f := l.reportWhole(idUnguarded, a.Is, "an event can be %s without %s", a.Is.Value, alternativesOf(paths))
		f.Hint = strings.Replace(hint, "%s", paths[0], 1)
		return
	}
	f := l.report(idUnguarded, way[len(way)-1].pos, "an event can be %s without %s: %s is enough", a.Is.Value, alternativesOf(paths), joined(way, " && "))
	f.Hint = strings.Replace(hint, "%s", paths[0], 1)
}

// asksFor reports whether a leaf can only be true of an event that has one of the
// paths, as far as can be told: it reads the field, or the place in the record
// the field is filled from.
func asksFor(e *expr, paths []string, fillers []*write) bool {
	if e.value != nil && e.value.value == "" {
		return false
	}
	return slices.ContainsFunc(e.reads, func(r read) bool {
		switch r.root {
		case "udm":
			return slices.ContainsFunc(paths, func(p string) bool { return within(r.path(), p) })
		case "log":
			return slices.ContainsFunc(fillers, func(w *write) bool { return slices.Contains(w.sources, r.path()) })
		}
		return false
	})
}
