package draft

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Examples go into a file that people show around, so what may be a secret is
// left out of it.

const masked = "(masked)"

var secretWords = []string{
	"password", "passwords", "passwd", "pwd", "pass", "passphrase", "passcode", "secret", "secrets", "token", "tokens",
	"jwt", "bearer", "apikey", "credential", "credentials", "authorization", "cookie", "cookies", "otp", "totp", "pin",
	"assertion", "nonce", "privatekey", "accesskey", "secretkey",
}

// Words before "key" that make it a secret; a public key is none.
var secretKeys = []string{"api", "access", "private", "secret", "signing", "encryption", "auth", "master", "shared", "client", "host"}

// Words after a secret one that make it harmless: token_type, password_changed.
var harmlessWords = []string{
	"type", "kind", "id", "name", "status", "state", "count", "expires", "expiry", "expiration", "at", "time", "provider",
	"required", "enabled", "set", "changed", "age", "length", "policy", "url", "format", "result",
}

// secretName reports whether a key says that its value is a secret. Below a
// secret all is one that is not harmless by its own name.
func secretName(words []string, below bool) bool {
	if len(words) == 0 {
		return below
	}
	if last := words[len(words)-1]; slices.Contains(harmlessWords, last) {
		return false
	}
	for i, w := range words {
		if slices.Contains(secretWords, w) {
			return true
		}
		if i > 0 && (w == "key" || w == "keys") && slices.Contains(secretKeys, words[i-1]) {
			return true
		}
	}
	return below
}

// Words of a key whose value is long and random and meant to be seen.
var openWords = []string{"public", "fingerprint", "hash", "digest", "checksum", "etag", "sha1", "sha256", "md5"}

// secretValue finds the usual forms of tokens, keys and passwords in a text.
var secretValue = regexp.MustCompile(`(?i)^(bearer|basic|ssws|token)\s+\S|^eyJ[\w-]+\.[\w-]+|-----BEGIN|\bAKIA[0-9A-Z]{12,}|\bASIA[0-9A-Z]{12,}|` +
	`\bgh[pousr]_\w{10,}|github_pat_|\bxox[abeprs]-|\b[sr]k_(live|test)_|\bAIza[\w-]{30,}|\bya29\.|\bglpat-|\bnpm_\w{20,}|` +
	`://[^/\s:@]*:[^/\s@]+@|[?&#;](access_?token|token|id_token|api_?key|key|sig|signature|secret|client_secret|password|passwd|pwd|code|session_?token)=[^&\s]|` +
	`\b(password|passwd|pwd|secret|token|api_?key)\s*[=:]\s*\S`)

// opaque finds a run of characters long enough to be a key.
var opaque = regexp.MustCompile(`[A-Za-z0-9_+/=-]{32,}`)

// secretText reports whether a text looks like a secret. words are those of its
// path.
func secretText(s string, words []string) bool {
	if secretValue.MatchString(s) {
		return true
	}
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(openWords, w) }) {
		return false
	}
	for _, run := range opaque.FindAllString(s, -1) {
		if mixed(run) {
			return true
		}
	}
	return false
}

// mixed reports whether a text has small letters, capitals and digits, as random
// keys have; names and hexadecimal digests have not.
func mixed(s string) bool {
	var lower, upper, digits int
	for _, r := range s {
		switch {
		case unicode.IsLower(r):
			lower++
		case unicode.IsUpper(r):
			upper++
		case unicode.IsDigit(r):
			digits++
		}
	}
	return lower >= 4 && upper >= 4 && digits >= 3
}

const (
	maxExample = 40   // characters
	maxLooked  = 64   // values of a place that may become examples
	maxSearch  = 4096 // bytes of a value that are searched for secrets
)

// example keeps a value to show, if there is room and it is a new one.
func (p *place) example(v string, k kind) {
	if len(p.examples) >= maxExamples || p.looked >= maxLooked {
		return
	}
	p.looked++
	shown := short(v)
	switch {
	case k == truth:
	case p.secret || secretText(v[:min(len(v), maxSearch)], p.words):
		shown = masked
	case k == text:
		shown = strconv.Quote(shown)
	}
	if !slices.Contains(p.examples, shown) {
		p.examples = append(p.examples, shown)
	}
}

func short(v string) string {
	if utf8.RuneCountInString(v) <= maxExample {
		return strings.Clone(v)
	}
	end := 0
	for range maxExample - 1 {
		_, size := utf8.DecodeRuneInString(v[end:])
		end += size
	}
	return v[:end] + "…"
}
