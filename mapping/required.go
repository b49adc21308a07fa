package mapping

import (
	"bytes"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxRequired bounds the texts a value is searched for before a regular
// expression is run; with more of them that would cost as much.
const maxRequired = 40

// ruledOut reports whether b lacks all of the texts of which every match holds
// one.
func (p *pattern) ruledOut(b []byte) bool {
	return len(p.required) > 0 && !slices.ContainsFunc(p.required, func(l literalText) bool { return l.mayBeIn(b) })
}

// mayBeIn reports whether b holds the text, or a letter that is none of ASCII but
// one of its letters in another case: the Kelvin sign is a k, the long s an s.
func (l *literalText) mayBeIn(b []byte) bool {
	return l.in(b) || l.fold && strings.ContainsAny(l.text, "kKsS") &&
		(bytes.Contains(b, []byte("\u212a")) || bytes.Contains(b, []byte("\u017f")))
}

// requiredIn answers texts of which every match of an expression holds one, or
// nil if none are known. Of the parts of an expression it takes the one whose
// texts are longest.
func requiredIn(re *syntax.Regexp) []literalText {
	switch re.Op {
	case syntax.OpLiteral:
		return longestRun(re)
	case syntax.OpCapture, syntax.OpPlus:
		return requiredIn(re.Sub[0])
	case syntax.OpConcat:
		var best []literalText
		for _, sub := range re.Sub {
			if found := requiredIn(sub); shortest(found) > shortest(best) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []literalText
		for _, sub := range re.Sub {
			found := requiredIn(sub)
			if found == nil || len(all)+len(found) > maxRequired {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	return nil
}

// longestRun answers the longest part of a literal that can be looked for byte by
// byte: where case does not matter, that is ASCII.
func longestRun(re *syntax.Regexp) []literalText {
	fold := re.Flags&syntax.FoldCase != 0
	runs := strings.FieldsFunc(string(re.Rune), func(r rune) bool {
		return r == utf8.RuneError || fold && r >= utf8.RuneSelf
	})
	if len(runs) == 0 {
		return nil
	}
	longest := slices.MaxFunc(runs, func(a, b string) int { return len(a) - len(b) })
	return []literalText{{longest, fold}}
}

// shortest answers the length of the shortest text; of none it is 0.
func shortest(texts []literalText) int {
	if len(texts) == 0 {
		return 0
	}
	return len(slices.MinFunc(texts, func(a, b literalText) int { return len(a.text) - len(b.text) }).text)
}
