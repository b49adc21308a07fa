package golden_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/golden"
	"github.com/asa2udm/asa2udm/mapping"
)

// seeded are small mistakes in asa.yaml: old becomes new. Each must be caught,
// either when the file is compiled (compiles false) or by the shipped goldens,
// and its place named: the line in which it is, or for a rule that is gone the
// field it wrote.
var seeded = []struct {
	name     string
	old, new string
	compiles bool
	gone     string // the field of a rule that is no more
}{
	// What does not compile.
	{name: "unknown field", old: "to: principal.user.first_name", new: "to: principal.user.firstname"},
	{name: "wrong enum value", old: "'(?i)Lin|lin', value: LINUX", new: "'(?i)Lin|lin', value: LINIX"},
	{name: "pattern that is no regexp", old: "'(?i)Mac|ios|mac'", new: "'(?i)Mac|(ios|mac'"},
	{name: "label on a field that holds none", old: "to: principal.user.department}", new: "to: principal.user.department, label: team}"},
	{name: "field of a condition misspelt", old: "has(udm.target.hostname) ||", new: "has(udm.target.host_name) ||"},
	{name: "event type misspelt", old: "is: USER_UNCATEGORIZED", new: "is: USER_UNCATEGORISED"},
	{name: "two rules for one field", old: "to: target.resource.name}", new: "to: target.resource.id}"},
	{name: "arm that is never reached", old: "  - {when: has_principal, is: STATUS_UPDATE}\n", new: "  - {is: STATUS_UPDATE}\n"},

	// What compiles and does something else.
	{name: "dropped rule", old: "  - {row: 2, from: details.actor.details.first_name, to: principal.user.first_name}\n", compiles: true, gone: "principal.user.first_name"},
	{name: "dropped label rule", old: "  - {row: 56, from: details.ssh_key_fingerprint, to: target.asset.attribute.labels, label: ssh_key_fingerprint}\n", compiles: true, gone: `target.asset.attribute.labels["ssh_key_fingerprint"]`},
	{name: "other label", old: "label: actor_status", new: "label: actor_state", compiles: true},
	{name: "swapped sources", old: "from: details.actor.details.last_name,", new: "from: details.actor.details.first_name,", compiles: true},
	{name: "other precedence", old: "[details.trace_id, details.via]", new: "[details.via, details.trace_id]", compiles: true},
	{name: "precedence of two rows", old: "from: [details.project.id, details.team_id]", new: "from: [details.team_id, details.project.id]", compiles: true},
	{name: "other position", old: "from: details.server.alt_names.0, to: target.asset.hostname", new: "from: details.server.alt_names.1, to: target.asset.hostname", compiles: true},
	{name: "no skip", old: "each: details.server.alt_names, skip: 1", new: "each: details.server.alt_names", compiles: true},
	{name: "no index", old: "'server_services {index}'", new: "server_services", compiles: true},
	{name: "pattern too wide", old: "{regex: '(?i)Lin|lin', value: LINUX}", new: "{regex: '(?i)Lin|ma', value: LINUX}", compiles: true},
	{name: "pattern minds case", old: "'(?i)windows', value: WINDOWS}\n      - {regex: '(?i)mac', value: MAC}\n    to: target.platform", new: "'WINDOWS', value: WINDOWS}\n      - {regex: '(?i)mac', value: MAC}\n    to: target.platform", compiles: true},
	{name: "swapped match arms", old: "      - {regex: '(?i)Win|win', value: WINDOWS}\n      - {regex: '(?i)Lin|lin', value: LINUX}", new: "      - {regex: '(?i)Lin|lin', value: LINUX}\n      - {regex: '(?i)Win|win', value: WINDOWS}", compiles: true},
	{name: "no extract", old: "from: details.client_ip, extract: ip,", new: "from: details.client_ip,", compiles: true},
	{name: "one target of two", old: "from: details.from_address, extract: ip, to: [principal.ip, principal.asset.ip]", new: "from: details.from_address, extract: ip, to: principal.ip", compiles: true},
	{name: "other field", old: "from: details.server_os, to: target.platform_version", new: "from: details.server_os, to: target.namespace", compiles: true},
	{name: "wrong when", old: `when: event_type == "USER_LOGIN"`, new: `when: event_type != "USER_LOGIN"`, compiles: true},
	{name: "swapped event types", old: "is: USER_UNCATEGORIZED}\n  - {when: has_principal, is: STATUS_UPDATE}", new: "is: STATUS_UPDATE}\n  - {when: has_principal, is: USER_UNCATEGORIZED}", compiles: true},
	{name: "dropped event type", old: "  - {when: has_principal, is: STATUS_UPDATE}\n", compiles: true, gone: "metadata.event_type"},
	{name: "condition turned", old: "has_target_user: has(udm.target.user.userid) || has", new: "has_target_user: has(udm.target.user.userid) && has", compiles: true},
	{name: "condition too wide", old: `matches("(?i)login")`, new: `matches("(?i)log|issue")`, compiles: true},
	{name: "other constant", old: "metadata.vendor_name: OKTA_SCALEFT", new: "metadata.vendor_name: OKTA", compiles: true},
	{name: "rule of a block", old: "{row: 37, from: os, to: platform_version}", new: "{row: 37, from: os_type, to: platform_version}", compiles: true},
	{name: "block used elsewhere", old: "from: details.server, to: intermediary, use: server", new: "from: details.server, to: observer, use: server", compiles: true},
	{name: "timestamp of something else", old: "from: timestamp, to: metadata.event_timestamp", new: "from: created_at, to: metadata.event_timestamp", compiles: true},
}

func TestSeededMistakes(t *testing.T) {
	src, err := mapping.ReadPack("asa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cases := find(t, shipped+"/asa", "asa.yaml")
	for _, m := range seeded {
		t.Run(m.name, func(t *testing.T) {
			edited := strings.Replace(string(src), m.old, m.new, 1)
			if edited == string(src) {
				t.Fatalf("asa.yaml has no %q", m.old)
			}
			named := places(t, cases, edited, m.compiles)
			if len(named) == 0 {
				t.Fatal("not caught")
			}
			if m.gone == "" && !slices.ContainsFunc(changedLines(string(src), edited), func(line int) bool {
				return slices.Contains(named, fmt.Sprintf("asa.yaml:%d", line))
			}) {
				t.Errorf("caught at %q, the mistake is in line %d", named, changedLines(string(src), edited))
			}
			if m.gone != "" && !slices.Contains(named, m.gone) {
				t.Errorf("caught at %q, the mistake is the missing %s", named, m.gone)
			}
		})
	}
}

// places answers the places and fields that are named when a rule file is
// compiled, or if it compiles when the cases are run.
func places(t *testing.T, cases []golden.Suite, src string, compiles bool) []string {
	t.Helper()
	parser, err := mapping.Compile("asa.yaml", []byte(src), mapping.Options{})
	if (err == nil) != compiles {
		t.Fatalf("compiles: %v, want %v", err, compiles)
	}
	var named []string
	var faults mapping.ErrorList
	if errors.As(err, &faults) {
		for _, f := range faults {
			named = append(named, fmt.Sprintf("%s:%d", f.Pos.File, f.Pos.Line))
		}
		return named
	}
	report := run(t, cases, golden.Options{Compile: func(string) (*mapping.Parser, error) { return parser, nil }})
	for _, c := range report.Cases {
		for _, f := range c.Failures {
			named = append(named, f.Path)
			for _, p := range f.Rules {
				named = append(named, p.String())
			}
		}
	}
	return named
}

// changedLines answers the numbers of the lines of after that differ from before.
func changedLines(before, after string) []int {
	old, edited := strings.Split(before, "\n"), strings.Split(after, "\n")
	first, last := 0, 0
	for first < min(len(old), len(edited)) && old[first] == edited[first] {
		first++
	}
	for last < min(len(old), len(edited))-first && old[len(old)-1-last] == edited[len(edited)-1-last] {
		last++
	}
	var lines []int
	for line := first; line < max(len(edited)-last, first+1); line++ {
		lines = append(lines, line+1)
	}
	return lines
}
