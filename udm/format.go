package udm

import (
	"bytes"
	"fmt"
)

// Matches reports whether text, unescaped and not empty, looks like f. NoFormat
// takes everything.
func (f Format) Matches(text []byte) bool {
	switch f {
	case IP:
		return isIPv4(text) || isIPv6(text)
	case MAC:
		return isMAC(text)
	case Hostname:
		return isDomain(text, false)
	case DomainName:
		return isDomain(text, true)
	case EmailAddress:
		return isEmail(text)
	case URL:
		return isURL(text)
	case MD5:
		return isHex(text, 32)
	case SHA1:
		return isHex(text, 40)
	case SHA256:
		return isHex(text, 64)
	}
	return true
}

// article returns what a message calls a value of the format.
func (f Format) article() string {
	switch f {
	case IP:
		return "an IP address"
	case MAC:
		return "a MAC address"
	case Hostname:
		return "a hostname"
	case DomainName:
		return "a domain name"
	case EmailAddress:
		return "an e-mail address"
	case URL:
		return "a URL with a scheme"
	}
	return "the hexadecimal digits of " + f.String()
}

func isIPv4(text []byte) bool {
	for part := range 4 {
		digits := leadingDigits(text)
		if digits == 0 || digits > 3 || digits > 1 && text[0] == '0' {
			return false
		}
		value := 0
		for _, c := range text[:digits] {
			value = value*10 + int(c-'0')
		}
		if value > 255 {
			return false
		}
		if text = text[digits:]; part == 3 {
			break
		}
		if len(text) == 0 || text[0] != '.' {
			return false
		}
		text = text[1:]
	}
	return len(text) == 0
}

// isIPv6 takes an address of eight groups, one run of which may be "::", and the
// last two of which may be in the form of IPv4. A zone is not part of it.
func isIPv6(text []byte) bool {
	head, tail, gap := bytes.Cut(text, []byte("::"))
	groups, ok := ipv6Groups(head, !gap)
	if !ok {
		return false
	}
	if !gap {
		return groups == 8
	}
	more, ok := ipv6Groups(tail, true)
	return ok && groups+more < 8
}

// ipv6Groups counts the groups of 16 bits in text.
func ipv6Groups(text []byte, atEnd bool) (groups int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	for groups <= 8 {
		group, rest, more := bytes.Cut(text, []byte(":"))
		if !more && atEnd && isIPv4(group) {
			return groups + 2, true
		}
		if len(group) < 1 || len(group) > 4 || !isHex(group, len(group)) {
			return 0, false
		}
		groups++
		if !more {
			return groups, true
		}
		text = rest
	}
	return 0, false
}

// isMAC takes an EUI-48, six pairs of digits with colons or dashes between them.
func isMAC(text []byte) bool {
	if len(text) != len("00:00:00:00:00:00") || text[2] != ':' && text[2] != '-' {
		return false
	}
	for i, c := range text {
		if i%3 == 2 && c != text[2] || i%3 != 2 && hexDigit(c) < 0 {
			return false
		}
	}
	return true
}

// isDomain takes labels of letters, digits and inner dashes, by RFC 1123, with
// an optional final dot. A name in the DNS may have underscores as well.
func isDomain(text []byte, underscore bool) bool {
	text = bytes.TrimSuffix(text, []byte("."))
	if len(text) > 253 {
		return false
	}
	start := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != '.' {
			if c := text[i]; !isAlphanumeric(c) && c != '-' && (c != '_' || !underscore) {
				return false
			}
			continue
		}
		if i == start || i-start > 63 || text[start] == '-' || text[i-1] == '-' {
			return false
		}
		start = i + 1
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// isEmail takes local@domain, where the domain may be an address in brackets.
func isEmail(text []byte) bool {
	at := bytes.LastIndexByte(text, '@')
	if at < 1 || at == len(text)-1 {
		return false
	}
	local, domain := text[:at], text[at+1:]
	if local[0] != '"' && bytes.ContainsAny(local, " @<>()[],;:\\\"\t\r\n") {
		return false
	}
	if domain[0] == '[' {
		return domain[len(domain)-1] == ']'
	}
	return isDomain(domain, true)
}

// isURL takes a scheme, a colon and something without space or control
// characters, quotes or angle brackets.
func isURL(text []byte) bool {
	colon := bytes.IndexByte(text, ':')
	if colon < 1 || colon == len(text)-1 || !isAlphanumeric(text[0]) || text[0] <= '9' {
		return false
	}
	for _, c := range text[:colon] {
		if !isAlphanumeric(c) && c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	for _, c := range text[colon+1:] {
		if c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' {
			return false
		}
	}
	return true
}

func isHex(text []byte, size int) bool {
	if len(text) != size {
		return false
	}
	for _, c := range text {
		if hexDigit(c) < 0 {
			return false
		}
	}
	return true
}

// isBase64 takes the standard and the URL alphabet, but not both in one text,
// with or without padding.
func isBase64(text []byte) bool {
	data := bytes.TrimRight(text, "=")
	if padding := len(text) - len(data); padding > 2 || padding > 0 && len(text)%4 != 0 || len(data)%4 == 1 {
		return false
	}
	standard, url := false, false
	for _, c := range data {
		switch {
		case isAlphanumeric(c):
		case c == '+' || c == '/':
			standard = true
		case c == '-' || c == '_':
			url = true
		default:
			return false
		}
	}
	return !standard || !url
}

// isVendorID reports whether text is vendor:id within the sizes of l.
func (l *Limit) isVendorID(text []byte) bool {
	vendor, id, ok := bytes.Cut(text, []byte(":"))
	if !ok {
		return false
	}
	return (l.MaxVendorLen == 0 || len(vendor) <= l.MaxVendorLen) && (l.MaxIDLen == 0 || len(id) <= l.MaxIDLen)
}

func (l *Limit) vendorSizes() string {
	if l.MaxVendorLen == 0 {
		return ""
	}
	return fmt.Sprintf(" with at most %d and %d bytes", l.MaxVendorLen, l.MaxIDLen)
}
