package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/udm"
)

// eachMessage hands every message of the schema to f, once.
func eachMessage(f func(*udm.Message)) {
	seen := make(map[string]bool)
	var visit func(*udm.Message)
	visit = func(m *udm.Message) {
		if m == nil || seen[m.Name] {
			return
		}
		seen[m.Name] = true
		f(m)
		for i := range m.Fields {
			visit(m.Fields[i].Message())
		}
	}
	visit(udm.Event())
}

func TestReplacementsAreInTheSchema(t *testing.T) {
	found := 0
	eachMessage(func(m *udm.Message) {
		for i := range m.Fields {
			f := &m.Fields[i]
			list := replacements(m.Name, f.Name)
			found += len(list)
			if len(list) > 0 && !f.Deprecated {
				t.Errorf("%s.%s is not deprecated", m.Name, f.Name)
			}
			for _, path := range list {
				from := []*udm.Message{m}
				if rest, up := strings.CutPrefix(path, "../"); up {
					path, from = rest, messagesWith(m)
				}
				if !slices.ContainsFunc(from, func(m *udm.Message) bool {
					p, err := m.Lookup(path)
					return err == nil && p.Deprecated() == nil
				}) {
					t.Errorf("%s.%s: no field %q", m.Name, f.Name, path)
				}
			}
		}
	})
	if found < 20 {
		t.Errorf("got %d replacements, want at least 20", found)
	}
}

// messagesWith answers the messages that have a field of the given one.
func messagesWith(inner *udm.Message) []*udm.Message {
	var out []*udm.Message
	eachMessage(func(m *udm.Message) {
		if slices.ContainsFunc(m.Fields, func(f udm.Field) bool { return f.Message() == inner }) {
			out = append(out, m)
		}
	})
	return out
}

func TestKnownPlatformsAreInTheSchema(t *testing.T) {
	p, err := udm.Lookup("principal.platform")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range knownSystems() {
		for _, name := range s.platforms {
			if v := p.Leaf().Enum().Value(name); v == nil || v.Deprecated {
				t.Errorf("%s: %s is no platform", s.name, name)
			}
		}
	}
}

func TestContrariesHoldTheirWord(t *testing.T) {
	for _, o := range opposites() {
		at := strings.Index(o.contrary, o.word)
		if at < 0 || !insideWord(o.contrary, at, at+len(o.word)) {
			t.Errorf("%q is not inside %q", o.word, o.contrary)
		}
	}
}

func TestKindsAreSorted(t *testing.T) {
	ids := kindIDs()
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("got %q, want them sorted and each once", ids)
	}
}
