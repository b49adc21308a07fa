package mapping

import (
	"slices"
	"testing"
)

func TestRuledOut(t *testing.T) {
	for _, tc := range []struct {
		expr, value string
		want        bool
	}{
		{`(?i)\bdarwin\b`, "Linux 6.1", true},
		{`(?i)\bdarwin\b`, "DARWIN 23", false},
		{`(?i)\bdarwin\b`, "darwinia", false},
		{`(?i)\b(?:win|windows)\b`, "Debian 12", true},
		{`(?i)\b(?:win|windows)\b`, "Windows 11", false},
		{`(?i)kernel`, "\u212aernel", false},
		{`(?i)mask`, "ma\u017fk", false},
		{`(?i)darwin`, "\u212a", true},
		{`(?i)straße`, "STRA\u017f", false},
		{`(?i)straße`, "weg", true},
		{`(?i)é`, "x", false},
		{`é+x?`, "e", true},
		{`é+x?`, "caf\u00e9", false},
		{`a\x{FFFD}bc`, "a\xffb", true},
		{`a\x{FFFD}bc`, "a\xffbc", false},
		{`(ab|cd)?e`, "x", true},
		{`(ab|cd)?e`, "xe", false},
		{`(ab|cd)*`, "x", false},
		{`[a-z]+`, "0", false},
		{`(?:^|New Device"?\s*[=:]\s*"?)(POSITIVE|NEGATIVE)`, "New Device=MAYBE", true},
		{`(?:^|New Device"?\s*[=:]\s*"?)(POSITIVE|NEGATIVE)`, "New Device=NEGATIVE", false},
	} {
		p, err := newPattern(tc.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.ruledOut([]byte(tc.value)); got != tc.want {
			t.Errorf("/%s/ on %q: ruled out is %t, want %t", tc.expr, tc.value, got, tc.want)
		}
	}
}

// TestPacksArePrefiltered checks that no pattern of a shipped pack is run on a
// value without looking for a text first, but for those that hold none.
func TestPacksArePrefiltered(t *testing.T) {
	without := map[string]bool{
		`^[^@]+`:                          true,
		`(?:^|"url"\s*:\s*")([^"{]+)`:     true,
		`(?:^|"reasons"\s*:\s*")([^"{]+)`: true,
	}
	patterns := 0
	for _, pack := range Packs() {
		src, err := ReadPack(pack)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(pack, src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for expr := range patternsOf(p) {
			patterns++
			c, err := newPattern(expr)
			if err != nil {
				t.Fatal(err)
			}
			if c.literals == nil && c.required == nil && !without[expr] {
				t.Errorf("%s: no text is known that /%s/ looks for", pack, expr)
			}
		}
	}
	if patterns < 30 {
		t.Errorf("got %d patterns of all packs, want 30 at least", patterns)
	}
}

// patternsOf answers all patterns of a pack's rules.
func patternsOf(p *Parser) map[string]bool {
	rules := slices.Clone(p.Ruleset().Mappings)
	for _, b := range p.Ruleset().Blocks {
		rules = append(rules, b.Rules...)
	}
	patterns := map[string]bool{}
	for _, r := range rules {
		if r.Extract.Regex.given() {
			patterns[r.Extract.Regex.Value] = true
		}
		for _, a := range r.Match {
			if a.Regex.given() {
				patterns[a.Regex.Value] = true
			}
		}
	}
	return patterns
}

// FuzzRuledOut holds the search for texts against the regular expression.
func FuzzRuledOut(f *testing.F) {
	for _, expr := range []string{`(?i)\b(?:win|windows)\b`, `(?i)k|s`, `(ab|cd)?e|f+g`, `(?i)stra(ß|ss)e`, `a\x{FFFD}b`, `(?i)ſK`, `x{2,3}(?i:y)z`, `(?s:.)\Bk`} {
		for _, value := range []string{"Windows 11", "\u212a", "\u017f", "abe", "a\xffb", "STRASSE", "xxYz"} {
			f.Add(expr, value)
		}
	}
	f.Fuzz(func(t *testing.T, expr, value string) {
		p, err := newPattern(expr)
		if err != nil || len(expr) > 100 {
			return
		}
		want := p.re.MatchString(value)
		if want && p.ruledOut([]byte(value)) {
			t.Errorf("/%s/ matches %q, which was ruled out by %+v", expr, value, p.required)
		}
		if got := p.match([]byte(value), false); got != want {
			t.Errorf("/%s/ on %q: got %t, want %t", expr, value, got, want)
		}
	})
}
