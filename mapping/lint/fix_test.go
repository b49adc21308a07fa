package lint_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/lint"
)

func fix(t *testing.T, src string) string {
	t.Helper()
	out, _, err := lint.Fix("x.yaml", []byte(src), lint.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return string(out)
}

func TestFix(t *testing.T) {
	const arms = "from: x\n    to: security_result.summary\n    match:\n      - "
	for _, c := range []struct{ name, rule, want string }{
		{"first alternative", arms + "{regex: '(?i)windows|win', value: a}", arms + "{regex: '(?i)win', value: a}"},
		{"last alternative", arms + `{regex: "win|windows", value: a}`, arms + `{regex: "win", value: a}`},
		{"several alternatives", arms + "{regex: 'a|ab|b|ba|c', value: a}", arms + "{regex: 'a|b|c', value: a}"},
		{"alternative in a group", arms + "{regex: '^(?:a|b|a)$', value: a}", arms + "{regex: '^(?:a|b)$', value: a}"},
		{"padding at both ends", arms + "{regex: '.*ab.*', value: a}", arms + "{regex: 'ab', value: a}"},
		{"padding under flags", arms + "{regex: '(?is).*ab.*?', value: a}", arms + "{regex: '(?is)ab', value: a}"},
		{"padding that would leave a plain text with a sign", arms + "{regex: '.*#ab', value: a}", arms + "{regex: '#ab', value: a}"},
		{"what a repair uncovers", arms + "{regex: '.*win|windows', value: a}", arms + "{regex: 'win', value: a}"},
		{"plain text without quotes", arms + "{regex: ^ab$, value: a}", arms + "{equals: 'ab', value: a}"},
		{"plain text with a quote", arms + "{regex: '^it''s$', value: a}", arms + "{equals: 'it''s', value: a}"},
		{"plain text with an escape", arms + `{regex: '^a\.b$', value: a}`, arms + "{equals: 'a.b', value: a}"},
		{"pattern in double quotes stays", arms + `{regex: "^a\\.b$", value: a}`, arms + `{regex: "^a\\.b$", value: a}`},
		{"source on one line", "{from: [a, b, a], to: target.hostname}", "{from: [a, b], to: target.hostname}"},
		{"source on lines", "from:\n      - a\n      - b\n      - a\n    to: target.hostname", "from:\n      - a\n      - b\n    to: target.hostname"},
		{"comment with a line", "# lint:ignore deprecated gone since\n  - {from: a, to: target.hostname}", "{from: a, to: target.hostname}"},
		{"comment at the end of a line", "{from: a, to: target.hostname} # lint:ignore deprecated gone since", "{from: a, to: target.hostname}"},
		{"silenced finding", arms + "{regex: '(?i)windows|win', value: a} # lint:ignore redundant-alternative as printed",
			arms + "{regex: '(?i)windows|win', value: a} # lint:ignore redundant-alternative as printed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, want := ruleFile(c.rule), ruleFile(c.want)
			src = strings.Replace(src, "  - # lint", "  # lint", 1)
			got := fix(t, src)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("fixed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(got, fix(t, got)); diff != "" {
				t.Errorf("fixed twice (-once +twice):\n%s", diff)
			}
		})
	}
}

func TestFixKeepsBytesElsewhere(t *testing.T) {
	src := strings.ReplaceAll(file("  - {from: [é, b, b], to: target.hostname}", "conditions:", "  used: log.x == \"1\"",
		"  # Of old.", "  unused: >-", "    log.a == \"x\" &&", "    log.b == \"y\"",
		"event_type:", "  - {when: used, is: GENERIC_EVENT}", "  - {is: GENERIC_EVENT}"), "\n", "\r\n")
	want := strings.Replace(src, ", b, b]", ", b]", 1)
	want = strings.Replace(want, "  unused: >-\r\n    log.a == \"x\" &&\r\n    log.b == \"y\"\r\n", "", 1)
	if diff := cmp.Diff(want, fix(t, src)); diff != "" {
		t.Errorf("fixed (-want +got):\n%s", diff)
	}
}

// What is fixed in the shipped rules must map every record as before.
func TestFixMapsAlike(t *testing.T) {
	src, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// More to repair than the pack has by itself.
	for _, r := range [][2]string{
		{"lint:ignore", "once ignored:"},
		{"'(?i)linux'", "'(?i).*linux.*'"},
		{"[details.trace_id, details.via]", "[details.trace_id, details.via, details.trace_id]"},
		{"conditions:\n", "conditions:\n  nobody: log.details.type == \"x\"\n"},
	} {
		if !bytes.Contains(src, []byte(r[0])) && r[0] != "lint:ignore" {
			t.Fatalf("asa.yaml has no %q", r[0])
		}
		src = bytes.ReplaceAll(src, []byte(r[0]), []byte(r[1]))
	}
	fixed, repaired, err := lint.Fix("asa.yaml", src, lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(repaired) < 10 {
		t.Errorf("got %d repairs, want at least 10: %v", len(repaired), said(repaired))
	}
	before, after := compiled(t, src), compiled(t, fixed)
	for seed := range uint64(2) {
		g := asagen.New(seed, asagen.Options{Shuffle: true, Hostile: seed == 1})
		for i := range 3000 {
			record := g.Next(nil)
			want, wantErr := before.Map(nil, record)
			got, gotErr := after.Map(nil, record)
			if !bytes.Equal(got, want) || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
				t.Fatalf("record %d:\n%s\ngot  %s %v\nwant %s %v", i, record, got, gotErr, want, wantErr)
			}
		}
	}
}

func compiled(t *testing.T, src []byte) *mapping.Parser {
	t.Helper()
	p, err := mapping.Compile("asa.yaml", src, mapping.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzFix checks that a repaired pattern matches what it did before.
func FuzzFix(f *testing.F) {
	for _, p := range []string{`(?i)Win|win`, `.*a|(?i)b|.*c.*?`, `(a|b|a)*[|)(]|\Qa|b\E|x`, `a|ab(?i)|ABC|c`, `^a$`, `(?i:a|A)|[[:alpha:]|]`, `(?P<n>a|a)|`} {
		f.Add(p, "abc")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if strings.ContainsAny(pattern, "'\n\r") || len(pattern) > 60 {
			return
		}
		src := ruleFile("from: x\n    to: security_result.summary\n    match:\n      - {regex: '" + pattern + "', value: hit}")
		if _, err := mapping.Compile("x.yaml", []byte(src), mapping.Options{}); err != nil {
			return
		}
		fixed := fix(t, src)
		if want, got := hits(t, src, text), hits(t, fixed, text); got != want {
			t.Errorf("%q on %q: got %t, want %t\n%s", pattern, text, got, want, fixed)
		}
	})
}

var armOf = regexp.MustCompile(`\{(regex|equals): '(.*)', value`)

// hits reports whether the arm of a rule file takes a text.
func hits(t *testing.T, src, text string) bool {
	t.Helper()
	m := armOf.FindStringSubmatch(src)
	if m == nil {
		t.Fatalf("no arm in\n%s", src)
	}
	value := strings.ReplaceAll(m[2], "''", "'")
	if m[1] == "equals" {
		return text == value
	}
	return regexp.MustCompile(value).MatchString(text)
}

// FuzzCheck checks that no rule file that compiles stops the linter.
func FuzzCheck(f *testing.F) {
	// Small ones: the fuzzer's own work grows with their length.
	f.Add(ruleFile("{each: a.b, skip: 1, to: about, use: b}") + "blocks: {b: [{from: x, to: ip}]}\n")
	f.Add(file("  - {value: a, to: target.hostname, when: c}", "conditions: {c: 'has(log.x) || true'}",
		"event_type: [{when: c, is: USER_LOGIN}, {is: GENERIC_EVENT}] # lint:ignore x y"))
	f.Add(whenRule(`log.a == "x" || !(log.b in ["y"] && udm.target.user.userid.matches("(?i)^x$"))`))
	f.Fuzz(func(t *testing.T, src string) {
		found, err := lint.Check("x.yaml", []byte(src), lint.Options{})
		if err != nil && found != nil {
			t.Errorf("got findings and an error: %v", err)
		}
		for _, one := range found {
			if one.Pos.Line < 1 || one.Pos.Line > strings.Count(src, "\n")+1 {
				t.Errorf("finding out of the file: %s", one)
			}
		}
	})
}
