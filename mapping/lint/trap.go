package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// traps looks for patterns that match inside of words that mean something else,
// and for platforms given to the wrong system.
func (l *linter) traps() {
	seen := make(map[*mapping.Rule]bool)
	for _, w := range l.writes {
		if len(w.rule.Match) == 0 || w.rule.Extract.Kind != "" || seen[w.rule] {
			continue
		}
		seen[w.rule] = true
		arms := compiledArms(w.rule)
		switch enum := w.field.Enum(); {
		case enum != nil && enum.Name == "Noun.Platform":
			l.platforms(arms)
		case enum != nil:
			l.enumNames(arms, enum)
		}
		l.contraries(arms)
	}
	l.contraryCalls()
}

// arm is a match arm with its alternatives compiled.
type arm struct {
	mapping.MatchArm
	any          bool // it takes every text
	alternatives []armAlternative
}

type armAlternative struct {
	alternative
	re *regexp.Regexp
}

func compiledArms(r *mapping.Rule) []arm {
	out := make([]arm, len(r.Match))
	for i, m := range r.Match {
		out[i].MatchArm = m
		re := parsed(m.Regex.Value)
		if out[i].any = !has(m.Equals) && (re == nil || matchesAll(re)); out[i].any || has(m.Equals) {
			continue
		}
		for _, a := range alternatives(m.Regex.Value)[0] {
			// What pads a pattern would hide where in a word the rest is found.
			text := a.flags + unpadded(m.Regex.Value[a.start:a.end])
			if re, err := regexp.Compile(text); err == nil {
				out[i].alternatives = append(out[i].alternatives, armAlternative{a, re})
			}
		}
	}
	return out
}

// hit is where a text matched first: the arm, and for a pattern the alternative.
type hit struct {
	arm    *arm
	alt    *armAlternative
	inside bool // a letter stands right before or behind the match
}

// first answers the hit of the first arm that takes text.
func first(arms []arm, text string) (hit, bool) {
	for i := range arms {
		a := &arms[i]
		switch {
		case has(a.Equals):
			if a.Equals.Value == text {
				return hit{arm: a}, true
			}
		case a.any:
			return hit{arm: a}, true
		default:
			if h, ok := a.match(text); ok {
				return h, true
			}
		}
	}
	return hit{}, false
}

// match answers how an arm's pattern takes text: at the bounds of a word if one
// of its alternatives does.
func (a *arm) match(text string) (h hit, ok bool) {
	for i := range a.alternatives {
		at := a.alternatives[i].re.FindStringIndex(text)
		if at == nil {
			continue
		}
		inside := insideWord(text, at[0], at[1])
		if !ok || h.inside && !inside {
			h, ok = hit{a, &a.alternatives[i], inside}, true
		}
	}
	return h, ok
}

// insideWord reports whether a letter stands right before the bytes from..to of
// text and the match begins with one.
func insideWord(text string, from, to int) bool {
	if from == to {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:from])
	begin, _ := utf8.DecodeRuneInString(text[from:])
	end, _ := utf8.DecodeLastRuneInString(text[:to])
	after, _ := utf8.DecodeRuneInString(text[to:])
	return unicode.IsLetter(before) && unicode.IsLetter(begin) || unicode.IsLetter(end) && unicode.IsLetter(after)
}

// trap gathers what a pattern takes by mistake.
type trap struct {
	hit
	texts []string
}

// trapSet holds traps by arm and alternative, in the order they were found.
type trapSet []*trap

func (s *trapSet) add(h hit, text string) {
	for _, t := range *s {
		if t.arm == h.arm && t.alt == h.alt {
			t.texts = append(t.texts, text)
			return
		}
	}
	*s = append(*s, &trap{h, []string{text}})
}

// examples answers the first few texts.
func (t *trap) examples() string {
	return strings.Join(t.texts[:min(len(t.texts), maxExamples)], ", ")
}

// maxExamples is how many texts a finding names.
const maxExamples = 3

func (l *linter) reportTraps(set trapSet, or string) {
	for _, t := range set {
		re := t.arm.Regex
		word := re.Value[t.alt.start:t.alt.end]
		f := l.reportText(idSubstringTrap, re, t.alt.start, t.alt.end, "%q also matches inside %s, and gives it %s",
			word, t.examples(), t.arm.Value.Value)
		f.Hint = fmt.Sprintf(`match at the bounds of words, as in \b%s%s`, word, or)
	}
}

const orEarlier = `\b, or put the longer word in an earlier arm`

// platforms runs the names of well-known systems through the arms.
func (l *linter) platforms(arms []arm) {
	var inside, wrong trapSet
	right := make(map[string]bool)
	for _, s := range knownSystems() {
		for _, name := range []string{s.name, strings.ToLower(s.name), strings.ToUpper(s.name)} {
			h, ok := first(arms, name)
			if !ok {
				continue
			}
			got := h.arm.Value.Value
			switch {
			case slices.Contains(s.platforms, got):
				right[got] = true
			case h.alt != nil && h.inside:
				inside.add(h, s.described(name))
			case h.alt != nil && len(s.platforms) > 0:
				wrong.add(h, s.described(name))
			}
			break
		}
	}
	// An arm with the wrong platform has no other trouble worth a word.
	inside = slices.DeleteFunc(inside, func(t *trap) bool {
		return slices.ContainsFunc(wrong, func(w *trap) bool { return w.arm == t.arm })
	})
	l.reportTraps(inside, "")
	for _, t := range wrong {
		f := l.reportWhole(idPlatform, t.arm.Value, "the arm gives %s to %s", t.arm.Value.Value, t.examples())
		f.Hint = "the value belongs to another arm, or the pattern does"
	}
	if len(wrong) == 0 {
		l.unknownSystems(arms, right)
	}
}

// described answers a name of the system with what it is.
func (s system) described(name string) string {
	if len(s.platforms) == 0 {
		return fmt.Sprintf("%q (none of the platforms)", name)
	}
	return fmt.Sprintf("%q (%s)", name, s.platforms[0])
}

// unknownSystems reports a platform whose patterns are words and know none of its
// well-known systems.
func (l *linter) unknownSystems(arms []arm, right map[string]bool) {
	for _, a := range arms {
		value := a.Value.Value
		if right[value] || !slices.Contains([]string{"WINDOWS", "LINUX", "MAC", "ANDROID"}, value) {
			continue
		}
		texts, ok := literalsOf(a.Regex.Value)
		ok = ok && !slices.ContainsFunc(texts, func(t literal) bool { return strings.ContainsFunc(t.text, unicode.IsDigit) })
		if ok && has(a.Regex) {
			l.reportWhole(idPlatform, a.Regex, "%q matches no well-known name of %s", a.Regex.Value, value).Hint = "is it misspelled, or hidden behind an earlier arm?"
		}
	}
}

// enumNames runs the names of an enum's values through the arms: where a name
// means one value and a pattern inside of it gives another, texts go wrong.
func (l *linter) enumNames(arms []arm, enum *udm.Enum) {
	var set trapSet
	for _, v := range enum.Values {
		for _, text := range []string{strings.ToLower(v.Name), v.Name} {
			h, ok := first(arms, text)
			if ok && h.alt != nil && h.inside && h.arm.Value.Value != v.Name {
				set.add(h, fmt.Sprintf("%q (%s)", text, v.Name))
				break
			}
		}
	}
	l.reportTraps(set, orEarlier)
}

// contraries runs words and their contraries through the arms.
func (l *linter) contraries(arms []arm) {
	var set trapSet
	for _, o := range opposites() {
		for _, f := range []func(string) string{strings.ToLower, strings.ToUpper, capital} {
			word, ok := first(arms, f(o.word))
			other, ok2 := first(arms, f(o.contrary))
			if ok && ok2 && word.alt != nil && word == (hit{other.arm, other.alt, false}) && other.inside && namesNone(arms, o.contrary) {
				set.add(other, fmt.Sprintf("%q", f(o.contrary)))
				break
			}
		}
	}
	l.reportTraps(set, orEarlier)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// namesNone reports whether no pattern spells out the word: who names it knows
// of it.
func namesNone(arms []arm, word string) bool {
	return !slices.ContainsFunc(arms, func(a arm) bool {
		return strings.Contains(strings.ToLower(a.Regex.Value), word)
	})
}

// contraryCalls looks for the same trap in conditions: a text that is looked for
// anywhere, and its contrary that has it inside.
func (l *linter) contraryCalls() {
	var all strings.Builder
	for _, t := range l.allConditions() {
		all.WriteString(strings.ToLower(t.Value))
	}
	l.eachCall(func(c call) {
		re, ok := looksFor(c)
		if !ok {
			return
		}
		for _, o := range opposites() {
			at := re.FindStringIndex(o.contrary)
			if at == nil || re.FindString(o.word) != o.word || !insideWord(o.contrary, at[0], at[1]) ||
				strings.Contains(all.String(), o.contrary) {
				continue
			}
			l.report(idSubstringTrap, c.text.At(c.at), "%q is also in %q", c.argument, o.contrary).Hint =
				`match the whole word, as in matches("\\b` + o.word + `\\b")`
			return
		}
	})
}

// looksFor answers a call that looks for a fixed text anywhere, as a pattern that
// ignores case.
func looksFor(c call) (*regexp.Regexp, bool) {
	text := c.argument
	switch c.function {
	case "contains":
	case "matches":
		l, ok := literalOf(c.argument)
		if !ok {
			return nil, false
		}
		text = l.text
	default:
		return nil, false
	}
	re, err := regexp.Compile("(?i)" + regexp.QuoteMeta(text))
	return re, err == nil && text != ""
}
