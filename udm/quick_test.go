package udm

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// quickEvents are events of many shapes: what a gap may hold, what it may not,
// and values of every kind with and without faults.
func quickEvents(t testing.TB) []string {
	file, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	events := []string{string(file), strings.ReplaceAll(string(file), "event_type", "eventType"), `{}`, ` [] `, `{`, ``, `null`}
	const metadata = `"metadata":{"event_timestamp":"2026-03-01T08:15:30Z","event_type":"USER_LOGIN"}`
	for _, members := range []string{
		``,
		`"principal":{"hostname":"a"}`,
		`"principal":{"hostname":"a_b"}`,
		`"principal":{"hostname":"ä"}`,
		`"principal":{"hostname":"a\u00e4\ud800"}`,
		"\"principal\":{\"namespace\":\"a\xff\"}",
		`"principal":{"namespace":"日本"}`,
		`"principal":{"namespace":""}`,
		`"principal":{"namespace":null}`,
		`"principal":{"namespace":1}`,
		`"principal":{"hostname":"a","hostname":"b_c"}`,
		`"principal":{"hostname":"a","port":80,"hostname":"b"}`,
		`"principal":{"port":80,"ip":["192.0.2.1"]}`,
		`"principal":{"port":80,"ip":["192.0.2.1","192.0.2.2"]}`,
		`"principal":{"ip":["192.0.2.1","192.0.2.2"],"port":80}`,
		`"principal":{"ip":["192.0.2.1","x"]}`,
		`"principal":{"ip":[]}`,
		`"principal":{"ip":["192.0.2.1",null]}`,
		`"principal":{"ip":["192.0.2.1",]}`,
		`"principal":{"port":"80"}`,
		`"principal":{"port":99999}`,
		`"principal":{"port":0,"ip":["192.0.2.1","192.0.2.2"]}`,
		`"principal":{"resource":{"id":"x"}}`,
		`"intermediary":[{"resource":{"id":"x"}},{"hostname":"y_z"}]`,
		`"principal":{"resource":{"attribute":{"labels":[{"key":"a","value":"1"},{"key":"b","value":"2"}]}}}`,
		`"principal":{"resource":{"attribute":{"labels":[{"key":"a","value":"1"},{"key":"a","value":"3"},{"key":"c","value":""}]}}}`,
		`"principal":{"resource":{"attribute":{"labels":[{"key":"a","key":"b"},{"key":"b"},{"value":"2","key":"b"}]}}}`,
		`"principal":{"resource":{"attribute":{"labels":[{"key":"a","rbac_enabled":true,"value":"1"},{"key":"\n","value":"1"}]}}}`,
		`"principal":{"resource":{"attribute":{"labels":[{"key":"a","rbac_enabled":"no"},{}]}}}`,
		`"principal":{"user":{"userid":"a","emailAddresses":["a@example.com"]}}`,
		`"principal":{"user":{"email_addresses":["a@example.com","b"]}}`,
		`"principal":{"platform":"LINUX"}`,
		`"principal":{"platform":"LINUKS"}`,
		`"principal":{"platform":3}`,
		`"principal":{"nope":"x"}`,
		`"principal":{"hostn\u0061me":"x"}`,
		`"principal":[]`,
		`"principal":"x"`,
		`"principal":{}`,
		`"principal": { "hostname" : "a" , "ip" : [ "192.0.2.1" , "::1" ] } `,
		`"additional":{"a":"b"}`,
		`"additional":{}`,
		`"additional":{"a":"\ud800"}`,
		`"additional":{"a":[{"b":null}]}`,
		`"additional":{"a":[}`,
		`"additional":"x"`,
		`"additional":""`,
		`"extensions":{"auth":{"type":"SSO","mechanism":["USERNAME_PASSWORD","OTP"]}}`,
		`"extensions":{"auth":{"type":"SSO"},"auth":{"type":"X"}}`,
		`"security_result":[{"severity":"HIGH","confidence_score":1.5},{"severity":"LOW","risk_score":1e400}]`,
		`"network":{"sent_bytes":"12","received_bytes":12,"session_duration":"3s","ip_protocol":"TCP"}`,
		`"network":{"sent_bytes":"x","session_duration":"3"}`,
		`"network":{"session_id":"` + strings.Repeat("x", 300) + `"}`,
	} {
		events = append(events, "{"+metadata+","+members+"}", "{"+members+","+metadata+"}\n", "{"+members+"}", "{"+metadata+","+members+"}x")
	}
	return events
}

// TestQuickIsPlain holds a Validator that learns against one that does not: each
// event is checked when it is new, when its shape is being learned, and after.
func TestQuickIsPlain(t *testing.T) {
	var quick Validator
	plain := Validator{plain: true}
	events := quickEvents(t)
	followed := 0
	for round := range 4 {
		for _, event := range events {
			want := slices.Clone(plain.Validate([]byte(event)))
			quick.shapes.rest = 0
			if diff := cmp.Diff(want, slices.Clone(quick.Validate([]byte(event)))); diff != "" {
				t.Errorf("round %d: %s\n(-plain +quick):\n%s", round, event, diff)
			}
			if round == 3 && quick.shapes.missed == 0 {
				followed++
			}
		}
	}
	if followed < len(events)/3 {
		t.Errorf("%d of %d events took the quick way, want a third of them at least", followed, len(events))
	}
}

// TestQuickIsBounded checks that events of ever new shapes fill no memory and
// leave the quick way open for those that were there before.
func TestQuickIsBounded(t *testing.T) {
	var v Validator
	known := []byte(quickEvents(t)[0])
	for i := range 20_000 {
		v.shapes.rest = 0
		v.Validate(fmt.Appendf(nil, `{"principal":{%q:"x","labels":[{"key":"k%d","value":"x"},{"key":"%d","value":"y"}]}}`,
			[]string{"hostname", "namespace", "application"}[i%3], i, i))
		v.Validate(known)
	}
	if v.shapes.gaps > maxGaps || len(v.shapes.leaves) > maxLeaves {
		t.Errorf("got %d gaps and %d leaves, want %d and %d at most", v.shapes.gaps, len(v.shapes.leaves), maxGaps, maxLeaves)
	}
	v.shapes.rest = 0
	if v.Validate(known); v.shapes.missed != 0 {
		t.Error("an event seen before did not take the quick way")
	}
}

func FuzzQuickIsPlain(f *testing.F) {
	for _, event := range quickEvents(f) {
		f.Add([]byte(event), []byte(event))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var quick Validator
		plain := Validator{plain: true}
		for _, event := range [][]byte{a, b, a, b, b, a} {
			want := slices.Clone(plain.Validate(event))
			quick.shapes.rest = 0
			if diff := cmp.Diff(want, slices.Clone(quick.Validate(event))); diff != "" {
				t.Fatalf("%q after %q and %q\n(-plain +quick):\n%s", event, a, b, diff)
			}
		}
	})
}

// TestQuickRemembersNoFault checks that a text is not taken to have a format
// because the event it comes in has more faults than are told.
func TestQuickRemembersNoFault(t *testing.T) {
	const last = `"intermediary":[{"ip":["?"]}]}`
	full := []byte(strings.Replace(`{"principal":%,"target":%,"src":%,"observer":%,`, "%", ofFaults(Event().Field("principal").Message(), 2), -1) + last)
	var v Validator
	for range 4 {
		v.shapes.rest = 0
		if got := len(v.Validate(full)); got < maxViolations {
			t.Fatalf("got %d violations, want %d at least", got, maxViolations)
		}
	}
	if v.shapes.missed > 0 {
		t.Fatal("the event did not take the quick way")
	}
	for range 3 {
		event := []byte("{" + last)
		v.shapes.rest = 0
		if diff := cmp.Diff(Validate(event), slices.Clone(v.Validate(event))); diff != "" {
			t.Errorf("%s\n(-first +later):\n%s", event, diff)
		}
	}
}

// ofFaults composes a message whose texts do not have their formats, down to some
// levels below it.
func ofFaults(m *Message, levels int) string {
	var members []string
	for i := range m.Fields {
		f := &m.Fields[i]
		switch {
		case f.Repeated || f.Oneof != "":
		case f.Kind == String && f.Format != NoFormat:
			members = append(members, fmt.Sprintf(`%q:"?"`, f.Name))
		case f.Kind == MessageKind && levels > 0:
			if below := ofFaults(f.Message(), levels-1); below != "{}" {
				members = append(members, fmt.Sprintf(`%q:%s`, f.Name, below))
			}
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}
