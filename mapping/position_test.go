package mapping

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// frameHead stands before what each case of TestFrames adds to the last rule.
const frameHead = `log_type: X
event_type: GENERIC_EVENT
mappings:
  - {from: t, to: metadata.event_timestamp}
`

// TestFrames checks whole messages: the place, the line, the caret under the
// right character and the hint, however the text is written in YAML.
func TestFrames(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{"plain", `  - {from: a, to: principal.hostnam}`, `
rules.yaml:5:29: unknown field "principal.hostnam": Noun has no field "hostnam"
      - {from: a, to: principal.hostnam}
                                ^
    hint: did you mean one of: principal.hostname, principal.asset.hostname, principal.security_result.about.hostname`},
		{"single quotes", `  - {from: a, to: principal.hostname, when: 'log.a == ''x'' && lag.b == ''y'''}`, `
rules.yaml:5:64: unknown name "lag"
      - {from: a, to: principal.hostname, when: 'log.a == ''x'' && lag.b == ''y'''}
                                                                   ^
    hint: did you mean "log"?`},
		{"double quotes", `  - {from: a, to: principal.hostname, when: "log.a == \"x\\\\\" && \x6cag.b == \"\u00e9\" && b"}`, `
rules.yaml:5:68: unknown name "lag"
      - {from: a, to: principal.hostname, when: "log.a == \"x\\\\\" && \x6cag.b == \"\u00e9\" && b"}
                                                                       ^
    hint: did you mean "log"?`},
		{"characters of many bytes", `  - {from: é, to: principal.hostname, when: 'log.é == "日本" && lag.b == "y"'}`, `
rules.yaml:5:51: unexpected "é"
      - {from: é, to: principal.hostname, when: 'log.é == "日本" && lag.b == "y"'}
                                                     ^`},
		{"wide characters before the fault", `  - {from: é, to: principal.hostname, when: 'log["日本"] == "語" && lag.b == "y"'}`, `
rules.yaml:5:73: unknown name "lag"
      - {from: é, to: principal.hostname, when: 'log["日本"] == "語" && lag.b == "y"'}
                                                                        ^
    hint: did you mean "log"?`},
		{"tabs before the fault", "  - {from:\ta,\tto:\tprincipal.hostnam}", `
rules.yaml:5:29: unknown field "principal.hostnam": Noun has no field "hostnam"
      - {from:` + "\ta,\tto:\t" + `principal.hostnam}
              ` + "\t  \t   \t" + `          ^
    hint: did you mean one of: principal.hostname, principal.asset.hostname, principal.security_result.about.hostname`},
		{"literal", "  - from: a\n    to: principal.hostname\n    when: |\n      log.a == \"x\" &&\n\n        lag.b == \"y\"\n", `
rules.yaml:10:9: unknown name "lag"
            lag.b == "y"
            ^
    hint: did you mean "log"?`},
		{"folded, behind a blank line", "  - from: a\n    to: principal.hostname\n    when: >-\n\n      log.a == \"x\"\n\n      && lag.b == \"y\"\n", `
rules.yaml:11:10: unknown name "lag"
          && lag.b == "y"
             ^
    hint: did you mean "log"?`},
		{"literal, behind blank lines", "  - from: a\n    to: principal.hostname\n    when: |\n\n\n      lag.b == \"y\"\n", `
rules.yaml:10:7: unknown name "lag"
          lag.b == "y"
          ^
    hint: did you mean "log"?`},
		{"folded", "  - from: a\n    to: principal.hostname\n    when: >-\n      log.a == \"x\"\n      && log.c == \"z\"\n      && lag.b == \"y\"\n", `
rules.yaml:10:10: unknown name "lag"
          && lag.b == "y"
             ^
    hint: did you mean "log"?`},
		{"folded, fault at the start of a line", "  - from: a\n    to: principal.hostname\n    when: >-\n      log.a == \"x\" &&\n      lag.b == \"y\"\n", `
rules.yaml:9:7: unknown name "lag"
          lag.b == "y"
          ^
    hint: did you mean "log"?`},
		{"folded with lines indented further", "  - from: a\n    to: principal.hostname\n    when: >\n      log.a == \"x\" &&\n        log.c == \"z\" &&\n      lag.b == \"y\"\n", `
rules.yaml:10:7: unknown name "lag"
          lag.b == "y"
          ^
    hint: did you mean "log"?`},
		{"plain over several lines", "  - from: a\n    to: principal.hostname\n    when: log.a == \"x\"\n      && log.c == \"z\"\n      && lag.b == \"y\"\n", `
rules.yaml:9:10: unknown name "lag"
          && lag.b == "y"
             ^
    hint: did you mean "log"?`},
		{"double quotes over several lines", "  - from: a\n    to: principal.hostname\n    when: \"log.a == 'x' \\\n      && log.c == 'z'\n\n      && lag.b == 'y'\"\n", `
rules.yaml:10:10: unknown name "lag"
          && lag.b == 'y'"
             ^
    hint: did you mean "log"?`},
		{"end of an expression", "  - from: a\n    to: principal.hostname\n    when: >-\n      log.a ==\n", `
rules.yaml:8:15: the expression ends too early
          log.a ==
                  ^`},
		{"inside a pattern", `  - {from: a, to: principal.hostname, extract: {regex: 'ä(b|c[z-a])'}}`, `
rules.yaml:5:64: bad regexp: invalid character class range: "z-a"
      - {from: a, to: principal.hostname, extract: {regex: 'ä(b|c[z-a])'}}
                                                                  ^`},
		{"inside a pattern in double quotes", `  - {from: a, to: principal.hostname, match: [{regex: "\t\"(?<=x)", value: y}]}`, `
rules.yaml:5:60: bad regexp: invalid named capture: "(?<=x)"
      - {from: a, to: principal.hostname, match: [{regex: "\t\"(?<=x)", value: y}]}
                                                               ^
    hint: patterns are RE2: no look-around, no back-references`},
		{"inside a pattern in an expression", `  - {from: a, to: principal.hostname, when: 'log["é"].matches(r"ab[z-a]")'}`, `
rules.yaml:5:69: bad regexp: invalid character class range: "z-a"
      - {from: a, to: principal.hostname, when: 'log["é"].matches(r"ab[z-a]")'}
                                                                       ^`},
		{"inside a pattern with escapes in an expression", `  - {from: a, to: principal.hostname, when: 'log.a.matches("a\\d[z-a]")'}`, `
rules.yaml:5:60: bad regexp: invalid character class range: "z-a"
      - {from: a, to: principal.hostname, when: 'log.a.matches("a\\d[z-a]")'}
                                                               ^`},
		{"inside a source path", `  - {from: ['a..b'], to: principal.hostname}`, `
rules.yaml:5:16: empty segment in source path "a..b"
      - {from: ['a..b'], to: principal.hostname}
                   ^
    hint: a dot inside a key is written \.`},
		{"inside a label", `  - {from: a, to: principal.labels, label: 'x {index}'}`, `
rules.yaml:5:47: {index} without each
      - {from: a, to: principal.labels, label: 'x {index}'}
                                                  ^
    hint: only a rule with each has positions`},
		{"path in an expression", `  - {from: a, to: principal.hostname, when: 'log.x == "y" && has(udm.principal.usr.userid)'}`, `
rules.yaml:5:80: unknown field "principal.usr.userid": Noun has no field "usr"
      - {from: a, to: principal.hostname, when: 'log.x == "y" && has(udm.principal.usr.userid)'}
                                                                                   ^
    hint: did you mean one of: principal.user.userid, principal.user_management_chain.userid, principal.domain.registrant.userid`},
		{"carriage returns", "  - {from: a, to: principal.hostnam}\r", `
rules.yaml:5:29: unknown field "principal.hostnam": Noun has no field "hostnam"
      - {from: a, to: principal.hostnam}
                                ^
    hint: did you mean one of: principal.hostname, principal.asset.hostname, principal.security_result.about.hostname`},
		{"alias", "  - {from: &a x..y, to: principal.hostname}\n  - {from: *a, to: target.hostname}", `
rules.yaml:5:17: empty segment in source path "x..y"
      - {from: &a x..y, to: principal.hostname}
                    ^
    hint: a dot inside a key is written \.`},
		{"not YAML", "  - {from: a, to: [principal.hostname}", `
rules.yaml:5:38: not YAML: did not find expected ',' or ']'
      - {from: a, to: [principal.hostname}
                                         ^`},
		{"tag", "  - {from: a, to: !!str principal.hostnam}", `
rules.yaml:5:35: unknown field "principal.hostnam": Noun has no field "hostnam"
      - {from: a, to: !!str principal.hostnam}
                                      ^
    hint: did you mean one of: principal.hostname, principal.asset.hostname, principal.security_result.about.hostname`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Compile("rules.yaml", []byte(frameHead+tc.src), Options{})
			var list ErrorList
			if !errors.As(err, &list) {
				t.Fatalf("got %v, want an ErrorList", err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), list[0].Frame()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
