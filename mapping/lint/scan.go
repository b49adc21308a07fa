package lint

import (
	"regexp/syntax"
	"strings"
)

// alternative is one of the alternatives of a pattern, or of a group in it.
type alternative struct {
	start, end int
	flags      string // the groups such as (?i) that hold for it
	group      bool   // it holds a group that captures, or a flag for what follows
}

// text answers the alternative as a pattern of its own.
func (a alternative) text(pattern string) string { return a.flags + pattern[a.start:a.end] }

// alternatives takes a pattern apart at its bars: first the alternatives of the
// whole, then, list by list, those of the groups in it. A pattern is taken to
// compile.
func alternatives(pattern string) [][]alternative {
	s := patternScanner{pattern: pattern, out: [][]alternative{nil}}
	s.level(0, "")
	return s.out
}

type patternScanner struct {
	pattern string
	at      int
	out     [][]alternative
}

// level scans until the parenthesis that closes the group, or the end.
func (s *patternScanner) level(list int, flags string) {
	cur := alternative{start: s.at, flags: flags}
	for s.at < len(s.pattern) {
		switch s.pattern[s.at] {
		case '|', ')':
			cur.end = s.at
			s.out[list] = append(s.out[list], cur)
			if s.pattern[s.at] == ')' {
				return
			}
			s.at++
			cur = alternative{start: s.at, flags: flags}
		case '(':
			if set, ok := s.flagGroup(); ok {
				// In front of an alternative it counts as a part of what holds for it.
				if cur.start == s.at {
					cur.start += len(set)
					cur.flags += set
				} else {
					cur.group = true
				}
				cur.group = cur.group || len(s.out[list]) > 0
				flags += set
				s.at += len(set)
				continue
			}
			cur.group = cur.group || !strings.HasPrefix(s.pattern[s.at:], "(?:")
			s.group(flags)
		case '[':
			s.class()
		case '\\':
			s.escape()
		default:
			s.at++
		}
	}
	cur.end = s.at
	s.out[list] = append(s.out[list], cur)
}

// flagGroup answers the group at the place, if it sets flags for what follows,
// such as (?i).
func (s *patternScanner) flagGroup() (string, bool) {
	rest := s.pattern[s.at:]
	end := strings.IndexByte(rest, ')')
	if !strings.HasPrefix(rest, "(?") || end < 0 || strings.Trim(rest[2:end], "imsU-") != "" {
		return "", false
	}
	return rest[:end+1], true
}

// group scans a group with what is in it.
func (s *patternScanner) group(flags string) {
	s.at++
	if strings.HasPrefix(s.pattern[s.at:], "?") {
		rest := s.pattern[s.at:]
		end := strings.IndexAny(rest, ":>")
		if set := rest[1:max(end, 1)]; end > 0 && rest[end] == ':' && strings.Trim(set, "imsU-") == "" && set != "" {
			flags += "(?" + set + ")"
		}
		s.at += end + 1
	}
	s.out = append(s.out, nil)
	s.level(len(s.out)-1, flags)
	s.at = min(s.at+1, len(s.pattern))
}

// class scans a character class.
func (s *patternScanner) class() {
	s.at++
	if strings.HasPrefix(s.pattern[s.at:], "^") {
		s.at++
	}
	for first := true; s.at < len(s.pattern); first = false {
		rest := s.pattern[s.at:]
		switch {
		case rest[0] == ']' && !first:
			s.at++
			return
		case strings.HasPrefix(rest, "[:") && strings.Contains(rest, ":]"):
			s.at += strings.Index(rest, ":]") + 2
		case rest[0] == '\\':
			s.at += min(2, len(rest))
		default:
			s.at++
		}
	}
}

// escape scans a backslash with what it stands for.
func (s *patternScanner) escape() {
	rest := s.pattern[s.at:]
	if !strings.HasPrefix(rest, `\Q`) {
		s.at += min(2, len(rest))
		return
	}
	end := strings.Index(rest, `\E`)
	if end < 0 {
		s.at = len(s.pattern)
		return
	}
	s.at += end + 2
}

// parsed reads a pattern that is known to compile; it answers nil if it is not.
func parsed(pattern string) *syntax.Regexp {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	return re
}

// literal is a text that a pattern looks for anywhere in a value.
type literal struct {
	text string
	fold bool // case does not matter
}

// literalOf answers the text that a pattern without bars looks for, if it looks
// for nothing else.
func literalOf(pattern string) (literal, bool) {
	re := parsed(pattern)
	for re != nil && re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re == nil || re.Op != syntax.OpLiteral {
		return literal{}, false
	}
	return literal{string(re.Rune), re.Flags&syntax.FoldCase != 0}, true
}

// literalsOf answers the texts that a pattern looks for, if it is nothing but
// texts side by side, such as (?i)Mac|ios.
func literalsOf(pattern string) ([]literal, bool) {
	var out []literal
	for _, a := range alternatives(pattern)[0] {
		l, ok := literalOf(a.text(pattern))
		if !ok {
			return nil, false
		}
		out = append(out, l)
	}
	return out, true
}

// holds reports whether every text that has l in it has m in it, too.
func (l literal) holds(m literal) bool {
	if m.fold {
		return strings.Contains(strings.ToLower(l.text), strings.ToLower(m.text))
	}
	return !l.fold && strings.Contains(l.text, m.text)
}

// alwaysHolds reports whether every match of re has one of the texts in it.
func alwaysHolds(re *syntax.Regexp, texts []literal) bool {
	switch re.Op {
	case syntax.OpLiteral:
		l := literal{string(re.Rune), re.Flags&syntax.FoldCase != 0}
		for _, m := range texts {
			if l.holds(m) {
				return true
			}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return alwaysHolds(re.Sub[0], texts)
	case syntax.OpRepeat:
		return re.Min > 0 && alwaysHolds(re.Sub[0], texts)
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if alwaysHolds(s, texts) {
				return true
			}
		}
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			if !alwaysHolds(s, texts) {
				return false
			}
		}
		return true
	}
	return false
}

// matchesAll reports whether a pattern certainly matches every text, because it
// matches the empty one at any place.
func matchesAll(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpStar, syntax.OpQuest:
		return true
	case syntax.OpCapture, syntax.OpPlus:
		return matchesAll(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || matchesAll(re.Sub[0])
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if !matchesAll(s) {
				return false
			}
		}
		return true
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			if matchesAll(s) {
				return true
			}
		}
	}
	return false
}
