package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// claim is what one rule, constant or condition says it does for rows.
type claim struct {
	name     string
	rows     []string
	from, to []string
	does     string
}

// faults holds the table and the pack against each other.
func faults(table []row, p pack) []string {
	claims := claimsOf(table, p)
	var all []string
	for _, c := range claims {
		all = append(all, c.faults(table)...)
	}
	for _, r := range table {
		all = append(all, r.faults(claims)...)
	}
	return append(all, eventTypeFaults(table, p)...)
}

func claimsOf(table []row, p pack) []claim {
	var all []claim
	for _, r := range p.Mappings {
		all = append(all, r.claim("", ""))
		for _, inner := range p.Blocks[r.Use] {
			// The table writes the fields of one server only.
			if r.Use != "" && r.Each == "" {
				all = append(all, inner.claim(r.From[0]+".", r.To[0]+"."))
			}
		}
	}
	for path, value := range p.Constants {
		all = append(all, claim{"constant " + path, rowsFrom(table, path), []string{path}, []string{path}, "set " + value})
	}
	for name := range p.Conditions {
		if rows := rowsFrom(table, name); rows != nil {
			all = append(all, claim{"condition " + name, rows, []string{name}, []string{"metadata.event_type"}, p.EventType[0].Is})
		}
	}
	return all
}

func rowsFrom(table []row, from string) []string {
	for _, r := range table {
		if r.from == from {
			return []string{r.number}
		}
	}
	return nil
}

func (r rule) claim(from, to string) claim {
	c := claim{rows: r.Row, does: r.does()}
	for _, path := range append(slices.Clone(r.From), r.Each) {
		if path != "" {
			c.from = append(c.from, from+path)
		}
	}
	for _, path := range r.To {
		c.to = append(c.to, to+path)
	}
	if r.Value != "" {
		c.from = c.to
	}
	c.name = fmt.Sprintf("rule %v -> %v", c.from, c.to)
	return c
}

// does says what the rule does in the words of the table.
func (r rule) does() string {
	var arms []string
	for _, arm := range r.Match {
		arms = append(arms, arm.Value+" "+arm.Regex)
	}
	switch {
	case r.Value != "":
		return "set " + r.Value + strings.NewReplacer("event_type ==", " if metadata.event_type is", `"`, "").Replace(r.When)
	case arms != nil:
		return "match " + strings.Join(arms, "; ")
	case r.Use != "":
		return "object"
	case r.Label != "":
		return "label " + r.Label
	case r.Extract != "":
		return "extract " + r.Extract
	case slices.Contains(r.To, "metadata.event_timestamp"):
		return "time"
	}
	return "copy"
}

func (c claim) faults(table []row) []string {
	var mine []row
	for _, r := range table {
		if slices.Contains(c.rows, r.number) {
			mine = append(mine, r)
		}
	}
	if len(mine) == 0 || len(mine) != len(c.rows) {
		return []string{fmt.Sprintf("%s names rows %q, the table has %d of them", c.name, c.rows, len(mine))}
	}
	var all []string
	for _, path := range c.from {
		if !slices.ContainsFunc(mine, func(r row) bool { return reads(path, r.from) }) {
			all = append(all, fmt.Sprintf("%s: from %q stands in none of its rows", c.name, path))
		}
	}
	for _, path := range c.to {
		if !slices.ContainsFunc(mine, func(r row) bool { return slices.Contains(r.to, path) }) {
			all = append(all, fmt.Sprintf("%s: to %q stands in none of its rows", c.name, path))
		}
	}
	for _, r := range mine {
		if !slices.ContainsFunc(r.how, func(step string) bool { return isStep(c.does, step) }) {
			all = append(all, fmt.Sprintf("%s: row %s does not say %q", c.name, r.number, c.does))
		}
	}
	return all
}

func (r row) faults(claims []claim) []string {
	var from, to, does []string
	for _, c := range claims {
		if slices.Contains(c.rows, r.number) {
			from, to, does = append(from, c.from...), append(to, c.to...), append(does, c.does)
		}
	}
	if from == nil {
		return []string{fmt.Sprintf("row %s (%s) has no rule", r.number, r.from)}
	}
	var all []string
	if !slices.ContainsFunc(from, func(path string) bool { return reads(path, r.from) }) {
		all = append(all, fmt.Sprintf("row %s: no rule reads %q", r.number, r.from))
	}
	for _, path := range r.to {
		if !slices.Contains(to, path) {
			all = append(all, fmt.Sprintf("row %s: no rule writes %q", r.number, path))
		}
	}
	for _, step := range r.how {
		if !slices.ContainsFunc(does, func(done string) bool { return isStep(done, step) }) {
			all = append(all, fmt.Sprintf("row %s: no rule does %q", r.number, step))
		}
	}
	return all
}

// reads reports whether a rule's path reads the row's field: the field itself, a
// position in it, or the identifier of the object that the join put there.
func reads(path, field string) bool {
	inner, ok := strings.CutPrefix(path, field)
	return ok && (inner == "" || inner == ".0" || inner == ".id" && field == "details.server_id")
}

// isStep reports whether what is done is what the table's step says. The step
// may go on to say for which elements.
func isStep(done, step string) bool {
	rest, ok := strings.CutPrefix(step, done)
	return ok && (rest == "" || strings.ContainsAny(rest[:1], " ,"))
}

var (
	conditionName = regexp.MustCompile(`\bhas_\w+`)
	logPath       = regexp.MustCompile(`\blog\.([a-z_.]+)\.matches`)
)

// eventTypeFaults compares the arms of the event type, and the conditions they
// are made of, with what the table says of them.
func eventTypeFaults(table []row, p pack) []string {
	var how string
	for _, r := range table {
		if slices.Contains(r.to, "metadata.event_type") {
			how = strings.Join(r.how, "; ")
		}
	}
	var all []string
	rest := how
	for _, arm := range p.EventType {
		if arm.When == "" {
			continue
		}
		_, after, found := strings.Cut(rest, arm.Is+" if ")
		if !found {
			all = append(all, fmt.Sprintf("event type %s is not the table's, or not at this place", arm.Is))
			continue
		}
		rest = after
	}
	if strings.Contains(rest, " if ") {
		all = append(all, fmt.Sprintf("event types of the table without an arm: %s", rest))
	}
	for _, name := range conditionName.FindAllString(how, -1) {
		if p.Conditions[name] == "" {
			all = append(all, fmt.Sprintf("the table's %s is no condition", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Conditions)) {
		path := logPath.FindStringSubmatch(p.Conditions[name])
		if !strings.Contains(how, name) && (path == nil || !strings.Contains(how, path[1])) {
			all = append(all, fmt.Sprintf("condition %s is not the table's", name))
		}
	}
	return all
}

func TestPackAgreesWithTable(t *testing.T) {
	table, p := readTable(t, read(t, "asa.tsv")), readPack(t, read(t, "asa.yaml"))
	for _, fault := range faults(table, p) {
		t.Error(fault)
	}
}

// The check itself has to notice every kind of drift.
func TestDriftIsFound(t *testing.T) {
	tests := []struct{ name, file, old, new, want string }{
		{"rule gone", "asa.yaml", "  - {row: 55, from: details.ssh_algorithm, to: network.tls.cipher}\n", "", "row 55 (details.ssh_algorithm) has no rule"},
		{"row gone", "asa.tsv", "55\tdetails.ssh_algorithm\tnetwork.tls.cipher\tcopy\n", "", `names rows ["55"], the table has 0`},
		{"rule without row", "asa.yaml", "{row: 55, from", "{from", `names rows [], the table has 0`},
		{"other source", "asa.yaml", "from: details.ssh_algorithm", "from: details.algorithm", `from "details.algorithm" stands in none of its rows`},
		{"other target", "asa.yaml", "to: network.tls.cipher", "to: network.tls.curve", `row 55: no rule writes "network.tls.cipher"`},
		{"one target of two", "asa.yaml", "to: [principal.hostname, principal.asset.hostname]", "to: principal.hostname", `row 14: no rule writes "principal.asset.hostname"`},
		{"second source", "asa.yaml", "from: [details.trace_id, details.via]", "from: details.trace_id", `row 65: no rule reads "details.via"`},
		{"label", "asa.yaml", "label: actor_status", "label: actor_state", `does not say "label actor_state"`},
		{"pattern", "asa.yaml", "(?i)Mac|ios|mac", "(?i)Mac|mac", "row 16: no rule does"},
		{"extraction", "asa.yaml", "extract: version, ", "", `row 17: no rule does "extract version"`},
		{"row in a block", "asa.yaml", "    - {row: 46, from: team_name, to: user.department}\n", "", "row 46 (details.server.team_name) has no rule"},
		{"constant", "asa.yaml", "  metadata.vendor_name: OKTA_SCALEFT", "  metadata.vendor_name: OKTA", `does not say "set OKTA"`},
		{"constant gone", "asa.yaml", "  metadata.vendor_name: OKTA_SCALEFT # row 74\n", "", "row 74 (metadata.vendor_name) has no rule"},
		{"constant added", "asa.yaml", "constants:\n", "constants:\n  metadata.description: x\n", "constant metadata.description names rows []"},
		{"condition gone", "asa.yaml", "  has_target_user: has", "  has_other_user: has", "row 72 (has_target_user) has no rule"},
		{"condition of a row's text", "asa.yaml", "  has_target: ", "  has_other: ", "condition has_other is not the table's"},
		{"event type", "asa.yaml", "is: STATUS_UPDATE", "is: USER_LOGOUT", "event type USER_LOGOUT is not the table's"},
		{"event type gone", "asa.yaml", "  - {when: has_principal, is: STATUS_UPDATE}\n", "", "event types of the table without an arm"},
		{"event type condition", "asa.yaml", `== "USER_LOGIN"`, `== "USER_LOGOUT"`, `does not say "set SSO if metadata.event_type is USER_LOGOUT"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := map[string]string{"asa.tsv": read(t, "asa.tsv"), "asa.yaml": read(t, "asa.yaml")}
			if strings.Count(text[tt.file], tt.old) != 1 {
				t.Fatalf("%s has %q %d times, want once", tt.file, tt.old, strings.Count(text[tt.file], tt.old))
			}
			text[tt.file] = strings.Replace(text[tt.file], tt.old, tt.new, 1)
			got := strings.Join(faults(readTable(t, text["asa.tsv"]), readPack(t, text["asa.yaml"])), "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("got faults:\n%s\nwant one with: %s", got, tt.want)
			}
		})
	}
}
