package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A report goes where the log itself would not, so an example that may be a
// secret shows only how long it is. Better one example too few than a password.

var (
	// secretName matches names of members whose value is none of a reader's
	// business.
	secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|token|credential|api_?-?key|private_?-?key|authorization|cookie|assertion|signature|otp\b|(^|[._-])(pin|pwd|auth|jwt)$`)
	// secretValue matches values that tell by themselves what they are.
	secretValue = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.|-----BEGIN|(?i)\bbearer\s+\S|\b(basic|digest)\s+[A-Za-z0-9+/=]{8,}|\b(AKIA|ASIA)[0-9A-Z]{12,}|\bgh[pousr]_[A-Za-z0-9]{16,}|\bxox[abprs]-|://[^/\s:@]+:[^/\s@]+@`)
	// member matches a member with a text in a piece of JSON, which may be cut off
	// at its end.
	member = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^",{}\[\]\s]+)`)
	text   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
)

// masked answers an example as it may be shown. path is where it stands in the
// record, example its JSON, perhaps cut off.
func masked(path, example string) string {
	if secretName.MatchString(lastName(path)) {
		return hidden(example)
	}
	example = member.ReplaceAllStringFunc(example, func(m string) string {
		parts := member.FindStringSubmatch(m)
		if !secretName.MatchString(parts[1]) {
			return m
		}
		return `"` + parts[1] + `"` + parts[2] + hidden(parts[3])
	})
	return text.ReplaceAllStringFunc(example, func(s string) string {
		if looksSecret(strings.Trim(s, `"`)) {
			return hidden(s)
		}
		return s
	})
}

// hidden stands for a value that is not shown. Nothing can be told from a truth
// value or an absent one, so they stay.
func hidden(value string) string {
	switch value {
	case "true", "false", "null", `""`:
		return value
	}
	return fmt.Sprintf(`"(masked, %s)"`, count(utf8.RuneCountInString(strings.Trim(value, `"`)), "character"))
}

// lastName answers the name of the member at the end of a path.
func lastName(path string) string {
	path = strings.TrimSuffix(path, "[]")
	return path[strings.LastIndexByte(path, '.')+1:]
}

// looksSecret reports whether a text has the form of a credential: a known one,
// or many characters at random.
func looksSecret(s string) bool {
	return secretValue.MatchString(s) || looksRandom(s)
}

// minRandom is the length from which characters at random may be a key.
// Identifiers such as UUIDs have hyphens and one case, and stay.
const minRandom = 32

func looksRandom(s string) bool {
	var upper, lower, digit bool
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digit = true
		case !strings.ContainsRune("+/=_-", r):
			return false
		}
	}
	if len(s) < minRandom || !digit {
		return false
	}
	return upper && lower || len(s) >= 40 && !strings.Contains(s, "-")
}
