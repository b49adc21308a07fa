package mapping

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// scalar leads from the bytes of a YAML scalar's value back to the file. YAML
// writes one value in five ways (plain, single and double quoted, literal and
// folded), so the place of a byte is found by reading the source beside the
// value.
type scalar struct {
	file  string
	lines []string
	node  *yaml.Node
	line  int // of the node, from 1
	col   int // of the node, in bytes from 1
}

// at answers the place of byte offset off of the scalar's value.
func (s *scalar) at(off int) Pos {
	c := cursor{lines: s.lines, line: s.line - 1, col: s.col - 1}
	for strings.HasPrefix(c.rest(), "&") || strings.HasPrefix(c.rest(), "!") {
		// An anchor or a tag stands before the value.
		c.col += strings.IndexAny(c.rest()+" ", " \t")
		c.skipBlank()
	}
	switch {
	case s.node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		// The lines of the value begin where the first that is not blank does.
		first := c
		first.line, first.col = c.line+1, 0
		first.skipBlank()
		c.line, c.col = c.line+1, first.col
		c.indent, c.block = first.col, true
	case s.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		c.col++
	}
	value := s.node.Value
	for i := 0; i < min(off, len(value)); {
		r, size := utf8.DecodeRuneInString(value[i:])
		c.advance(r, s.node.Style)
		i += size
	}
	c.skipFold(value, off)
	return Pos{File: s.file, Line: c.line + 1, Col: c.col + 1}
}

// cursor is a place in the source lines, both numbers from 0.
type cursor struct {
	lines     []string
	line, col int
	block     bool // in a literal or folded scalar,
	indent    int  // whose lines begin here
}

func (c *cursor) rest() string {
	if c.line >= len(c.lines) {
		return ""
	}
	return c.lines[c.line][min(c.col, len(c.lines[c.line])):]
}

// skipBlank goes to the next character that is not white space, over line ends.
func (c *cursor) skipBlank() {
	for c.line < len(c.lines) {
		if rest := c.rest(); strings.TrimSpace(rest) != "" {
			c.col += len(rest) - len(strings.TrimLeft(rest, " \t"))
			return
		}
		c.line, c.col = c.line+1, 0
	}
}

// advance goes over the source of one rune of the value.
func (c *cursor) advance(r rune, style yaml.Style) {
	for style&yaml.DoubleQuotedStyle != 0 && strings.TrimRight(c.rest(), "\r") == `\` {
		// The backslash joins the next line without a space.
		c.line, c.col = c.line+1, 0
		c.skipBlank()
	}
	if r == ' ' || r == '\n' {
		c.advanceSpace(r, style)
		return
	}
	if strings.TrimSpace(c.rest()) == "" {
		c.skipBlank()
	}
	rest := c.rest()
	switch {
	case style&yaml.DoubleQuotedStyle != 0 && strings.HasPrefix(rest, `\`):
		c.col += escapeLen(rest)
	case style&yaml.SingleQuotedStyle != 0 && strings.HasPrefix(rest, "''"):
		c.col += 2
	default:
		c.col += utf8.RuneLen(r)
	}
}

// advanceSpace goes over a space or line end of the value, which in the source
// may be a fold: a line end with the next line's indentation.
func (c *cursor) advanceSpace(r rune, style yaml.Style) {
	rest := c.rest()
	switch {
	case style&yaml.DoubleQuotedStyle != 0 && strings.HasPrefix(rest, `\`):
		c.col += escapeLen(rest)
	case r == ' ' && strings.HasPrefix(rest, " ") && strings.TrimSpace(rest) != "":
		c.col++
	case c.block:
		c.line, c.col = c.line+1, c.indent
	default:
		c.line, c.col = c.line+1, 0
		c.skipBlank()
	}
}

// skipFold moves from the end of one source line to the value's next character
// on a later one.
func (c *cursor) skipFold(value string, off int) {
	if off < len(value) && strings.TrimSpace(c.rest()) == "" {
		c.skipBlank()
	}
}

// escapeLen answers the length of the escape that s begins with, in a double
// quoted scalar.
func escapeLen(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case 'x':
		return min(4, len(s))
	case 'u':
		return min(6, len(s))
	case 'U':
		return min(10, len(s))
	}
	return 2
}
