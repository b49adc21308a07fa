package rulefmt

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// source is the text of a rule file, and where in it no comment can begin.
type source struct {
	text  string
	lines []int  // offset of each line
	inert []zone // quoted texts and the lines of literal and folded ones
}

// zone is a part of the text, from offset to offset.
type zone struct{ start, end int }

func newSource(text string) *source {
	s := &source{text: text, lines: []int{0}}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// offset turns a place as YAML counts it, in lines and characters from 1, into
// an offset.
func (s *source) offset(line, column int) (int, error) {
	if line < 1 || line > len(s.lines) {
		return 0, fmt.Errorf("line %d is not in the file", line)
	}
	at := s.lines[line-1]
	for range column - 1 {
		_, size := utf8.DecodeRuneInString(s.text[at:])
		at += size
	}
	return at, nil
}

// lineOf answers the number of the line, from 0, that an offset is in.
func (s *source) lineOf(at int) int {
	i, found := slices.BinarySearch(s.lines, at)
	if !found {
		i--
	}
	return i
}

// lineEnd answers the offset of the newline that ends the line at is in, or of
// the end of the file.
func (s *source) lineEnd(at int) int {
	if i := strings.IndexByte(s.text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(s.text)
}

// skipProperties goes over the anchor and the tag before a value.
func (s *source) skipProperties(at int) int {
	for at < len(s.text) && (s.text[at] == '&' || s.text[at] == '!') {
		for at < len(s.text) && !strings.ContainsRune(" \t\n,]}", rune(s.text[at])) {
			at++
		}
		at = s.skipSpace(at)
	}
	return at
}

// skipSpace goes over white space, line ends and comments.
func (s *source) skipSpace(at int) int {
	for at < len(s.text) {
		switch s.text[at] {
		case ' ', '\t', '\n':
			at++
		case '#':
			at = s.lineEnd(at)
		default:
			return at
		}
	}
	return at
}

// quotedEnd answers the offset behind a quoted text.
func (s *source) quotedEnd(start int) (int, error) {
	if start >= len(s.text) {
		return 0, errors.New("a quoted text does not stand where it should")
	}
	quote := s.text[start]
	for i := start + 1; i < len(s.text); i++ {
		switch {
		case quote == '"' && s.text[i] == '\\':
			i++
		case s.text[i] != quote:
		case quote == '\'' && strings.HasPrefix(s.text[i+1:], "'"):
			i++
		default:
			s.inert = append(s.inert, zone{start, i + 1})
			return i + 1, nil
		}
	}
	return 0, errors.New("a quoted text has no end")
}

// plainEnd answers the offset behind a text without quotes, which may be folded
// over several lines.
func (s *source) plainEnd(start int, value string) (end int, ok bool) {
	end = start
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }) {
		at := end + len(s.text[end:]) - len(strings.TrimLeft(s.text[end:], " \t\n"))
		if !strings.HasPrefix(s.text[at:], word) {
			return 0, false
		}
		end = at + len(word)
	}
	return end, true
}

// blockTextEnd answers the offset behind the last line of a literal or folded
// text that is not blank.
func (s *source) blockTextEnd(n *node) int {
	end := s.lineEnd(n.start)
	indent := s.blockTextIndent(n)
	first := end + 1
	for at := first; at < len(s.text); {
		stop := s.lineEnd(at)
		line := s.text[at:stop]
		blank := strings.Trim(line, " ") == ""
		if !blank && leadingSpaces(line) < indent {
			break
		}
		if !blank || len(line) > indent {
			end = stop
		}
		at = stop + 1
	}
	s.inert = append(s.inert, zone{min(first, end), end})
	return end
}

// blockTextIndent answers how far the lines of a literal or folded text are
// indented.
func (s *source) blockTextIndent(n *node) int {
	header := s.text[n.start:s.lineEnd(n.start)]
	if i := strings.IndexAny(header, "123456789#"); i >= 0 && header[i] != '#' {
		return n.owner.parent.column + int(header[i]-'0')
	}
	for at := n.start + len(header) + 1; at < len(s.text); {
		stop := s.lineEnd(at)
		if line := s.text[at:stop]; strings.Trim(line, " ") != "" {
			return max(leadingSpaces(line), n.owner.parent.column+1)
		}
		at = stop + 1
	}
	return n.owner.parent.column + 1
}

func leadingSpaces(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// closing answers the offset behind the bracket or brace that closes the one at
// start. Between the two, plain texts hold neither.
func (s *source) closing(start int) int {
	depth := 0
	for at := start; at < len(s.text); at++ {
		if z, ok := s.inertAt(at); ok {
			at = z.end - 1
			continue
		}
		switch s.text[at] {
		case '#':
			if s.startsComment(at) {
				at = s.lineEnd(at)
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return len(s.text)
}

// inertAt answers the inert zone that at is in. Zones are in the order of the
// file.
func (s *source) inertAt(at int) (zone, bool) {
	i, _ := slices.BinarySearchFunc(s.inert, at, func(z zone, at int) int { return z.end - at - 1 })
	if i < len(s.inert) && s.inert[i].start <= at && at < s.inert[i].end {
		return s.inert[i], true
	}
	return zone{}, false
}

// startsComment reports whether the # at a place outside of all inert zones
// begins a comment.
func (s *source) startsComment(at int) bool {
	return at == 0 || strings.IndexByte(" \t\n", s.text[at-1]) >= 0
}
