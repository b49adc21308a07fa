package rest

import (
	"net/http"
	"net/url"
	"strings"
)

// Link is one target of a Link header, RFC 8288.
type Link struct {
	Target string
	// Rel holds the relation types in lower case.
	Rel []string
}

// ParseLinks reads all lines of a Link header. A target may hold commas and
// semicolons, and a quoted parameter anything; what cannot be read is left out.
func ParseLinks(lines []string) []Link {
	var links []Link
	for _, s := range lines {
		for {
			open := strings.IndexByte(s, '<')
			if open < 0 {
				break
			}
			end := strings.IndexByte(s[open:], '>')
			if end < 0 {
				break
			}
			link := Link{Target: s[open+1 : open+end]}
			link.Rel, s = parseParams(s[open+end+1:])
			links = append(links, link)
		}
	}
	return links
}

// parseParams reads ;name=value pairs up to the comma that ends the link, and
// answers the relation types and what stands behind the comma. Of repeated rel
// parameters the first one counts, as the RFC says.
func parseParams(s string) (rel []string, rest string) {
	found := false
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return rel, ""
		}
		if s[0] == ',' {
			return rel, s[1:]
		}
		if s[0] == ';' {
			s = s[1:]
			continue
		}
		i := strings.IndexAny(s, "=;,")
		if i < 0 {
			return rel, ""
		}
		name := strings.TrimSpace(s[:i])
		if s[i] != '=' {
			s = s[i:]
			continue
		}
		var value string
		value, s = parseValue(strings.TrimLeft(s[i+1:], " \t"))
		if strings.EqualFold(name, "rel") && !found {
			rel, found = strings.Fields(strings.ToLower(value)), true
		}
	}
}

// parseValue reads a token or a quoted string.
func parseValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, ";,")
		if i < 0 {
			return strings.TrimSpace(s), ""
		}
		return strings.TrimSpace(s[:i]), s[i:]
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// NextLink answers the target of the first link with rel "next", resolved
// against the URL that was asked, or nil for none.
func NextLink(h http.Header, asked *url.URL) *url.URL {
	for _, l := range ParseLinks(h.Values("Link")) {
		for _, rel := range l.Rel {
			if rel != "next" {
				continue
			}
			if u, err := asked.Parse(l.Target); err == nil {
				return u
			}
		}
	}
	return nil
}
