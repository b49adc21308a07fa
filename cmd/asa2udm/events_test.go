package main

import (
	"io"
	"strings"
	"testing"
)

// Texts over the limit are passed over, and the next one is found at its line.
func TestEventReader(t *testing.T) {
	type text struct {
		line int64
		json string
		size int64
	}
	for _, tt := range []struct {
		name, in string
		want     []text
	}{
		{"empty", "", nil},
		{"blank lines", "\n \r\n\n", nil},
		{"lines", "{}\n\n[1]", []text{{1, "{}\n", 0}, {3, "[1]", 0}}},
		{"byte order mark", "\ufeff{}\n", []text{{1, "{}\n", 0}}},
		{"indented", "{\n \"a\": [\n]\n}\n{}\n", []text{{1, "{\n \"a\": [\n]\n}\n", 0}, {5, "{}\n", 0}}},
		{"brackets in a text", "{\n\"}\\\"\": 1}\n{}\n", []text{{1, "{\n\"}\\\"\": 1}\n", 0}, {3, "{}\n", 0}}},
		{"never closed", "{\n1\n", []text{{1, "{\n1\n", 0}}},
		{"over the limit", "12345678901234567\n{}\n", []text{{1, "", 18}, {2, "{}\n", 0}}},
		{"over the limit at the end", "{}\n12345678901234567", []text{{1, "{}\n", 0}, {2, "", 17}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newEventReader(strings.NewReader(tt.in), 16)
			var got []text
			for {
				one, err := r.next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if one.size > 0 {
					one.json = nil
				}
				got = append(got, text{one.line, string(one.json), one.size})
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("text %d: got %v, want %v", i, got[i], tt.want[i])
				}
			}
		})
	}
}
