package asaref

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	good   = `{"timestamp":"2023-02-15T22:00:00Z"}`
	badOne = `{"timestamp":""}`
)

func TestLines(t *testing.T) {
	onePage := `{"list":[` + good + `,1],"related_objects":{}}`
	indented := "{\n  \"list\": [\n    " + good + ",\n    " + badOne + "\n  ],\n  \"related_objects\": null\n}"
	tests := []struct {
		name, in string
		want     []string // line, index, code
	}{
		{"empty", "", nil},
		{"one, no newline", good, []string{"1 -1 "}},
		{"blank lines count", "\n \t\r\n" + good + "\n\n", []string{"3 -1 "}},
		{"BOM and CRLF", "\ufeff" + good + "\r\n" + good + "\r\n", []string{"1 -1 ", "2 -1 "}},
		{"BOM later", good + "\n\ufeff" + good + "\n", []string{"1 -1 ", "2 -1 json"}},
		{"neighbours", good + "\n{\n" + good, []string{"1 -1 ", "2 -1 json", "3 -1 "}},
		{"too long", strings.Repeat(" ", 401) + "\n" + good, []string{"1 -1 size", "2 -1 "}},
		{"page", onePage + "\n" + good, []string{"1 0 ", "1 1 object", "2 -1 "}},
		{"indented pages", indented + "\n" + indented + "\r\n" + good, []string{
			"1 0 ", "1 1 timestamp", "8 0 ", "8 1 timestamp", "15 -1 "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			results, err := Rules{}.Lines(strings.NewReader(tt.in), 400)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range results {
				got = append(got, fmt.Sprint(r.Line, " ", r.Index, " ", r.Code))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("line, index and code (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReject(t *testing.T) {
	long := strings.Repeat("é", 600)
	tests := []struct {
		name   string
		result Result
		want   string
	}{
		{"text", Result{Line: 3, Index: -1, Record: []byte("{\"a\t\r"), Code: CodeJSON},
			`{"line":3,"error":"json","raw":"{\"a\t\r"}`},
		{"bytes", Result{Line: 3, Index: -1, Record: []byte("\xff"), Code: CodeJSON},
			`{"line":3,"error":"json","raw_base64":"/w=="}`},
		{"in a page", Result{Line: 3, Index: 0, Record: []byte("1"), Code: CodeObject},
			`{"line":3,"index":0,"error":"object","raw":"1"}`},
		{"too long", Result{Line: 1, Index: -1, Record: []byte(long), Code: CodeSize},
			`{"line":1,"error":"size","raw":"` + strings.Repeat("é", 512) + `","truncated":true,"size":1200}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.result.Reject(); !Equal(got, []byte(tt.want)) {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}
