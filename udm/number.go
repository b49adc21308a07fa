package udm

import (
	"bytes"
	"math"
)

// integer is a whole number of up to 64 bits with a sign.
type integer struct {
	negative  bool
	magnitude uint64
	overflow  bool // the magnitude does not fit
}

func (n integer) value() float64 {
	if n.negative {
		return -float64(n.magnitude)
	}
	return float64(n.magnitude)
}

// fits reports whether a field of an integer kind can hold n.
func (n integer) fits(k Kind) bool {
	if n.overflow {
		return false
	}
	var below, above uint64 // the largest magnitudes on either side of zero
	switch k {
	case Int32:
		below, above = 1<<31, math.MaxInt32
	case Int64:
		below, above = 1<<63, math.MaxInt64
	case Uint32:
		above = math.MaxUint32
	case Uint64:
		above = math.MaxUint64
	}
	if n.negative {
		return n.magnitude <= below
	}
	return n.magnitude <= above
}

// parseInteger reads a JSON number that may have fraction and exponent, as long
// as its value is whole: 1.0 and 1e3 are. Otherwise ok is false.
func parseInteger(token []byte) (n integer, ok bool) {
	if token[0] == '-' {
		n.negative = true
		token = token[1:]
	}
	if len(token) <= 18 && bytes.IndexByte(token, '.') < 0 && !hasExponent(token) {
		n.add(token)
		return n, true
	}
	whole, fraction, exponent := splitNumber(token)
	whole = bytes.TrimLeft(whole, "0")
	fraction = bytes.TrimRight(fraction, "0")
	if len(fraction) == 0 {
		trimmed := bytes.TrimRight(whole, "0")
		exponent += len(whole) - len(trimmed)
		whole = trimmed
	}
	zeros := exponent - len(fraction)
	if len(whole) == 0 && len(bytes.TrimLeft(fraction, "0")) == 0 {
		return n, true
	}
	if zeros < 0 {
		return n, false
	}
	n.add(whole)
	n.add(fraction)
	for ; zeros > 0 && !n.overflow; zeros-- {
		n.digit(0)
	}
	return n, true
}

func (n *integer) add(digits []byte) {
	for _, c := range digits {
		n.digit(uint64(c - '0'))
	}
}

func (n *integer) digit(d uint64) {
	if n.magnitude > (math.MaxUint64-d)/10 {
		n.overflow = true
		return
	}
	n.magnitude = n.magnitude*10 + d
}

func hasExponent(token []byte) bool {
	return bytes.IndexByte(token, 'e') >= 0 || bytes.IndexByte(token, 'E') >= 0
}

// splitNumber takes a number without sign apart. An exponent beyond any use is
// cut to one that is still far too large.
func splitNumber(token []byte) (whole, fraction []byte, exponent int) {
	if at := bytes.IndexAny(token, "eE"); at >= 0 {
		exponent = parseExponent(token[at+1:])
		token = token[:at]
	}
	whole, fraction, _ = bytes.Cut(token, []byte("."))
	return whole, fraction, exponent
}

func parseExponent(text []byte) int {
	sign := 1
	switch text[0] {
	case '-':
		sign, text = -1, text[1:]
	case '+':
		text = text[1:]
	}
	n := 0
	for _, c := range text {
		n = min(n*10+int(c-'0'), math.MaxInt32)
	}
	return sign * n
}
