package page_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/internal/page"
)

func TestIs(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want bool
	}{
		"list and related objects":    {`{"list":[{"id":"1"}],"related_objects":{}}`, true},
		"related objects are null":    {`{"related_objects":null,"list":[]}`, true},
		"list alone":                  {` {"list":[]} `, true},
		"further keys":                {`{"list":[],"related_objects":{},"count":0}`, true},
		"escaped key":                 {`{"l\u0069st":[]}`, true},
		"last of repeated keys":       {`{"list":1,"list":[],"related_objects":{}}`, true},
		"empty list of a nil slice":   {`{"list":null,"related_objects":null}`, true},
		"list alone is null":          {`{"list":null}`, false},
		"event with a list":           {`{"id":"1","list":[1]}`, false},
		"list is an object":           {`{"list":{},"related_objects":{}}`, false},
		"related objects are a list":  {`{"list":[],"related_objects":[]}`, false},
		"list deeper down":            {`{"id":"1","details":{"list":[]},"related_objects":{}}`, false},
		"array":                       {`[{"list":[]}]`, false},
		"two values":                  {`{"list":[]}{"list":[]}`, false},
		"cut short":                   {`{"list":[]`, false},
		"event":                       {`{"id":"1","timestamp":"2026-01-02T03:04:05Z"}`, false},
		"nothing":                     {``, false},
		"a string that says \"list\"": {`"\"list\""`, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := page.Is([]byte(tc.in)); got != tc.want {
				t.Errorf("Is(%s) = %v, want %v", tc.in, got, tc.want)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	const missing = "PkkMRwWv8SdinG5K4y4Gf0PI5em2vCBs4M6/Im6/z4k="
	for name, tc := range map[string]struct {
		list, related string
		want          []string
		unresolved    int
	}{
		"string value": {
			list:    `{"id":"1","details":{"actor":"r1","type":"t"}}`,
			related: `{"r1":{"type":"user","object":{"name":"ada"}}}`,
			want:    []string{`{"id":"1","details":{"actor":{"name":"ada"},"type":"t"},"references":{"details.actor":"r1"}}`},
		},
		"list with found, missing and other elements": {
			list:       `{"details":{"servers":["r1","` + missing + `",7,null,"","r1"]}}`,
			related:    `{"r1":{"type":"server","object":{"hostname":"web"}}}`,
			want:       []string{`{"details":{"servers":[{"hostname":"web"},"` + missing + `",7,null,"",{"hostname":"web"}]},"references":{"details.servers.0":"r1","details.servers.5":"r1"}}`},
			unresolved: 1,
		},
		"one object for two keys and two events": {
			list:    `{"details":{"project_id":"r1","project_name":"r1"}},{"details":{"project":"r1"}}`,
			related: `{"r1":{"type":"project","object":{"id":"p"}}}`,
			want: []string{
				`{"details":{"project_id":{"id":"p"},"project_name":{"id":"p"}},"references":{"details.project_id":"r1","details.project_name":"r1"}}`,
				`{"details":{"project":{"id":"p"}},"references":{"details.project":"r1"}}`,
			},
		},
		"inserted object is not joined again": {
			list:    `{"details":{"server":"r1"}}`,
			related: `{"r1":{"type":"server","object":{"owner":"r1","twin":"r2"}},"r2":{"type":"server","object":{}}}`,
			want:    []string{`{"details":{"server":{"owner":"r1","twin":"r2"}},"references":{"details.server":"r1"}}`},
		},
		"entries that cannot stand in": {
			list:       `{"details":{"a":"r1","b":"r2","c":"r3","d":"r4","e":"r5"}}`,
			related:    `{"r1":{"type":"user","object":[]},"r2":{"type":"user","object":null},"r3":{"type":"user"},"r4":null,"r5":{"type":"user","object":"x"}}`,
			want:       []string{`{"details":{"a":"r1","b":"r2","c":"r3","d":"r4","e":"r5"}}`},
			unresolved: 5,
		},
		"an entry without a type": {
			list:    `{"details":{"project":"r1"}}`,
			related: `{"r1":{"object":{"name":"x"}}}`,
			want:    []string{`{"details":{"project":{"name":"x"}},"references":{"details.project":"r1"}}`},
		},
		"no related objects": {
			list:       `{"details":{"actor":"` + missing + `","client":"WORKLOAD","user":""}}`,
			related:    `null`,
			want:       []string{`{"details":{"actor":"` + missing + `","client":"WORKLOAD","user":""}}`},
			unresolved: 1,
		},
		"empty key is no reference": {
			list:    `{"details":{"user":""}}`,
			related: `{"":{"type":"user","object":{}}}`,
			want:    []string{`{"details":{"user":""}}`},
		},
		"keys and deeper values are left alone": {
			list:    `{"r1":"r1","details":{"r1":{"deep":"r1"},"n":[["r1"]]}}`,
			related: `{"r1":{"type":"user","object":{}}}`,
			want:    []string{`{"r1":"r1","details":{"r1":{"deep":"r1"},"n":[["r1"]]}}`},
		},
		"raw tokens are kept": {
			list:    "{ \"id\" : \"\\u0041\\/\",\n\t\"details\" : { \"n\" : 1.50e+00, \"n\" : 12345678901234567890, \"a\\u0063tor\" : \"r\\u0031\" } }",
			related: `{"r1":{"type":"user","object":{"name" : "\u00e9"}}}`,
			want:    []string{`{"id":"\u0041\/","details":{"n":1.50e+00,"n":12345678901234567890,"a\u0063tor":{"name":"\u00e9"}},"references":{"details.a\u0063tor":"r\u0031"}}`},
		},
		"event with references of its own": {
			list:    `{"references":1,"details":{"actor":"r1"}}`,
			related: `{"r1":{"type":"user","object":{}}}`,
			want:    []string{`{"references":1,"details":{"actor":{}},"_references":{"details.actor":"r1"}}`},
		},
		"elements that are no events": {
			list:    `"r1",7,null,[ 1 ],{}`,
			related: `{"r1":{"type":"user","object":{}}}`,
			want:    []string{`"r1"`, `7`, `null`, `[1]`, `{}`},
		},
		"details of other types": {
			list:    `{"details":null},{"details":"r1"},{"details":["r1"]}`,
			related: `{"r1":{"type":"user","object":{}}}`,
			want:    []string{`{"details":null}`, `{"details":"r1"}`, `{"details":["r1"]}`},
		},
		"empty list": {list: ``, related: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			in := []byte(`{"list":[` + tc.list + `],"related_objects":` + tc.related + `}`)
			records, unresolved, err := page.Join(in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range records {
				got = append(got, string(r))
			}
			if diff := cmp.Diff(got, tc.want); diff != "" {
				t.Errorf("records (-got +want):\n%s", diff)
			}
			if unresolved != tc.unresolved {
				t.Errorf("unresolved = %d, want %d", unresolved, tc.unresolved)
			}
		})
	}
}

func TestJoinRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		in      string
		notPage bool
	}{
		"array":       {`[]`, true},
		"no list":     {`{"related_objects":{}}`, true},
		"list object": {`{"list":{"id":"1"}}`, true},
		"list string": {`{"list":"x"}`, true},
		"cut short":   {`{"list":[{"id":"1"}`, false},
		"two values":  {`{"list":[]}{}`, false},
		"nothing":     {``, false},
	} {
		t.Run(name, func(t *testing.T) {
			records, _, err := page.Join([]byte(tc.in))
			if err == nil || records != nil {
				t.Fatalf("Join(%s) = %s, %v, want an error and no records", tc.in, records, err)
			}
			if got := errors.Is(err, page.ErrNotPage); got != tc.notPage {
				t.Errorf("errors.Is(%v, ErrNotPage) = %v, want %v", err, got, tc.notPage)
			}
		})
	}
}

func TestJoinTakesNullForAnEmptyList(t *testing.T) {
	records, unresolved, err := page.Join([]byte(`{"list":null,"related_objects":null}`))
	if err != nil || len(records) != 0 || unresolved != 0 {
		t.Errorf("Join = %s, %d, %v, want nothing", records, unresolved, err)
	}
}

func FuzzJoin(f *testing.F) {
	for _, seed := range []string{
		`{"list":[{"id":"1","details":{"actor":"r1","servers":["r1",2]}}],"related_objects":{"r1":{"type":"user","object":{"a":[1]}}}}`,
		`{"list":[1,"x",null,{}],"related_objects":null}`,
		"{\"list\":[\n{\"details\":{\"a\\n\":\"r\\u0031\"}}\r\n]}",
		`{"list":[{"details":{"a":"\ud800"}}],"related_objects":{"\ud800":{"type":"t","object":{}}}}`,
		`{"related_objects":{"":{}},"list":[{"references":0,"_references":1,"details":{"":""}}]}`,
		strings.Repeat(`{"list":[`, 50),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		records, unresolved, err := page.Join(in)
		if err != nil && (records != nil || unresolved != 0) {
			t.Fatalf("records and an error: %s, %v", records, err)
		}
		if page.Is(in) && err != nil {
			t.Fatalf("a page that cannot be joined: %v", err)
		}
		for _, r := range records {
			if !json.Valid(r) {
				t.Fatalf("record is not JSON: %q", r)
			}
			if bytes.ContainsAny(r, "\n\r") {
				t.Fatalf("record has a line break: %q", r)
			}
		}
	})
}
