package udm

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how many brackets may be open at once.
const maxDepth = 1000

// scanner reads JSON strictly. Its methods take the offset of what they read and
// return the offset after it, or -1 once the text is no JSON or too deep; then
// fault and at say why.
type scanner struct {
	b     []byte
	fault string
	at    int
	deep  bool // the fault is the depth, not the text
}

// fail notes the first fault and returns -1.
func (s *scanner) fail(at int, fault string) int {
	if s.fault == "" {
		s.fault, s.at = fault, at
	}
	return -1
}

func (s *scanner) tooDeep(at int) int {
	s.deep = true
	return s.fail(at, "more than 1000 brackets are open")
}

func (s *scanner) space(i int) int {
	b := s.b
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// peek returns the byte at i, or 0 at the end, which starts no token.
func (s *scanner) peek(i int) byte {
	if i < len(s.b) {
		return s.b[i]
	}
	return 0
}

// textFlags says what a string token holds beside printable ASCII.
type textFlags uint8

const (
	escaped textFlags = 1 << iota
	nonASCII
)

// text reads a string token after its opening quote and returns the offset of
// the closing quote.
func (s *scanner) text(i int) (end int, flags textFlags) {
	b := s.b
	for {
		for i+8 <= len(b) {
			special := specialBytes(binary.LittleEndian.Uint64(b[i:]))
			if special != 0 {
				i += bits.TrailingZeros64(special) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return s.fail(i, "the text ends inside a string"), 0
		}
		switch c := b[i]; {
		case c == '"':
			return i, flags
		case c == '\\':
			flags |= escaped
			if i = s.escape(i); i < 0 {
				return -1, 0
			}
		case c < ' ':
			return s.fail(i, "control character in a string"), 0
		default:
			if c >= 0x80 {
				flags |= nonASCII
			}
			i++
		}
	}
}

// specialBytes marks, in the top bit of each byte of w, those that end the fast
// run of a string: quotes, backslashes, control characters, non-ASCII. Marks
// above the lowest one may be wrong.
func specialBytes(w uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote := w ^ ones*'"'
	backslash := w ^ ones*'\\'
	return ((quote-ones)&^quote | (backslash-ones)&^backslash | (w-ones*' ')&^w | w) & tops
}

func (s *scanner) escape(i int) int {
	switch s.peek(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if _, ok := hex4(s.b, i+2); ok {
			return i + 6
		}
	}
	return s.fail(i, "invalid escape in a string")
}

// hex4 reads the four hexadecimal digits at i.
func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		d := hexDigit(c)
		if d < 0 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// number reads a number token.
func (s *scanner) number(i int) int {
	if s.peek(i) == '-' {
		i++
	}
	whole := i
	i = s.digits(i)
	if i == whole || s.b[whole] == '0' && i > whole+1 {
		return s.fail(i, "invalid number")
	}
	if s.peek(i) == '.' {
		fraction := i + 1
		if i = s.digits(fraction); i == fraction {
			return s.fail(i, "invalid number")
		}
	}
	if s.peek(i)|0x20 == 'e' {
		i++
		if c := s.peek(i); c == '+' || c == '-' {
			i++
		}
		exponent := i
		if i = s.digits(exponent); i == exponent {
			return s.fail(i, "invalid number")
		}
	}
	return i
}

func (s *scanner) digits(i int) int {
	for c := s.peek(i); c >= '0' && c <= '9'; c = s.peek(i) {
		i++
	}
	return i
}

// literal reads one of true, false and null.
func (s *scanner) literal(i int, word string) int {
	if end := i + len(word); end <= len(s.b) && string(s.b[i:end]) == word {
		return end
	}
	return s.fail(i, "invalid literal")
}

// colon reads what stands between a key, whose closing quote is at i, and its value.
func (s *scanner) colon(i int) int {
	i = s.space(i + 1)
	if s.peek(i) != ':' {
		return s.fail(i, "no colon after a key")
	}
	return s.space(i + 1)
}

// comma reads what stands after a member or item: more says that another one
// follows at the returned offset, else it is behind the closing bracket.
func (s *scanner) comma(i int, closing byte) (next int, more bool) {
	i = s.space(i)
	switch s.peek(i) {
	case ',':
		return s.space(i + 1), true
	case closing:
		return i + 1, false
	}
	return s.fail(i, "no comma or closing bracket after a value"), false
}

// open reads an opening bracket; more says whether anything stands inside.
func (s *scanner) open(i int, closing byte) (next int, more bool) {
	i = s.space(i + 1)
	if s.peek(i) == closing {
		return i + 1, false
	}
	return i, true
}
