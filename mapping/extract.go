package mapping

import "net/netip"

// findIP answers the leftmost IPv4 or IPv6 address in text, and at that place
// the longest. Port, brackets and zone stay behind.
func findIP(text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if c := text[i]; !isHex(c) && c != ':' {
			continue
		}
		if n := ipv4Len(text[i:]); n > 0 {
			// An IPv6 address cannot begin like this, so this is the longest.
			return text[i : i+n]
		}
		if n := ipv6Len(text[i:]); n > 0 {
			return text[i : i+n]
		}
	}
	return nil
}

// ipv4Len answers the length of the longest IPv4 address that b begins with, or
// 0. An octet has no leading zero, as in netip.
func ipv4Len(b []byte) int {
	i := 0
	for octet := 0; ; octet++ {
		n := octetLen(b[i:])
		if n == 0 {
			return 0
		}
		i += n
		if octet == 3 {
			return i
		}
		if i >= len(b) || b[i] != '.' {
			return 0
		}
		i++
	}
}

// octetLen answers how many digits at the start of b make the longest number
// from 0 to 255.
func octetLen(b []byte) int {
	n, value := 0, 0
	for n < len(b) && n < 3 && isDigit(b[n]) {
		if value = value*10 + int(b[n]-'0'); value > 255 {
			return n
		}
		if n++; value == 0 {
			return n
		}
	}
	return n
}

// maxIPv6 is the length of the longest text of an IPv6 address without a zone.
const maxIPv6 = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

// ipv6Len answers the length of the longest IPv6 address that b begins with, or
// 0.
func ipv6Len(b []byte) int {
	end, colons := 0, 0
	for end < len(b) && end < maxIPv6 && (isHex(b[end]) || b[end] == ':' || b[end] == '.') {
		if b[end] == ':' {
			colons++
		}
		end++
	}
	if colons < 2 {
		return 0
	}
	for ; end >= 2; end-- {
		// The conversion does not escape, so nothing is allocated.
		if a, err := netip.ParseAddr(string(b[:end])); err == nil && a.Is6() {
			return end
		}
	}
	return 0
}

// findVersion answers the leftmost digits.digits.digits in text.
func findVersion(text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if !isDigit(text[i]) {
			continue
		}
		if n := versionLen(text[i:]); n > 0 {
			return text[i : i+n]
		}
		i += digitsLen(text[i:]) - 1
	}
	return nil
}

func versionLen(b []byte) int {
	i := 0
	for part := range 3 {
		if part > 0 {
			if i >= len(b) || b[i] != '.' {
				return 0
			}
			i++
		}
		n := digitsLen(b[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

func digitsLen(b []byte) int {
	n := 0
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}
