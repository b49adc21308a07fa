package draft

import (
	"net/netip"
	"regexp"
	"strings"
)

// shape is a form of texts that says what they are.
type shape uint8

const (
	ipShape shape = iota
	emailShape
	urlShape
	macShape
	shapes
)

var (
	emailText = regexp.MustCompile(`^[^@\s"<>]+@[^@\s"<>]+\.[A-Za-z]{2,}$`)
	macText   = regexp.MustCompile(`^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$|^([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}$`)
	urlText   = regexp.MustCompile(`^(?i)(https?|ftp|ldaps?|ssh)://[^\s]+$`)
)

const maxShaped = 2048 // bytes of a text that is looked at

func (s shape) matches(v string) bool {
	if len(v) > maxShaped {
		return false
	}
	switch s {
	case ipShape:
		if len(v) > maxAddress || strings.IndexByte(".:", separatorOf(v)) < 0 {
			return false
		}
		if _, err := netip.ParseAddr(v); err == nil {
			return true
		}
		_, err := netip.ParseAddrPort(v)
		return err == nil
	case emailShape:
		// The names of OpenSSH's algorithms only look like addresses.
		return strings.IndexByte(v, '@') > 0 && emailText.MatchString(v) && !strings.HasSuffix(v, "@openssh.com")
	case urlShape:
		return strings.Contains(v, "://") && urlText.MatchString(v)
	}
	return len(v) <= maxAddress && macText.MatchString(v)
}

const maxAddress = 60 // bytes of an IP address with a port

// separatorOf answers the first character of a text that is no hexadecimal digit,
// brackets left out; 0 if there is none. It turns away most texts at once.
func separatorOf(v string) byte {
	rest := strings.TrimLeft(v, "[0123456789abcdefABCDEF")
	if rest == "" {
		return 0
	}
	return rest[0]
}

// mostly reports whether nine texts in ten of a place have a shape.
func (p *place) mostly(s shape) bool {
	return p.counts[text] > 0 && 10*p.shapes[s] >= 9*p.counts[text]
}
