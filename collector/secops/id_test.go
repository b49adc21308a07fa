package secops

import (
	"encoding/json"
	"testing"

	"github.com/asa2udm/asa2udm/collector"
)

func TestWithID(t *testing.T) {
	id := recordID("log", collector.Record{ID: "1", Data: []byte(`{"id":"1"}`)})
	is := id.base64()
	for name, tc := range map[string]struct{ event, want, has string }{
		"metadata first":   {`{"metadata":{"a":1},"b":2}`, `{"metadata":{"id":"` + is + `","a":1},"b":2}`, is},
		"metadata last":    {`{"b":{"metadata":{}},"metadata":{"a":1}}`, `{"b":{"metadata":{}},"metadata":{"id":"` + is + `","a":1}}`, is},
		"metadata empty":   {`{"metadata":{ }}`, `{"metadata":{"id":"` + is + `" }}`, is},
		"without metadata": {`{"b":2}`, `{"metadata":{"id":"` + is + `"},"b":2}`, is},
		"nothing":          {`{}`, `{"metadata":{"id":"` + is + `"}}`, is},
		"with spaces":      {` { "metadata" : { "a" : 1 } }`, ` { "metadata" : {"id":"` + is + `", "a" : 1 } }`, is},
		"an id of its own": {`{"metadata":{"a":1,"id":"eA=="}}`, `{"metadata":{"a":1,"id":"eA=="}}`, "eA=="},
	} {
		got, has := withID([]byte(tc.event), id.base64())
		if string(got) != tc.want || has != tc.has || !json.Valid(got) {
			t.Errorf("%s: got %s, %s", name, got, has)
		}
	}
}

// TestIDs demands another id wherever anything differs.
func TestIDs(t *testing.T) {
	seen := make(map[eventID]string)
	for name, id := range map[string]eventID{
		"record":         recordID("log", collector.Record{ID: "1", Data: []byte("x")}),
		"other log":      recordID("log2", collector.Record{ID: "1", Data: []byte("x")}),
		"other id":       recordID("log", collector.Record{ID: "2", Data: []byte("x")}),
		"other bytes":    recordID("log", collector.Record{ID: "1", Data: []byte("y")}),
		"moved border":   recordID("lo", collector.Record{ID: "g1", Data: []byte("x")}),
		"place":          placeID("log", 1, 1, []byte("x")),
		"other sequence": placeID("log", 2, 1, []byte("x")),
		"other index":    placeID("log", 1, 2, []byte("x")),
		"other event":    placeID("log", 1, 1, []byte("y")),
	} {
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have one id", name, other)
		}
		seen[id] = name
	}
	if got := recordID("asa/example", collector.Record{ID: "1", Data: []byte("{}")}).hex(); len(got) != 48 {
		t.Errorf("hex is %s", got)
	}
}

func TestPair(t *testing.T) {
	lines := func(s ...string) (out [][]byte) {
		for _, l := range s {
			out = append(out, []byte(l))
		}
		return out
	}
	for name, tc := range map[string]struct {
		raw, udm, rejects [][]byte
		want              int // lines, -1 for no answer
		last              string
	}{
		"all map":         {lines("a", "b"), lines("A", "B"), nil, 2, "b"},
		"one rejected":    {lines("a", "b", "c"), lines("A", "C"), lines(`{"line":2}`), 2, "c"},
		"page in a line":  {lines("a"), lines("A", "B"), nil, -1, ""},
		"twice rejected":  {lines("a", "b", "c"), lines("A"), lines(`{"line":2}`, `{"line":2}`), -1, ""},
		"line not there":  {lines("a", "b"), lines("A"), lines(`{"line":7}`), -1, ""},
		"reject no JSON":  {lines("a", "b"), lines("A"), lines(`x`), -1, ""},
		"nothing maps":    {lines("a"), nil, lines(`{"line":1}`), 0, ""},
		"reject is first": {lines("a", "b"), lines("B"), lines(`{"line":1}`), 1, "b"},
	} {
		got := pair(tc.raw, tc.udm, tc.rejects)
		switch {
		case tc.want < 0 && got != nil, tc.want >= 0 && len(got) != tc.want:
			t.Errorf("%s: got %q", name, got)
		case tc.want > 0 && string(got[len(got)-1]) != tc.last:
			t.Errorf("%s: got %q, want %q last", name, got, tc.last)
		}
	}
}
