package mapping

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// pattern is a compiled regular expression with what is known of its matches, so
// that most values need no regular expression at all.
type pattern struct {
	re *regexp.Regexp
	// literals are the texts the pattern looks for, if it is nothing but texts
	// side by side, such as (?i)Mac|ios.
	literals []literalText
	// required are texts of which every match holds one, if any are known.
	required []literalText
}

// literalText is a text a pattern looks for anywhere in a value.
type literalText struct {
	text string
	fold bool // case does not matter
}

// newPattern compiles an RE2 expression.
func newPattern(expr string) (*pattern, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	p := &pattern{re: re}
	if tree, err := syntax.Parse(expr, syntax.Perl); err == nil {
		tree = tree.Simplify()
		if literals, ok := literalsOf(tree); ok && foldable(literals) {
			p.literals = literals
		}
		p.required = requiredIn(tree)
	}
	return p, nil
}

// foldable reports whether looking for the literals byte by byte is the same as
// running the expression, on values that are ASCII.
func foldable(literals []literalText) bool {
	for _, l := range literals {
		if l.text == "" || l.fold && !isASCII([]byte(l.text)) {
			return false
		}
	}
	return true
}

// match reports whether the pattern matches anywhere in b. plain asks for the
// regular expression itself.
func (p *pattern) match(b []byte, plain bool) bool {
	switch {
	case plain:
		return p.re.Match(b)
	case p.literals != nil && isASCII(b):
		for i := range p.literals {
			if p.literals[i].in(b) {
				return true
			}
		}
		return false
	}
	return !p.ruledOut(b) && p.re.Match(b)
}

// in reports whether b holds the text. Where case does not matter, it looks for
// letters of ASCII only.
func (l *literalText) in(b []byte) bool {
	if !l.fold {
		return bytes.Contains(b, []byte(l.text))
	}
	for i := 0; i+len(l.text) <= len(b); i++ {
		if lower(b[i]) == lower(l.text[0]) && equalFold(b[i:i+len(l.text)], l.text) {
			return true
		}
	}
	return false
}

func equalFold(b []byte, text string) bool {
	for i, c := range b {
		if lower(c) != lower(text[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// literalsOf answers the literals an expression looks for, if it is nothing but
// literals side by side.
func literalsOf(re *syntax.Regexp) ([]literalText, bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return []literalText{{string(re.Rune), re.Flags&syntax.FoldCase != 0}}, true
	case syntax.OpCapture:
		return literalsOf(re.Sub[0])
	case syntax.OpConcat:
		// The parser takes the common beginning out of an alternation and leaves
		// the empty match behind: (?i)Win|win becomes (?i:WIN)(?:).
		if len(re.Sub) == 2 && re.Sub[1].Op == syntax.OpEmptyMatch {
			return literalsOf(re.Sub[0])
		}
	case syntax.OpAlternate:
		var out []literalText
		for _, sub := range re.Sub {
			l, ok := literalsOf(sub)
			if !ok {
				return nil, false
			}
			out = append(out, l...)
		}
		return out, true
	}
	return nil, false
}
