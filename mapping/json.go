package mapping

import (
	"encoding/binary"
	"math/bits"
)

// The functions here read the tokens of strict JSON (RFC 8259, except that text
// need not be UTF-8) and answer the offset behind them. A negative answer is a
// fault: see syntaxFault and depthFault. They are what the time of mapping goes
// into, so they take the record as an argument and keep nothing.

// maxDepth is how deep containers may be nested; the record itself is 1.
const maxDepth = 1000

// deepFault marks the offset of a container that is nested too deep.
const deepFault = 1 << 30

// syntaxFault answers the fault of a byte that should not be there.
func syntaxFault(i int) int { return ^i }

// depthFault answers the fault of a container that is nested too deep.
func depthFault(i int) int { return ^(i | deepFault) }

// spanKind says what stands at a place in the record.
type spanKind uint8

const (
	spanNone spanKind = iota // the place does not occur
	spanNull                 // null or the empty text: nothing to copy
	spanObject
	spanArray
	spanNumber
	spanTrue
	spanFalse
	spanString // beg and end exclude the quotes
)

// textFlags says what a string token holds beside plain ASCII.
type textFlags uint8

const (
	hasEscape   textFlags = 1 << iota // a backslash
	hasNonASCII                       // a byte above 0x7f, perhaps not UTF-8
)

// byteAt answers the byte at i, or 0 past the end, which no token begins with.
func byteAt(b []byte, i int) byte {
	if uint(i) < uint(len(b)) {
		return b[i]
	}
	return 0
}

// space answers the offset of the first byte from i that is not white space.
func space(b []byte, i int) int {
	for uint(i) < uint(len(b)) && b[i] <= ' ' && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
)

// str answers where the string whose text begins at i ends: the offset of the
// closing quote. It looks at eight bytes at a time.
func str(b []byte, i int) (int, textFlags) {
	var all uint64 // has the high bit of each byte passed
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if stop := stops(w); stop != 0 {
			n := bits.TrailingZeros64(stop)
			all |= w & (1<<n - 1)
			if i += n / 8; byteAt(b, i) == '"' {
				return i, nonASCII(all)
			}
			break
		}
		all |= w
	}
	return strRest(b, i, nonASCII(all))
}

func nonASCII(w uint64) textFlags {
	if w&highBits != 0 {
		return hasNonASCII
	}
	return 0
}

// strRest is str for what is not plain: from the first escape, or where the
// record has less than a word left.
func strRest(b []byte, i int, flags textFlags) (int, textFlags) {
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			if stops(w) != 0 {
				break
			}
			flags |= nonASCII(w)
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
			flags |= nonASCII(uint64(b[i]))
			i++
		}
		switch byteAt(b, i) {
		case '"':
			return i, flags
		case '\\':
			flags |= hasEscape
			if i = escape(b, i); i < 0 {
				return i, flags
			}
		default:
			return syntaxFault(i), flags
		}
	}
}

// stops answers a word whose lowest set bit is the high bit of the first byte of
// w that is a quote, a backslash or a control character, or 0.
func stops(w uint64) uint64 {
	quote := w ^ eachByte*'"'
	slash := w ^ eachByte*'\\'
	return ((quote-eachByte)&^quote | (slash-eachByte)&^slash | (w-eachByte*' ')&^w) & highBits
}

// escape answers where the escape at i ends.
func escape(b []byte, i int) int {
	switch byteAt(b, i+1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if !isHex(byteAt(b, k)) {
				return syntaxFault(k)
			}
		}
		return i + 6
	}
	return syntaxFault(i + 1)
}

// scalarEnd answers where the number, true, false or null at i ends, and which.
func scalarEnd(b []byte, i int) (int, spanKind) {
	switch c := byteAt(b, i); {
	case c == 't':
		return word(b, i, "true"), spanTrue
	case c == 'f':
		return word(b, i, "false"), spanFalse
	case c == 'n':
		return word(b, i, "null"), spanNull
	case c == '-' || isDigit(c):
		return numeral(b, i), spanNumber
	}
	return syntaxFault(i), spanNone
}

func word(b []byte, i int, word string) int {
	if i+len(word) <= len(b) && string(b[i:i+len(word)]) == word {
		return i + len(word)
	}
	return syntaxFault(i)
}

// numeral answers where the number at i ends.
func numeral(b []byte, i int) int {
	if byteAt(b, i) == '-' {
		i++
	}
	switch c := byteAt(b, i); {
	case c == '0':
		i++
	case isDigit(c):
		i = digits(b, i)
	default:
		return syntaxFault(i)
	}
	if byteAt(b, i) == '.' {
		if i++; !isDigit(byteAt(b, i)) {
			return syntaxFault(i)
		}
		i = digits(b, i)
	}
	if c := byteAt(b, i); c == 'e' || c == 'E' {
		i++
		if c := byteAt(b, i); c == '+' || c == '-' {
			i++
		}
		if !isDigit(byteAt(b, i)) {
			return syntaxFault(i)
		}
		i = digits(b, i)
	}
	return i
}

func digits(b []byte, i int) int {
	for uint(i) < uint(len(b)) && isDigit(b[i]) {
		i++
	}
	return i
}

// keyEnd answers where the value of the key at i begins.
func keyEnd(b []byte, i int) int {
	if byteAt(b, i) != '"' {
		return syntaxFault(i)
	}
	end, _ := str(b, i+1)
	if end < 0 {
		return end
	}
	if i = space(b, end+1); byteAt(b, i) != ':' {
		return syntaxFault(i)
	}
	return space(b, i+1)
}

// skip answers where the value at i ends, which depth containers are around. It
// needs no stack but a bit for each open container: is it an object?
func skip(b []byte, i, depth int) int {
	switch c := byteAt(b, i); c {
	case '{', '[':
		return skipContainer(b, i, depth)
	case '"':
		end, _ := str(b, i+1)
		if end < 0 {
			return end
		}
		return end + 1
	}
	end, _ := scalarEnd(b, i)
	return end
}

func skipContainer(b []byte, i, depth int) int {
	var objects [maxDepth/64 + 1]uint64
	for level := 0; ; {
		switch c := byteAt(b, i); c {
		case '"':
			end, _ := str(b, i+1)
			if end < 0 {
				return end
			}
			i = end + 1
		case '{', '[':
			if depth+level+1 > maxDepth {
				return depthFault(i)
			}
			i = space(b, i+1)
			if byteAt(b, i) == closing(c) {
				i++
				break
			}
			word, bit := level>>6, uint64(1)<<(level&63)
			level++
			if c == '[' {
				objects[word] &^= bit
				continue
			}
			objects[word] |= bit
			if i = keyEnd(b, i); i < 0 {
				return i
			}
			continue
		default:
			if i, _ = scalarEnd(b, i); i < 0 {
				return i
			}
		}
		// A value has ended. Close what ends with it and go to the next one.
		for {
			if level == 0 {
				return i
			}
			i = space(b, i)
			object := objects[(level-1)>>6]>>((level-1)&63)&1 == 1
			c := byteAt(b, i)
			if c == ',' {
				i = space(b, i+1)
				if object {
					if i = keyEnd(b, i); i < 0 {
						return i
					}
				}
				break
			}
			if object && c != '}' || !object && c != ']' {
				return syntaxFault(i)
			}
			level--
			i++
		}
	}
}

// closing answers the bracket that ends what c opens: in ASCII they are two
// apart.
func closing(c byte) byte { return c + 2 }
