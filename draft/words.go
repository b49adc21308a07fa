package draft

import (
	"slices"
	"strings"
	"unicode"
)

// wordsOf cuts a key into lower-case words: userAgent, user_agent and "User Agent"
// are all user, agent.
func wordsOf(key string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
		}
		word = word[:0]
	}
	runes := []rune(key)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && startsWord(runes, i):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

// startsWord reports whether the capital at i begins a word: after a small letter,
// or as the last of several capitals, as the A of IPAddress.
func startsWord(runes []rune, i int) bool {
	if !unicode.IsUpper(runes[i-1]) {
		return true
	}
	return i+1 < len(runes) && unicode.IsLower(runes[i+1])
}

// endsWith reports whether words end with the words of phrase.
func endsWith(words []string, phrase string) bool {
	want := strings.Fields(phrase)
	return len(words) >= len(want) && slices.Equal(words[len(words)-len(want):], want)
}
