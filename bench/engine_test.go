package main

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/internal/asaref"
)

// TestGJSONPaths holds the mapping by gjson against the reference.
func TestGJSONPaths(t *testing.T) {
	for _, kind := range setKinds {
		t.Run(kind.name, func(t *testing.T) {
			records := asagen.New(2, kind.opts).File(nil, 500)
			var out bytes.Buffer
			w := bufio.NewWriter(&out)
			if err := gjsonPaths(bytes.NewReader(records), w); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			events := bytes.SplitAfter(out.Bytes(), []byte("\n"))
			for i, record := range bytes.SplitAfter(records, []byte("\n")) {
				if len(record) == 0 {
					continue
				}
				want, code := asaref.Map(record)
				if code != "" || !asaref.Equal(events[i], want) {
					t.Fatalf("record %s\ngot  %s\nwant %s (%s)", record, events[i], want, code)
				}
			}
		})
	}
}

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 3*blockSize)
	tests := []struct {
		name, in string
		want     []string
	}{
		{"none", "", nil},
		{"several", "a\nbc\n\nd\n", []string{"a", "bc", "", "d"}},
		{"longer than a block", "a\n" + long + "\nb\n", []string{"a", long, "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := eachLine(strings.NewReader(tt.in), func(line []byte) error {
				got = append(got, string(line))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %d lines, want %d", len(got), len(tt.want))
			}
		})
	}
}

func TestMedianRatio(t *testing.T) {
	got := medianRatio([]float64{2, 9, 4}, []float64{1, 3, 1})
	if got != 3 {
		t.Errorf("got %v, want 3", got)
	}
}
