package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// oktaPack is as much of okta.yaml as its table speaks of.
type oktaPack struct {
	Constants  map[string]string     `yaml:"constants"`
	Mappings   []oktaRule            `yaml:"mappings"`
	Blocks     map[string][]oktaRule `yaml:"blocks"`
	Conditions map[string]string     `yaml:"conditions"`
	EventType  []struct {
		When string `yaml:"when"`
		Is   string `yaml:"is"`
	} `yaml:"event_type"`
}

type oktaRule struct {
	Row   texts  `yaml:"row"`
	From  texts  `yaml:"from"`
	Each  string `yaml:"each"`
	Match []struct {
		Value string `yaml:"value"`
	} `yaml:"match"`
	To  texts  `yaml:"to"`
	Use string `yaml:"use"`
}

// oktaRow is one row of okta.tsv.
type oktaRow struct {
	number, to string
	from       []string // alternative places
	equals     string   // the value that the row wants at to, if it names one
	leftOut    string   // why no rule stands for it
}

// oktaClaim is what one rule says it does for rows, through every use of the
// block it stands in.
type oktaClaim struct {
	rows, from, to, values []string
}

// beyondTable are the targets of rules that stand for no row. UDM asks event
// types for them.
var beyondTable = []string{"security_result.category", "target.group.product_object_id", "target.group.group_display_name"}

var (
	// The parser behind the table has names of its own for places in the event.
	oktaNames = map[string]string{
		"user_email":         "actor.alternateId",
		"user_id":            "actor.alternateId",
		"user_agent.browser": "client.userAgent.browser",
		"platform (iOS)":     "client.userAgent.os",
		"operator":           "debugContext.debugData.tunnels.operator",
		"type":               "debugContext.debugData.tunnels.type",
	}
	ownNames    = regexp.MustCompile(`^(msg|json_array\.n)\.`)
	positions   = regexp.MustCompile(`\[n?\]|\.(\d+|n)\b`)
	eventTypeIs = regexp.MustCompile(`^eventType == (\S+)$`)
)

func readOktaTable(t *testing.T, text string) []oktaRow {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var table []oktaRow
	for _, line := range lines[1:] {
		field := strings.Split(line, "\t")
		if len(field) != 6 {
			t.Fatalf("row with %d columns, want 6: %s", len(field), line)
		}
		r := oktaRow{number: field[0], leftOut: field[4]}
		r.to, r.equals, _ = strings.Cut(field[2], " = ")
		r.to = place(r.to)
		for _, from := range strings.Split(field[1], " / ") {
			r.from = append(r.from, place(from))
		}
		if field[1] == "(constant)" {
			r.from = []string{r.to}
			r.equals, _, _ = strings.Cut(strings.TrimPrefix(field[3], "constant "), ";")
		}
		table = append(table, r)
	}
	return table
}

// place writes a path of the table or of a rule without positions and under
// Okta's own name.
func place(path string) string {
	if name := oktaNames[path]; name != "" {
		return name
	}
	return positions.ReplaceAllString(ownNames.ReplaceAllString(path, ""), "")
}

func readOktaPack(t *testing.T, text string) oktaPack {
	t.Helper()
	var p oktaPack
	if err := yaml.Load([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// claims gives one claim for each rule that takes a value, in blocks as well.
func (p oktaPack) claims() []oktaClaim {
	blocks := make(map[string][]oktaClaim)
	all := p.collect(p.Mappings, "", "", blocks)
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		all = append(all, blocks[name]...)
	}
	for path, value := range p.Constants {
		all = append(all, oktaClaim{rows: nil, from: []string{path}, to: []string{path}, values: []string{value}})
	}
	return all
}

// collect gives the claims of rules whose paths are relative to from and to. The
// claims of a block are merged over all its uses.
func (p oktaPack) collect(rules []oktaRule, from, to string, blocks map[string][]oktaClaim) []oktaClaim {
	var all []oktaClaim
	for _, r := range rules {
		c := r.claim(from, to)
		if r.Use == "" {
			all = append(all, c)
			continue
		}
		inner := p.collect(p.Blocks[r.Use], c.from[0]+".", strings.Join(append(c.to, ""), "."), blocks)
		for i := range blocks[r.Use] {
			inner[i].from = append(inner[i].from, blocks[r.Use][i].from...)
			inner[i].to = append(inner[i].to, blocks[r.Use][i].to...)
		}
		blocks[r.Use] = inner
	}
	return all
}

func (r oktaRule) claim(from, to string) oktaClaim {
	c := oktaClaim{rows: r.Row}
	sources := r.From
	if len(sources) == 0 {
		sources = texts{""}
	}
	for _, path := range sources {
		c.from = append(c.from, place(from+strings.Trim(r.Each+"."+path, ".")))
	}
	for _, path := range r.To {
		path = to + path
		if strings.HasSuffix(path, ".roles") {
			path += ".name"
		}
		c.to = append(c.to, path)
	}
	if len(r.To) == 0 && to != "" {
		c.to = []string{strings.TrimSuffix(to, ".")}
	}
	for _, arm := range r.Match {
		c.values = append(c.values, arm.Value)
	}
	return c
}

// oktaFaults holds the table and the pack against each other.
func oktaFaults(table []oktaRow, p oktaPack) []string {
	claims := p.claims()
	var all []string
	for _, c := range claims {
		all = append(all, c.faults(table)...)
	}
	for _, r := range table {
		if strings.HasPrefix(r.from[0], "eventType == ") {
			all = append(all, r.eventTypeFaults(p)...)
			continue
		}
		all = append(all, r.faults(claims)...)
	}
	return all
}

// faults says which paths of the rule stand in none of its rows.
func (c oktaClaim) faults(table []oktaRow) []string {
	if c.rows == nil {
		if c.values != nil || slices.Contains(beyondTable, c.to[0]) {
			return nil
		}
		return []string{fmt.Sprintf("the rule to %v names no row", c.to)}
	}
	var mine []oktaRow
	for _, r := range table {
		if slices.Contains(c.rows, r.number) {
			mine = append(mine, r)
		}
	}
	var all []string
	if len(mine) != len(c.rows) {
		all = append(all, fmt.Sprintf("the rule to %v names rows %q, the table has %d of them", c.to, c.rows, len(mine)))
	}
	for _, path := range c.from {
		if !slices.ContainsFunc(mine, func(r oktaRow) bool { return slices.ContainsFunc(r.from, within(path)) }) {
			all = append(all, fmt.Sprintf("rows %q: %q stands in none of them", c.rows, path))
		}
	}
	for _, path := range c.to {
		if !slices.ContainsFunc(mine, func(r oktaRow) bool { return r.to == path }) {
			all = append(all, fmt.Sprintf("rows %q: target %q stands in none of them", c.rows, path))
		}
	}
	return all
}

// samePlace takes away what makes two places of one: the envelope, and the text
// that says behaviors and risk once more.
var samePlace = strings.NewReplacer("detail.", "", "logOnlySecurityData.", "")

// within reports whether a field is at or below a path: a text may hold several
// fields.
func within(path string) func(field string) bool {
	return func(field string) bool {
		same := samePlace.Replace(field) == samePlace.Replace(path)
		return same || strings.HasPrefix(strings.TrimPrefix(field, "detail."), strings.TrimPrefix(path, "detail.")+".")
	}
}

// faults says what of the row no rule does.
func (r oktaRow) faults(claims []oktaClaim) []string {
	var mine []oktaClaim
	for _, c := range claims {
		if slices.Contains(c.rows, r.number) || c.rows == nil && c.values != nil && c.from[0] == r.from[0] {
			mine = append(mine, c)
		}
	}
	switch {
	case r.leftOut != "" && mine != nil:
		return []string{fmt.Sprintf("row %s is left out and has a rule", r.number)}
	case r.leftOut != "":
		return nil
	case mine == nil:
		return []string{fmt.Sprintf("row %s (%s) has no rule", r.number, r.from)}
	}
	var from, to, values []string
	for _, c := range mine {
		from, to, values = append(from, c.from...), append(to, c.to...), append(values, c.values...)
	}
	var all []string
	for _, field := range r.from {
		if !slices.Contains(from, field) {
			all = append(all, fmt.Sprintf("row %s: no rule reads %q", r.number, field))
		}
	}
	if !slices.Contains(to, r.to) {
		all = append(all, fmt.Sprintf("row %s: no rule writes %q", r.number, r.to))
	}
	if r.equals != "" && !slices.Contains(values, r.equals) {
		all = append(all, fmt.Sprintf("row %s: no rule writes %s", r.number, r.equals))
	}
	return all
}

// eventTypeFaults finds the first arm that speaks of the row's Okta event type.
func (r oktaRow) eventTypeFaults(p oktaPack) []string {
	name := eventTypeIs.FindStringSubmatch(r.from[0])[1]
	for _, arm := range p.EventType {
		when := arm.When
		for _, condition := range slices.Sorted(maps.Keys(p.Conditions)) {
			when = strings.ReplaceAll(when, condition, p.Conditions[condition])
		}
		if arm.When != "" && strings.Contains(when, `"`+name+`"`) && !strings.Contains(when, `!= "`+name+`"`) {
			if arm.Is == r.equals {
				return nil
			}
			return []string{fmt.Sprintf("row %s: %s is %s, want %s", r.number, name, arm.Is, r.equals)}
		}
	}
	if r.equals == "USER_UNCATEGORIZED" {
		return nil // what remains
	}
	return []string{fmt.Sprintf("row %s: no event type for %s", r.number, name)}
}

func TestOktaPackAgreesWithTable(t *testing.T) {
	table, p := readOktaTable(t, read(t, "okta.tsv")), readOktaPack(t, read(t, "okta.yaml"))
	for _, fault := range oktaFaults(table, p) {
		t.Error(fault)
	}
}

// The check itself has to notice every kind of drift.
func TestOktaDriftIsFound(t *testing.T) {
	tests := []struct{ name, file, old, new, want string }{
		{"rule gone", "okta.yaml", "  - {row: 295, from: securityContext.asOrg, to: network.organization_name}\n", "", "row 295 ([securityContext.asOrg]) has no rule"},
		{"row gone", "okta.tsv", "295\tsecurityContext.asOrg", "1295\tsecurityContext.asOrg", `names rows ["295"], the table has 0`},
		{"rule without row", "okta.yaml", "{row: 295, from", "{from", "the rule to [network.organization_name] names no row"},
		{"rule for a row left out", "okta.yaml", "{row: 295, from", "{row: [245, 295], from", "row 245 is left out and has a rule"},
		{"other source", "okta.yaml", "from: securityContext.asOrg", "from: securityContext.org", `"securityContext.org" stands in none of them`},
		{"other target", "okta.yaml", "to: network.organization_name", "to: network.carrier_name", `row 295: no rule writes "network.organization_name"`},
		{"one target of two", "okta.yaml", "to: [target.user.attribute.roles.name, target.user.attribute.roles.description]", "to: target.user.attribute.roles.name", `row 109: no rule writes "target.user.attribute.roles.description"`},
		{"envelope", "okta.yaml", "from: [uuid, detail.uuid]", "from: uuid", `row 151: no rule reads "detail.uuid"`},
		{"source in a block", "okta.yaml", "from: dtHash,", "from: hash,", `row 93: no rule reads "debugContext.debugData.dtHash"`},
		{"target of a block", "okta.yaml", "each: target, to: target.user, use: user", "each: target, to: target.process.user, use: user", `target "target.process.user`},
		{"value", "okta.yaml", "value: IOS}", "value: MAC}", "row 294: no rule writes IOS"},
		{"constant", "okta.yaml", "metadata.vendor_name: Okta #", "metadata.vendor_name: OKTA #", "row 157: no rule writes Okta"},
		{"event type", "okta.yaml", "is: USER_CHANGE_PERMISSIONS}", "is: USER_UNCATEGORIZED}", "row 305: application.user_membership.remove is USER_UNCATEGORIZED, want USER_CHANGE_PERMISSIONS"},
		{"event type gone", "okta.yaml", `"app.oauth2.authorize.code", `, "", "row 303: no event type for app.oauth2.authorize.code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := map[string]string{"okta.tsv": read(t, "okta.tsv"), "okta.yaml": read(t, "okta.yaml")}
			if strings.Count(text[tt.file], tt.old) != 1 {
				t.Fatalf("%s has %q %d times, want once", tt.file, tt.old, strings.Count(text[tt.file], tt.old))
			}
			text[tt.file] = strings.Replace(text[tt.file], tt.old, tt.new, 1)
			got := strings.Join(oktaFaults(readOktaTable(t, text["okta.tsv"]), readOktaPack(t, text["okta.yaml"])), "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("got faults:\n%s\nwant one with: %s", got, tt.want)
			}
		})
	}
}
