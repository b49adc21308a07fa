package mapping

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/udm"
)

// TestExplainLists checks what Explain says of lists: each element by itself, a
// repeated value as lost, and unread members by their position.
func TestExplainLists(t *testing.T) {
	p := compileText(t, `
log_type: X
mappings:
  - {from: t, to: metadata.event_timestamp}
  - {from: ips, extract: ip, to: principal.ip}
  - {from: again, extract: ip, to: principal.ip}
  - {name: constant, value: 2.2.2.2, to: principal.ip}
  - {value: fixed, to: principal.hostname}
  - {each: servers, from: name, to: target.resource.attribute.labels, label: 'server {index}'}
event_type: GENERIC_EVENT
`)
	x := p.Explain([]byte(`{"t":"2024-01-02T03:04:05Z","ips":["1.1.1.1:80","2.2.2.2:80"],"again":"x 1.1.1.1","servers":[{"name":"a"},{"name":"b","os":"z"}]}`))
	var got []string
	for _, v := range x.Values {
		line := v.Path + " = " + v.Value + " <- " + v.Source + " " + v.Raw
		for _, tr := range v.Transforms {
			line += " " + tr.Name + ":" + tr.After
		}
		for _, l := range v.Lost {
			line += " lost " + l.Source + " (" + l.Why + ")"
		}
		got = append(got, line)
	}
	want := []string{
		`metadata.event_timestamp = "2024-01-02T03:04:05Z" <- t "2024-01-02T03:04:05Z" timestamp:"2024-01-02T03:04:05Z"`,
		`metadata.event_type = "GENERIC_EVENT" <-  `,
		`principal.hostname = "fixed" <-  `,
		`principal.ip[0] = "1.1.1.1" <- ips[0] "1.1.1.1:80" extract:1.1.1.1 lost again (the list has the value already)`,
		`principal.ip[1] = "2.2.2.2" <- ips[1] "2.2.2.2:80" extract:2.2.2.2 lost  (the list has the value already)`,
		`target.resource.attribute.labels[0] = {"key":"server 0","value":"a"} <- servers[0].name "a"`,
		`target.resource.attribute.labels[1] = {"key":"server 1","value":"b"} <- servers[1].name "b"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]UnreadValue{{"servers[1].os", `"z"`}}, x.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
}

// TestCoverPagesAndRejects checks that only records with an event are counted: a
// page is no record, and neither is what is rejected.
func TestCoverPagesAndRejects(t *testing.T) {
	p := compileText(t, `
log_type: X
mappings:
  - {from: t, to: metadata.event_timestamp}
  - {from: a, to: principal.ip}
  - {from: b, to: principal.ip}
event_type: GENERIC_EVENT
`)
	input := `{"list":[{"t":"2024-01-02T03:04:05Z","a":"1.1.1.1","b":"1.1.1.1","c":1}],"related_objects":{}}
{"t":"never","c":2}
{"t":"2024-01-02T03:04:05Z","a":"not an address","d":3}
`
	violating := int64(0)
	c, err := Cover(context.Background(), p, strings.NewReader(input), StreamOptions{
		Validate: func(int64, []udm.Violation) { violating++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Fields {
		if f.Path == "metadata.event_type" && f.Events != 2 {
			t.Errorf("%s: got %d events, want 2", f.Path, f.Events)
		}
	}
	var hits []int64
	for _, r := range c.Rules {
		hits = append(hits, r.Hits)
	}
	if diff := cmp.Diff([]int64{2, 2, 1}, hits); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]UnreadCount{{"c", 1, 1, "1"}, {"d", 1, 3, "3"}}, c.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	if violating != 1 || c.Stats.Violating != 1 || c.Stats.Rejected != 1 {
		t.Errorf("got %d violating events told and %d counted, %d rejected; want 1 each", violating, c.Stats.Violating, c.Stats.Rejected)
	}
}

// TestWatchLongLists checks that a list of which only the first elements are kept
// is explained to its end, and that its unread members count once each, however
// many rules go over it.
func TestWatchLongLists(t *testing.T) {
	p := compileText(t, `
log_type: X
mappings:
  - {from: t, to: metadata.event_timestamp}
  - {each: hops, from: [name, alias], to: principal.hostname}
  - {each: hops, from: name, to: principal.user.group_identifiers}
event_type: GENERIC_EVENT
`)
	const passed = 2 * maxSlots
	record := `{"t":"2024-01-02T03:04:05Z","hops":[` + strings.Repeat(`{"x":{"y":1}},`, passed) + `{"name":"a","alias":"b","x":1},{"name":"c"}]}`
	x := p.Explain([]byte(record))
	host := x.Values[slices.IndexFunc(x.Values, func(v Explained) bool { return v.Path == "principal.hostname" })]
	if len(host.Lost) != 1 || host.Lost[0].Raw != `"b"` || host.Value != `"a"` {
		t.Errorf("got %s, lost %+v; want a, and b lost", host.Value, host.Lost)
	}
	if got := len(x.Unread); got != passed+1 || x.Unread[passed].Path != fmt.Sprintf("hops[%d].x", passed) {
		t.Errorf("got %d unread values, the last one %v, want %d", got, x.Unread[got-1], passed+1)
	}
	c, err := Cover(context.Background(), p, strings.NewReader(record), StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]UnreadCount{{"hops[].x", passed + 1, 1, `{"y":1}`}}, c.Unread); diff != "" {
		t.Errorf("unread of the coverage (-want +got):\n%s", diff)
	}
}

// TestExplainMemberNames checks the path of a member whose name has a colon.
func TestExplainMemberNames(t *testing.T) {
	p := compileText(t, `
log_type: X
mappings:
  - {from: t, to: metadata.event_timestamp}
  - {from: a, to: additional.fields, label: 'k8s:"role"'}
event_type: GENERIC_EVENT
`)
	x := p.Explain([]byte(`{"t":"2024-01-02T03:04:05Z","a":"edge"}`))
	if v := x.Values[len(x.Values)-1]; v.Path != `additional["k8s:\"role\""]` || v.Value != `"edge"` {
		t.Errorf("got %s = %s", v.Path, v.Value)
	}
}
