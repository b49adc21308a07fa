package mapping

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

// ipv6Len answers the length of the longest IPv6 address that b begins with, or
// 0. It reads b once and notes each place where an address may end, for a long
// text may hold many places that look like the start of one.
func ipv6Len(b []byte) int {
	i, longest := 0, 0
	groups, most := 0, 8 // groups of 16 bits, read and at most
	if isGap(b) {
		// It stands for at least one group.
		i, longest, most = 2, 2, 7
	}
	for groups < most {
		n := hexLen(b[i:])
		if n == 0 {
			break
		}
		if v4 := ipv4Len(b[i:]); v4 > 0 && (groups == 6 && most == 8 || groups <= 5 && most == 7) {
			return i + v4
		}
		i += n
		if groups++; groups == 8 || most == 7 {
			longest = i
		}
		switch {
		case isGap(b[i:]) && most == 8 && groups <= 7:
			i, most = i+2, 7
			longest = i
		case i < len(b) && b[i] == ':':
			i++
		default:
			return longest
		}
	}
	return longest
}

func isGap(b []byte) bool { return len(b) >= 2 && b[0] == ':' && b[1] == ':' }

// hexLen answers how many hexadecimal digits b begins with, four at most.
func hexLen(b []byte) int {
	n := 0
	for n < len(b) && n < 4 && isHex(b[n]) {
		n++
	}
	return n
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
