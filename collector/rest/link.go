package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Link is one target of a Link header, RFC 8288.
type Link struct {
	Target string
	// Rel holds the relation types in lower case.
	Rel []string
}

// ErrLink says that there is a link to the next page, and that it cannot be read.
// To take that for the end would pass over what is behind it.
var ErrLink = errors.New("the link to the next page cannot be read")

// ParseLinks reads all lines of a Link header. A target may hold commas and
// semicolons, and a quoted parameter anything. What cannot be read is in unread; a
// link that ends within a quoted parameter is in both, for more may have followed.
func ParseLinks(lines []string) (links []Link, unread []string) {
	for _, s := range lines {
		for s = skipCommas(s); s != ""; s = skipCommas(s) {
			end := strings.IndexByte(s, '>')
			if s[0] != '<' || end < 0 || strings.Contains(s[1:end], "<") {
				unread = append(unread, s)
				break
			}
			rel, rest, open := parseParams(s[end+1:])
			links = append(links, Link{Target: s[1:end], Rel: rel})
			if open {
				unread = append(unread, s)
			}
			s = rest
		}
	}
	return links, unread
}

func skipCommas(s string) string { return strings.TrimLeft(s, ", \t") }

// parseParams reads ;name=value pairs up to the comma that ends the link, and
// answers the relation types and what stands behind the comma, or that the last
// value was open. Of repeated rel parameters the first one counts, as the RFC says.
func parseParams(s string) (rel []string, rest string, open bool) {
	found := false
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return rel, "", open
		}
		if s[0] == ',' {
			return rel, s[1:], false
		}
		if s[0] == ';' {
			s = s[1:]
			continue
		}
		i := strings.IndexAny(s, "=;,")
		if i < 0 {
			return rel, "", false
		}
		name := strings.TrimSpace(s[:i])
		if s[i] != '=' {
			s = s[i:]
			continue
		}
		var value string
		value, s, open = parseValue(strings.TrimLeft(s[i+1:], " \t"))
		if strings.EqualFold(name, "rel") && !found {
			rel, found = strings.Fields(strings.ToLower(value)), true
		}
	}
}

// parseValue reads a token or a quoted string; one without its end is open.
func parseValue(s string) (value, rest string, open bool) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, ";,")
		if i < 0 {
			return strings.TrimSpace(s), "", false
		}
		return strings.TrimSpace(s[:i]), s[i:], false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], false
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), "", true
}

// userInfo is where an address may hold a password.
var userInfo = regexp.MustCompile(`//[^/?#<>]*@`)

// NextLink answers the target of the first link with rel "next" that can be read,
// resolved against the URL that was asked, or nil where there is none. ErrLink
// says that there is one which cannot be read, or may be one.
func (c *Client) NextLink(h http.Header, asked *url.URL) (*url.URL, error) {
	links, unread := ParseLinks(h.Values("Link"))
	var bad []string
	for _, l := range links {
		if !slices.Contains(l.Rel, "next") {
			continue
		}
		if u, err := asked.Parse(l.Target); err == nil && l.Target != "" && utf8.ValidString(l.Target) {
			return u, nil
		}
		bad = append(bad, "<"+l.Target+">")
	}
	for _, text := range unread {
		// A link that was cut off may have been about to say what it is.
		if text[0] == '<' || strings.Contains(strings.ToLower(text), "next") {
			bad = append(bad, text)
		}
	}
	if len(bad) == 0 {
		return nil, nil
	}
	text := userInfo.ReplaceAllString(c.Redact(bad[0]), "//[secret]@")
	return nil, fmt.Errorf("GET %s: %w: %q", asked.EscapedPath(), ErrLink, clip([]byte(text)))
}
