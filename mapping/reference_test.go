package mapping

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/internal/asaref"
)

// TestAgainstReference holds the mapper against the plain-Go reference on whole
// files, plain and hostile: every event and every reject, line by line.
func TestAgainstReference(t *testing.T) {
	packs := []struct {
		name  string
		rules asaref.Rules
	}{
		{"asa.yaml", asaref.Rules{}},
		{"asa-corrected.yaml", asaref.Rules{Corrected: true}},
	}
	for _, pack := range packs {
		p := compilePack(t, pack.name)
		for _, hostile := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s hostile=%t", pack.name, hostile), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(30) {
					g := asagen.New(seed, asagen.Options{Hostile: hostile, Shuffle: seed%2 == 1})
					compareFile(t, p, pack.rules, g.File(nil, 100), 64<<10)
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
			})
		}
	}
}

// compareFile maps a file with the mapper and with the reference.
func compareFile(t *testing.T, p *Parser, rules asaref.Rules, file []byte, limit int) {
	t.Helper()
	want, err := rules.Lines(bytes.NewReader(file), limit)
	if err != nil {
		t.Fatal(err)
	}
	var events, rejects bytes.Buffer
	if _, err := Stream(context.Background(), p, bytes.NewReader(file), &events, StreamOptions{Rejects: &rejects, MaxRecord: limit}); err != nil {
		t.Fatal(err)
	}
	gotEvents, gotRejects := lines(events.Bytes()), lines(rejects.Bytes())
	var wantEvents, wantRejects, records [][]byte
	for _, r := range want {
		if r.Code == "" {
			wantEvents, records = append(wantEvents, r.Event), append(records, r.Record)
		} else {
			wantRejects = append(wantRejects, r.Reject())
		}
	}
	if len(gotEvents) != len(wantEvents) || len(gotRejects) != len(wantRejects) {
		t.Errorf("got %d events and %d rejects, want %d and %d", len(gotEvents), len(gotRejects), len(wantEvents), len(wantRejects))
	}
	for i := range min(len(gotRejects), len(wantRejects)) {
		if diff := cmp.Diff(decoded(t, wantRejects[i]), withoutDetail(decoded(t, gotRejects[i]))); diff != "" {
			t.Fatalf("reject %d (-want +got):\n%s", i, diff)
		}
	}
	for i := range min(len(gotEvents), len(wantEvents)) {
		if !asaref.Equal(gotEvents[i], wantEvents[i]) {
			t.Fatalf("record %q\n(-want +got):\n%s", records[i], cmp.Diff(decoded(t, wantEvents[i]), decoded(t, gotEvents[i])))
		}
	}
}

func lines(b []byte) [][]byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
}

func decoded(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

func withoutDetail(v map[string]any) map[string]any {
	delete(v, "detail")
	return v
}
