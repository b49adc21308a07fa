package lint

import (
	"github.com/asa2udm/asa2udm/mapping"
)

// matchArms looks for match arms that are never reached, beyond those that do
// not compile.
func (l *linter) matchArms() {
	for _, r := range l.allRules() {
		var texts []literal
		for i, a := range r.Match {
			if by, ok := catchAll(r.Match[:i]); ok {
				l.dead(a, by)
			} else if has(a.Regex) && allHold(a.Regex.Value, texts) {
				l.dead(a, -1)
			}
			if more, ok := literalsOf(a.Regex.Value); ok && has(a.Regex) {
				texts = append(texts, more...)
			}
		}
	}
}

// catchAll answers the line of an arm whose pattern matches everything.
func catchAll(arms []mapping.MatchArm) (line int, ok bool) {
	for _, a := range arms {
		if re := parsed(a.Regex.Value); has(a.Regex) && re != nil && matchesAll(re) {
			return a.Pos.Line, true
		}
	}
	return 0, false
}

// allHold reports whether every match of a pattern has one of the texts in it.
func allHold(pattern string, texts []literal) bool {
	for _, a := range alternatives(pattern)[0] {
		if re := parsed(a.text(pattern)); re == nil || !alwaysHolds(re, texts) {
			return false
		}
	}
	return true
}

func (l *linter) dead(a mapping.MatchArm, line int) {
	what := "the arms before it match"
	f := l.report(idUnreachable, a.Pos, "the match arm is never reached: %s whatever it matches", what)
	if line > 0 {
		f.Msg = "the match arm is never reached: an arm before it matches every text"
	}
	f.Hint = "first match wins; move it up, or remove it"
}
