package mapping

import (
	"unicode/utf16"
	"unicode/utf8"
)

// appendDecoded appends the text that a JSON string token stands for. What is
// not UTF-8, and half a surrogate pair, becomes U+FFFD. The token must be valid.
func appendDecoded(dst, token []byte) []byte {
	for i := 0; i < len(token); {
		c := token[i]
		switch {
		case c == '\\':
			var r rune
			r, i = unescape(token, i)
			dst = utf8.AppendRune(dst, r)
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, size := utf8.DecodeRune(token[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		}
	}
	return dst
}

// unescape decodes the escape at i and answers where it ends.
func unescape(token []byte, i int) (rune, int) {
	switch c := token[i+1]; c {
	case 'b':
		return '\b', i + 2
	case 'f':
		return '\f', i + 2
	case 'n':
		return '\n', i + 2
	case 'r':
		return '\r', i + 2
	case 't':
		return '\t', i + 2
	case 'u':
		return unescapeUnicode(token, i)
	default:
		return rune(c), i + 2
	}
}

// unescapeUnicode decodes \uXXXX, or two of them that form a surrogate pair.
func unescapeUnicode(token []byte, i int) (rune, int) {
	r := hex4(token[i+2 : i+6])
	i += 6
	if !utf16.IsSurrogate(r) {
		return r, i
	}
	if i+6 <= len(token) && token[i] == '\\' && token[i+1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(token[i+2:i+6])); pair != utf8.RuneError {
			return pair, i + 6
		}
	}
	return utf8.RuneError, i
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b {
		r <<= 4
		switch {
		case c <= '9':
			r |= rune(c - '0')
		case c <= 'F':
			r |= rune(c - 'A' + 10)
		default:
			r |= rune(c - 'a' + 10)
		}
	}
	return r
}

// appendRequoted appends the JSON of the text that a JSON string token stands for:
// what appendQuoted makes of appendDecoded, without the text in between. The token
// must be valid.
func appendRequoted(dst, token []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(token); {
		start := i
		for i < len(token) && token[i] != '\\' && token[i] < utf8.RuneSelf {
			i++
		}
		dst = append(dst, token[start:i]...)
		if i == len(token) {
			break
		}
		if token[i] == '\\' {
			var r rune
			r, i = unescape(token, i)
			dst = appendQuotedRune(dst, r)
			continue
		}
		r, size := utf8.DecodeRune(token[i:])
		dst = utf8.AppendRune(dst, r)
		i += size
	}
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends text as a JSON string. text must be UTF-8.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = appendQuotedRune(append(dst, text[start:i]...), rune(c))
		start = i + 1
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

// appendQuotedRune appends what stands for a rune in a JSON string.
func appendQuotedRune(dst []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(dst, '\\', byte(r))
	case r == '\n':
		return append(dst, '\\', 'n')
	case r == '\r':
		return append(dst, '\\', 'r')
	case r == '\t':
		return append(dst, '\\', 't')
	case r < ' ':
		return append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	}
	return utf8.AppendRune(dst, r)
}
