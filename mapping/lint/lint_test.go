package lint_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/lint"
)

// header is what every rule file needs; the rules of a case follow in line 7.
const header = `log_type: EXAMPLE
constants: {metadata.vendor_name: EXAMPLE, metadata.product_name: EXAMPLE}
event_type: GENERIC_EVENT
mappings:
  - {from: time, to: metadata.event_timestamp}
`

func ruleFile(rules ...string) string {
	return header + "  - " + strings.Join(rules, "\n  - ") + "\n"
}

// file is a rule file that has conditions or event types.
func file(parts ...string) string {
	text := strings.Join(parts, "\n") + "\n"
	head := header
	if strings.Contains(text, "event_type:") {
		head = strings.Replace(head, "event_type: GENERIC_EVENT\n", "", 1)
	}
	return head + text
}

func check(t *testing.T, src string) []lint.Finding {
	t.Helper()
	found, err := lint.Check("x.yaml", []byte(src), lint.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return found
}

// said answers findings as "id: message", those of other kinds left out if only
// is not empty.
func said(found []lint.Finding, only ...string) []string {
	var out []string
	for _, f := range found {
		if len(only) == 0 || slices.Contains(only, f.ID) {
			out = append(out, f.ID+": "+f.Msg)
		}
	}
	return out
}

func platformRule(arms ...string) string {
	return ruleFile("from: os\n    to: principal.platform\n    match:\n      - " + strings.Join(arms, "\n      - "))
}

func matchRule(to string, arms ...string) string {
	return ruleFile("from: x\n    to: " + to + "\n    match:\n      - " + strings.Join(arms, "\n      - "))
}

func whenRule(when string) string {
	return ruleFile("{from: user, to: target.user.userid, when: '" + when + "'}")
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"trap behind an earlier arm", platformRule("{regex: (?i)darwin, value: MAC}", "{regex: (?i)win, value: WINDOWS}"), nil},
		{"trap without the case", platformRule("{regex: Win, value: WINDOWS}"), nil},
		{"trap at the end of a word", platformRule(`{regex: '(?i)\bwin', value: WINDOWS}`), nil},
		{"trap in a system without a platform", platformRule(`{regex: '(?i)\bios|tios', value: MAC}`),
			[]string{`substring-trap: "tios" also matches inside "FortiOS 7.4" (none of the platforms), and gives it MAC`}},
		{"whole word in another system", platformRule("{regex: (?i)ux, value: LINUX}"), nil},
		{"trap behind padding", platformRule("{regex: '(?i).*win', value: WINDOWS}"), []string{
			`slow-pattern: ".*" at the end of a pattern costs time and changes nothing`,
			`substring-trap: ".*win" also matches inside "Darwin 22.3.0" (MAC), and gives it WINDOWS`}},
		{"wrong platform", platformRule("{regex: (?i)linux, value: MAC}"), []string{
			`platform-mismatch: the arm gives MAC to "Linux 5.15.0" (LINUX), "Debian GNU/Linux 12 (bookworm)" (LINUX), "Red Hat Enterprise Linux 9" (LINUX)`}},
		{"platform of everything", platformRule("{regex: 'win|', value: WINDOWS}"), []string{`match-all: the pattern "win|" matches every text`}},
		{"platform codes", platformRule("{equals: '1', value: WINDOWS}", "{regex: '^2[0-9]', value: LINUX}"), nil},
		{"platform in capitals", platformRule("{regex: WINDOWS, value: WINDOWS}"), nil},
		{"platform misspelled", platformRule("{regex: (?i)wimdows, value: WINDOWS}"),
			[]string{`platform-mismatch: "(?i)wimdows" matches no well-known name of WINDOWS`}},
		{"enum name inside another", matchRule("network.application_protocol", "{regex: (?i)http, value: HTTP}"),
			[]string{`substring-trap: "http" also matches inside "https" (HTTPS), and gives it HTTP`}},
		{"enum name behind the longer one", matchRule("network.application_protocol", "{regex: (?i)https, value: HTTPS}", "{regex: (?i)http, value: HTTP}"), nil},
		{"contrary", matchRule("security_result.summary", "{regex: (?i)success, value: ok}"),
			[]string{`substring-trap: "success" also matches inside "unsuccessful", and gives it ok`}},
		{"contrary in an earlier arm", matchRule("security_result.summary", "{regex: (?i)unsuccess, value: bad}", "{regex: (?i)success, value: ok}"), nil},
		{"contrary named beside it", matchRule("security_result.summary", "{regex: connect|disconnect, value: link}"),
			[]string{`redundant-alternative: the alternative "disconnect" is never needed: "connect" matches all it does`}},
		{"contrary in a condition", whenRule(`log.action.contains("lock")`), []string{`substring-trap: "lock" is also in "unlock"`}},
		{"contrary known to a condition", whenRule(`log.action.contains("lock") && !log.action.contains("unlock")`), nil},

		{"same label under other conditions", ruleFile(
			"{from: a, to: target.resource.attribute.labels, label: k, when: log.t == \"1\"}",
			"{from: b, to: target.resource.attribute.labels, label: k, when: log.t == \"2\"}"), nil},
		{"same label under the same condition", ruleFile(
			"{from: a, to: target.resource.attribute.labels, label: k, when: log.t == \"1\"}",
			"{from: b, to: target.resource.attribute.labels, label: k, when: log.t == \"1\"}"),
			[]string{`duplicate-label: the label "k" of target.resource.attribute.labels is also written at x.yaml:6:60, and an event may have both`}},
		{"same label of a text and of what would be below it", ruleFile(
			"{from: a, to: target.resource.attribute.labels, label: k}",
			"{from: a.b, to: target.resource.attribute.labels, label: k}"), nil},
		{"same label where the other's source is not", ruleFile(
			"{from: a.b, to: target.resource.attribute.labels, label: k}",
			"{from: c, to: target.resource.attribute.labels, label: k, when: '!has(log.a)'}"), nil},
		{"same label of other fields", ruleFile(
			"{from: a, to: target.resource.attribute.labels, label: k}",
			"{from: b, to: principal.resource.attribute.labels, label: k}"), nil},
		{"few labels have no style", ruleFile(
			"{from: a, to: target.resource.attribute.labels, label: an_a}",
			"{from: b, to: target.resource.attribute.labels, label: aB}"), nil},

		{"always true", whenRule(`log.a == "x" || log.a != "x"`), []string{"constant-condition: the condition is always true"}},
		{"always false", whenRule(`log.a == "x" && log.a == "y"`), []string{"constant-condition: the condition is always false"}},
		{"true of constants", whenRule(`has(udm.metadata.vendor_name)`), []string{"constant-condition: the condition is always true"}},
		{"true of every event", whenRule(`has(udm.metadata.event_timestamp)`), []string{"constant-condition: the condition is always true"}},
		{"may fail either way", whenRule(`int(log.a) > 1 || !(int(log.a) > 1)`), nil},
		{"either of two texts", whenRule(`log.a == "x" || log.a == "y"`), nil},
		{"none of two texts", whenRule(`log.a != "x" && log.a != "y"`), nil},
		{"one of a list", whenRule(`log.a in ["x", "y"] && log.a != "x"`), nil},
		{"none of a list", whenRule(`log.a in ["x", "y"] && log.a == "z"`), []string{"constant-condition: the condition is always false"}},
		{"quoted deep in a list", whenRule(`log.a.exists(x, x == "y")`), nil},

		{"condition used by another", file("  - {from: user, to: target.user.userid, when: b}", "conditions:", "  a: log.x == \"1\"", "  b: a && has(log.y)"), nil},
		{"condition used in a comparison", file("  - {from: user, to: target.user.userid, when: a == true}", "conditions:", "  a: log.x == \"1\""), nil},

		{"field that nobody writes", whenRule(`has(udm.principal.ip)`),
			[]string{"unwritten-field: no rule writes principal.ip, so the event never has it"}},
		{"field around one that is written", ruleFile("{from: h, to: principal.hostname}", "{from: u, to: target.user.userid, when: has(udm.principal)}"), nil},

		{"types that exclude each other", file("event_type:",
			"  - {when: log.a == \"x\", is: GENERIC_EVENT}", "  - {when: log.a == \"y\", is: GENERIC_EVENT}", "  - {is: GENERIC_EVENT}"), nil},
		{"type behind both of its cases", file("event_type:",
			"  - {when: log.a == \"x\", is: GENERIC_EVENT}", "  - {when: log.a == \"y\", is: GENERIC_EVENT}",
			"  - {when: 'log.a in [\"x\", \"y\"]', is: GENERIC_EVENT}", "  - {is: GENERIC_EVENT}"),
			[]string{"unreachable-arm: the arm for GENERIC_EVENT is never reached: whenever its condition holds, that of an earlier arm does"}},
		{"arm behind two others", matchRule("security_result.summary", "{regex: a, value: x}", "{regex: b, value: y}", "{regex: 'ca|cb', value: z}"),
			[]string{"unreachable-arm: the match arm is never reached: the arms before it match whatever it matches"}},
		{"arm behind one that is always part of it", matchRule("security_result.summary", "{regex: win, value: x}", "{regex: '^windows [0-9]+$', value: y}"),
			[]string{"unreachable-arm: the match arm is never reached: the arms before it match whatever it matches"}},
		{"arm behind one that is part of it in one case", matchRule("security_result.summary", "{regex: win, value: x}", "{regex: '(?i)^windows [0-9]+$', value: y}"), nil},
		{"arm behind an anchored one", matchRule("security_result.summary", "{regex: '^win', value: x}", "{regex: 'windows', value: y}"), nil},

		{"login of every event", file("  - {from: u, to: target.user.userid}", "  - {value: SSO, to: extensions.auth.type}", "event_type: USER_LOGIN"), []string{
			"login-without-type: every other event becomes a USER_LOGIN, whatever happened",
			"unguarded-requirement: an event can be USER_LOGIN without target.user"}},
		{"login asked through a condition", file(
			"  - {from: u, to: target.user.userid}", "  - {value: SSO, to: extensions.auth.type, when: event_type == \"USER_LOGIN\"}",
			"conditions:", "  is_login: log.action == \"login\"",
			"event_type:", "  - {when: is_login && has(udm.target.user), is: USER_LOGIN}", "  - {is: GENERIC_EVENT}"), nil},
		{"login by what the record has", file(
			"  - {from: u, to: target.user.userid}", "  - {value: SSO, to: extensions.auth.type}",
			"event_type:", "  - {when: has(log.login_event) && has(log.u), is: USER_LOGIN}", "  - {is: GENERIC_EVENT}"),
			nil},
		{"requirement filled for another type only", file(
			"  - {from: u, to: target.user.userid}", "  - {value: SSO, to: extensions.auth.type, when: event_type == \"GENERIC_EVENT\"}",
			"event_type:", "  - {when: log.a == \"login\" && has(udm.target.user), is: USER_LOGIN}", "  - {is: GENERIC_EVENT}"),
			[]string{"required-field: no rule can write extensions.auth, which USER_LOGIN requires"}},

		{"port out of range", ruleFile("{value: '70000', to: target.port}"), []string{"over-limit: target.port: 70000 is outside 1 to 65535"}},
		{"asset id without vendor", ruleFile("{from: id, format: 'id-{value}', to: principal.asset_id}"),
			[]string{`over-limit: principal.asset_id: "id-x" is not of the form vendor:id with at most 32 and 128 bytes`}},
		{"asset id", ruleFile("{from: id, format: 'OKTA:{value}', to: principal.asset_id}"), nil},
		{"value of a match arm", matchRule("metadata.product_event_type", "{regex: a, value: "+strings.Repeat("x", 65)+"}"),
			[]string{"over-limit: metadata.product_event_type: 65 bytes are more than 64"}},
		{"deprecated value", ruleFile("{value: AWS, to: target.platform}"), []string{"deprecated: AWS is a deprecated value of Noun.Platform"}},
		{"deprecated in a block", file("  - {from: a, to: intermediary, use: b}", "blocks:", "  b:", "    - {from: id, to: resource.id}"),
			[]string{"deprecated: resource.id is deprecated in UDM"}},
		{"address by a match", matchRule("principal.ip", "{equals: local, value: 127.0.0.1}"), nil},

		{"plural", ruleFile("{from: host.a, to: principal.hostname}", "{from: host.b, to: target.hostname}", "{from: host.c, to: src.hostname}",
			"{from: hosts, to: principal.application}"), nil},
		{"number in a name", ruleFile("{from: host1.a, to: principal.hostname}", "{from: host1.b, to: target.hostname}", "{from: host1.c, to: src.hostname}",
			"{from: host2.a, to: principal.application}"), nil},
		{"letters that changed places", ruleFile("{from: host.a, to: principal.hostname}", "{from: host.b, to: target.hostname}", "{from: host.c, to: src.hostname}",
			"{from: hots.d, to: principal.application}"), []string{`path-typo: "hots" is nearly "host", which is used 3 times`}},
		{"case in a condition", ruleFile("{from: host.a, to: principal.hostname}", "{from: host.b, to: target.hostname, when: has(log.Host.a)}"),
			[]string{`path-typo: "Host" is nearly "host", which is used 2 times`}},

		{"two alternatives that overlap", matchRule("security_result.summary", "{regex: 'ab|bc', value: x}"), nil},
		{"alternative in another case", matchRule("security_result.summary", "{regex: 'Win|win', value: x}"), nil},
		{"alternative twice in a group", matchRule("security_result.summary", "{regex: '^(?:a|b|a)$', value: x}"),
			[]string{`redundant-alternative: the alternative "a" is never needed: "a" matches all it does`}},
		{"longer alternative of an extract", ruleFile("{from: x, extract: {regex: 'windows|win'}, to: principal.application}"), nil},
		{"bar in a class", matchRule("security_result.summary", "{regex: 'a[|]a', value: x}"), nil},
		{"bar in a quotation", matchRule("security_result.summary", `{regex: '\Qa|a\E', value: x}`), nil},
		{"repeat of a repeat", matchRule("security_result.summary", "{regex: '(?:a+)+b', value: x}"), []string{`slow-pattern: a repeat of a repeat: "(?:a+)+"`}},
		{"high count", matchRule("security_result.summary", "{regex: 'a{2,900}b', value: x}"), []string{`slow-pattern: the repeat in "a{2,900}" is written out 900 times`}},
		{"padding of an extract", ruleFile("{from: x, extract: {regex: '.*(a)'}, to: principal.application}"), nil},
		{"dot that is one", matchRule("security_result.summary", `{regex: 'a\.*', value: x}`), nil},
		{"anchored padding", matchRule("security_result.summary", "{regex: '^.*a', value: x}"),
			[]string{`slow-pattern: "^.*" costs time and, but for texts of several lines, changes nothing`}},
		{"pattern in a condition", whenRule(`log.a.matches("^x$")`), []string{`plain-pattern: the pattern "^x$" is one fixed text`}},
		{"whole text in any case", matchRule("security_result.summary", "{regex: '(?i)^x$', value: y}"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, said(check(t, c.src))); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%s", diff, c.src)
			}
		})
	}
}

func TestShippedPacks(t *testing.T) {
	want := map[string][]string{
		"asa.yaml": {
			"substring-trap WINDOWS", "redundant-alternative", "substring-trap LINUX", "redundant-alternative",
			"substring-trap MAC", "redundant-alternative", "redundant-alternative",
			"deprecated", "deprecated", "login-without-type", "unguarded-requirement", "unguarded-requirement",
		},
		"asa-corrected.yaml": nil,
		"github-audit.yaml":  nil,
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			src, err := mapping.ReadPack(name)
			if err != nil {
				t.Fatal(err)
			}
			// What the pack itself silences counts here, too.
			src = []byte(strings.ReplaceAll(string(src), "lint:ignore", "once ignored:"))
			found, err := lint.Check(name, src, lint.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				id := f.ID
				if i := strings.LastIndex(f.Msg, "gives it "); i >= 0 {
					id += f.Msg[i+len("gives it"):]
				}
				got = append(got, id)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestShippedPacksHaveNoErrors(t *testing.T) {
	for _, name := range mapping.Packs() {
		src, err := mapping.ReadPack(name)
		if err != nil {
			t.Fatal(err)
		}
		found, err := lint.Check(name, src, lint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := lint.Count(found).Errors; n > 0 {
			t.Errorf("%s has %d errors: %v", name, n, said(found))
		}
	}
}

func TestCheckOfBrokenFile(t *testing.T) {
	found, err := lint.Check("x.yaml", []byte(ruleFile("{from: a, to: principal.usr}")), lint.Options{})
	var list mapping.ErrorList
	if found != nil || !errors.As(err, &list) {
		t.Fatalf("got %v and %v, want an ErrorList alone", found, err)
	}
	got := fmt.Sprint(lint.FromErrors(list)[0])
	if want := list[0].Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFrame(t *testing.T) {
	src := file("  - {from: a, to: principal.user.userid}", "  - {from: u, to: target.user.userid}", "  - {value: SSO, to: extensions.auth.type}",
		"event_type:", "  - when: >-", "      has(udm.target.user) &&", "      has(udm.principal.user)", "    is: USER_LOGIN", "  - {is: GENERIC_EVENT}")
	want := `x.yaml:11:7: warning: every event with has(udm.target.user) && has(udm.principal.user) becomes a USER_LOGIN, whatever happened [login-without-type]
          has(udm.principal.user)
          ^
    hint: ask the record as well, as in log.type.matches("(?i)login")
`
	var got strings.Builder
	if err := lint.WriteText(&got, check(t, src)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}
