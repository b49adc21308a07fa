package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/beam/objects"
	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/mapping"
)

const record = `{"timestamp":"2024-03-01T06:00:00Z","id":"e1"}` + "\n"

// bundle answers the step that maps, set up, and the objects of a directory.
func bundle(t *testing.T, texts map[string]string) (*mapFn, []objects.Object) {
	t.Helper()
	t.Chdir(t.TempDir())
	var all []objects.Object
	for name, text := range texts {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		all = append(all, objects.Object{Path: name, Name: name, Size: int64(len(text))})
	}
	rules, err := ReadRules("asa", mapping.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fn := &mapFn{Options: Options{Output: "out/", Rejects: "out/", Rules: rules, AtOnce: 3}}
	if err := fn.Setup(); err != nil {
		t.Fatal(err)
	}
	return fn, all
}

// A bundle ends when all its objects are there, and may be repeated.
func TestBundle(t *testing.T) {
	texts := make(map[string]string)
	for i := range 20 {
		texts[fmt.Sprint(i)] = strings.Repeat(record, i) + "no\n"
	}
	fn, all := bundle(t, texts)
	for range 2 {
		fn.StartBundle(t.Context(), nil)
		for _, o := range all {
			if err := fn.ProcessElement(t.Context(), o, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := fn.FinishBundle(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			lines(t, fmt.Sprintf("out/%d.udm.ndjson", i), i)
			lines(t, fmt.Sprintf("out/%d.rejects.ndjson", i), 1)
		}
	}
	if err := fn.Teardown(); err != nil {
		t.Error(err)
	}
}

func lines(t *testing.T, name string, want int) {
	t.Helper()
	text, err := os.ReadFile(name)
	if got := strings.Count(string(text), "\n"); err != nil || got != want {
		t.Errorf("%s: %d lines, %v; want %d", name, got, err, want)
	}
}

// One object that cannot be read fails its bundle, with its name and no other's, and
// leaves nothing half done. A runner may then end the step without another word, or
// begin another bundle.
func TestBundleFails(t *testing.T) {
	for _, finish := range []bool{true, false} {
		fn, all := bundle(t, map[string]string{"a": record, "b": "\x1f\x8bno gzip", "c": record})
		all = append(all, objects.Object{Path: "gone", Name: "gone"})
		for _, bad := range all {
			if bad.Name == "a" || bad.Name == "c" {
				continue
			}
			fn.StartBundle(t.Context(), nil)
			err := fn.ProcessElement(t.Context(), bad, nil)
			for range 10 {
				if err == nil {
					err = fn.ProcessElement(t.Context(), objects.Object{Path: "a", Name: "a"}, nil)
				}
			}
			if err == nil && finish {
				err = fn.FinishBundle(t.Context(), nil)
			}
			if finish && (err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", bad.Path))) {
				t.Errorf("%s: got %v", bad.Path, err)
			}
		}
		if err := fn.Teardown(); err != nil {
			t.Error(err)
		}
		left, _ := filepath.Glob("out/*")
		hidden, _ := filepath.Glob("out/.*")
		for _, name := range append(left, hidden...) {
			if name != "out/a.udm.ndjson" && name != "out/a.rejects.ndjson" {
				t.Errorf("%s is left", name)
			}
		}
	}
}

// A bundle that is called off ends soon and leaves nothing.
func TestBundleCanceled(t *testing.T) {
	fn, all := bundle(t, map[string]string{"a": strings.Repeat(record, 100_000)})
	ctx, cancel := context.WithCancel(t.Context())
	fn.StartBundle(ctx, nil)
	if err := fn.ProcessElement(ctx, all[0], nil); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := fn.FinishBundle(ctx, nil); err == nil {
		t.Skip("it was done already")
	}
	if left, _ := filepath.Glob("out/*"); len(left) > 0 {
		t.Errorf("left: %s", left)
	}
}

// The types that are counted are those of the events, whatever texts they hold.
func TestTypeCounter(t *testing.T) {
	for _, jsonNames := range []bool{false, true} {
		p, err := mapping.Compile("asa.yaml", readPack(t), mapping.Options{JSONNames: jsonNames})
		if err != nil {
			t.Fatal(err)
		}
		g := asagen.New(1, asagen.Options{Hostile: true})
		input := []byte(`{"timestamp":"2024-03-01T06:00:00Z","id":"\"event_type\":\"FAKE\"","team_name":"\"eventType\":\"FAKE\""}` + "\n")
		for range 3000 {
			input = append(g.Next(input), '\n')
		}
		var out strings.Builder
		c := newTypeCounter(&out, jsonNames)
		if _, err := mapping.Stream(t.Context(), p, bytes.NewReader(input), c, mapping.StreamOptions{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(eventTypes(t, out.String()), c.counts()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}
