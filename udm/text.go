package udm

import "unicode/utf8"

// unescape appends the content of a string token, which text has accepted, to
// dst. A byte that is not UTF-8 and a lone surrogate become U+FFFD, and sound is
// false then.
func unescape(dst, token []byte) (text []byte, sound bool) {
	sound = true
	for i := 0; i < len(token); {
		switch c := token[i]; {
		case c == '\\':
			r, size := escapeSequence(token[i:])
			sound = sound && (r != utf8.RuneError || isReplacement(token[i:]))
			dst = utf8.AppendRune(dst, r)
			i += size
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, size := utf8.DecodeRune(token[i:])
			sound = sound && (r != utf8.RuneError || size > 1)
			dst = utf8.AppendRune(dst, r)
			i += size
		}
	}
	return dst, sound
}

// isReplacement reports whether token begins with U+FFFD written as an escape.
func isReplacement(token []byte) bool {
	r, _ := hex4(token, 2)
	return r == utf8.RuneError
}

// escapeSequence decodes the escape that token begins with; a surrogate without
// its partner gives U+FFFD.
func escapeSequence(token []byte) (r rune, size int) {
	switch token[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unicodeEscape(token)
	}
	return rune(token[1]), 2
}

func unicodeEscape(token []byte) (r rune, size int) {
	r, _ = hex4(token, 2)
	if r < 0xD800 || r > 0xDFFF {
		return r, 6
	}
	if r < 0xDC00 && len(token) >= 12 && token[6] == '\\' && token[7] == 'u' {
		if low, _ := hex4(token, 8); low >= 0xDC00 && low <= 0xDFFF {
			return (r-0xD800)<<10 | (low - 0xDC00) + 0x10000, 12
		}
	}
	return utf8.RuneError, 6
}
