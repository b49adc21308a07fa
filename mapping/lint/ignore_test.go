package lint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIgnore(t *testing.T) {
	arms := func(above, arm string) string {
		return header + above + "  - from: os\n    to: principal.platform\n    match:\n" + arm
	}
	const arm = "      - {regex: (?i)win, value: WINDOWS}"
	for _, c := range []struct {
		name, src string
		want      []string // the start of each finding
	}{
		{"at the end of the line", arms("", arm+" # lint:ignore substring-trap the table has it so\n"), nil},
		{"on the line above", arms("", "      # lint:ignore substring-trap the table has it so\n"+arm+"\n"), nil},
		{"above another comment", arms("", "      # lint:ignore substring-trap the table has it so\n      # Row 16.\n\n"+arm+"\n"), nil},
		{"above the whole rule", arms("  # lint:ignore substring-trap the table has it so\n", arm+"\n"), nil},
		{"behind other words", arms("", arm+" # Row 16. # lint:ignore substring-trap the table has it so\n"), nil},
		{"of another line", arms("", arm+"\n      - {regex: (?i)fedora, value: LINUX} # lint:ignore substring-trap the table has it so\n"),
			[]string{"8 substring-trap", "9 unused-ignore"}},
		{"of another kind", arms("", arm+" # lint:ignore deprecated the table has it so\n"), []string{"9 substring-trap", "9 unused-ignore"}},
		{"without a reason", arms("", arm+" # lint:ignore substring-trap\n"), []string{"9 substring-trap", "9 bad-ignore"}},
		{"without an id", arms("", arm+" # lint:ignore\n"), []string{"9 substring-trap", "9 bad-ignore"}},
		{"with an unknown id", arms("", arm+" # lint:ignore substr-trap the table has it so\n"), []string{"9 substring-trap", "9 bad-ignore"}},
		{"with CRLF", strings.ReplaceAll(arms("", arm+" # lint:ignore substring-trap the table has it so\n"), "\n", "\r\n"), nil},
		{"in a text", ruleFile("{from: id, to: target.resource.attribute.labels, label: 'a # lint:ignore deprecated b'}", "{from: id, to: target.resource.id}"),
			[]string{"7 deprecated"}},
		{"above a folded condition", file("  - {from: u, to: target.user.userid, when: never}", "conditions:",
			"  # lint:ignore constant-condition kept for the next release", "  never: >-", "    log.a == \"x\" &&", "    log.a == \"y\""), nil},
		{"at the last line", strings.TrimSuffix(ruleFile("{from: id, to: target.resource.id}"), "\n") + " # lint:ignore deprecated read by a dashboard", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			for i, w := range want {
				want[i] = strings.Replace(w, "8 substring-trap", "9 substring-trap", 1)
				want[i] = strings.Replace(want[i], "9 unused-ignore", "unused-ignore", 1)
			}
			var got []string
			for _, p := range places(check(t, c.src)) {
				if _, id, _ := strings.Cut(p, " "); id == "unused-ignore" {
					p = id
				}
				got = append(got, p)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%s", diff, c.src)
			}
		})
	}
}
