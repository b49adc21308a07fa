package lint_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/mapping/lint"
)

// manual is docs/lint.md taken apart.
type manual struct {
	table string
	base  string
	kinds []manualKind
}

type manualKind struct {
	id        string
	bad, good []string // a test wants one of each
}

var (
	kindHeading = regexp.MustCompile(`(?m)^### (.*)$`)
	example     = regexp.MustCompile("(?s)(Bad|Good):\n\n```yaml\n(.*?)```")
	baseExample = regexp.MustCompile("(?s)They extend this one:\n\n```yaml\n(.*?)```")
	tableRow    = regexp.MustCompile(`(?m)^\| [a-z-]+ \| (?:error|warning|info) \| .*\|$`)
)

func readManual(t *testing.T) manual {
	t.Helper()
	text, err := os.ReadFile("../../docs/lint.md")
	if err != nil {
		t.Fatal(err)
	}
	m := manual{table: strings.Join(tableRow.FindAllString(string(text), -1), "\n")}
	if base := baseExample.FindSubmatch(text); base != nil {
		m.base = string(base[1])
	}
	heads := kindHeading.FindAllStringSubmatchIndex(string(text), -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		k := manualKind{id: string(text[h[2]:h[3]])}
		for _, e := range example.FindAllStringSubmatch(string(text[h[1]:end]), -1) {
			if e[1] == "Bad" {
				k.bad = append(k.bad, e[2])
			} else {
				k.good = append(k.good, e[2])
			}
		}
		m.kinds = append(m.kinds, k)
	}
	return m
}

func TestManualListsEveryKind(t *testing.T) {
	m := readManual(t)
	var rows, ids, sections []string
	for _, k := range lint.Kinds() {
		fix := ""
		if k.Fixable {
			fix = "yes"
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s |", k.ID, k.Severity, fix, k.Summary))
		ids = append(ids, k.ID)
	}
	if diff := cmp.Diff(strings.Join(rows, "\n"), m.table); diff != "" {
		t.Errorf("table of docs/lint.md (-want +got):\n%s", diff)
	}
	for _, k := range m.kinds {
		sections = append(sections, k.id)
		if len(k.bad) != 1 || len(k.good) != 1 {
			t.Errorf("%s has %d bad and %d good examples, want one of each", k.id, len(k.bad), len(k.good))
		}
	}
	if diff := cmp.Diff(ids, sections); diff != "" {
		t.Errorf("sections of docs/lint.md (-want +got):\n%s", diff)
	}
}

func TestManualExamples(t *testing.T) {
	m := readManual(t)
	for _, k := range m.kinds {
		for _, bad := range k.bad {
			t.Run(k.id+"/bad", func(t *testing.T) {
				src, want := m.complete(bad, k.id)
				if diff := cmp.Diff(want, places(m.check(t, src))); diff != "" {
					t.Errorf("findings (-want +got):\n%s", diff)
				}
			})
		}
		for _, good := range k.good {
			t.Run(k.id+"/good", func(t *testing.T) {
				src, _ := m.complete(good, k.id)
				if diff := cmp.Diff([]string(nil), places(m.check(t, src))); diff != "" {
					t.Errorf("findings (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestManualFixes(t *testing.T) {
	m := readManual(t)
	fixable := make(map[string]bool)
	for _, k := range lint.Kinds() {
		fixable[k.ID] = k.Fixable
	}
	for _, k := range m.kinds {
		for _, bad := range k.bad {
			t.Run(k.id, func(t *testing.T) {
				src, want := m.complete(bad, k.id)
				if fixable[k.id] {
					want = nil
				}
				fixed, _, err := lint.Fix("example.yaml", []byte(src), m.options())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, places(m.check(t, string(fixed)))); diff != "" {
					t.Errorf("findings left (-want +got):\n%s\n%s", diff, fixed)
				}
			})
		}
	}
}

// complete makes a rule file of an example, and answers where findings are
// wanted.
func (m manual) complete(text, id string) (src string, want []string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if rest, ok := strings.CutSuffix(line, " # <--"); ok {
			lines[i] = rest
			want = append(want, fmt.Sprintf("%d %s", i+1, id))
		}
	}
	src = strings.Join(lines, "\n")
	if !strings.HasPrefix(src, "log_type:") {
		src += "extends: base.yaml\n"
	}
	return src, want
}

func (m manual) options() lint.Options {
	return lint.Options{ReadFile: func(name string) ([]byte, error) {
		if name == "base.yaml" {
			return []byte(m.base), nil
		}
		return nil, fs.ErrNotExist
	}}
}

func (m manual) check(t *testing.T, src string) []lint.Finding {
	t.Helper()
	found, err := lint.Check("example.yaml", []byte(src), m.options())
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return found
}

func places(found []lint.Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprintf("%d %s", f.Pos.Line, f.ID))
	}
	return out
}
