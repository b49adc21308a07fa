package mapping

import (
	"fmt"
	"regexp"
	"strings"
)

// unreachable answers why a match arm can never be the first to match, or "".
// It finds what is certain: an arm behind one that matches everything, the same
// arm twice, a text that an earlier pattern matches, and a pattern whose every
// match holds the literal text an earlier pattern looks for.
func unreachable(before []MatchArm, a MatchArm) string {
	for _, b := range before {
		if shadows(b, a) {
			return fmt.Sprintf("the arm in line %d matches whatever it matches", b.Pos.Line)
		}
	}
	return ""
}

func shadows(b, a MatchArm) bool {
	switch {
	case !b.Regex.given() && !b.Equals.given():
		return true
	case b.Equals.given():
		return a.Equals.given() && a.Equals.Value == b.Equals.Value
	case a.Equals.given():
		re, err := regexp.Compile(b.Regex.Value)
		return err == nil && re.MatchString(a.Equals.Value)
	case !a.Regex.given():
		return false
	case a.Regex.Value == b.Regex.Value:
		return true
	}
	earlier, ok := alternatives(b.Regex.Value)
	later, ok2 := alternatives(a.Regex.Value)
	if !ok || !ok2 {
		return false
	}
	for _, l := range later {
		if !heldBySome(l, earlier) {
			return false
		}
	}
	return true
}

func heldBySome(l literalText, earlier []literalText) bool {
	for _, e := range earlier {
		switch {
		case e.fold && strings.Contains(strings.ToLower(l.text), strings.ToLower(e.text)):
			return true
		case !e.fold && !l.fold && strings.Contains(l.text, e.text):
			return true
		}
	}
	return false
}

// alternatives answers the literals a pattern looks for, if it is nothing but
// literals side by side.
func alternatives(expr string) ([]literalText, bool) {
	p, err := newPattern(expr)
	if err != nil {
		return nil, false
	}
	return p.literals, p.literals != nil
}
