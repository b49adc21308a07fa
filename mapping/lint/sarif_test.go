package lint_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/mapping/lint"
)

// sarif is what readers of SARIF 2.1.0 ask for.
type sarif struct {
	Version string
	Runs    []struct {
		ColumnKind string
		Tool       struct {
			Driver struct {
				Name  string
				Rules []struct {
					ID                   string
					ShortDescription     struct{ Text string }
					DefaultConfiguration struct{ Level string }
				}
			}
		}
		Results []struct {
			RuleID    string
			RuleIndex int
			Level     string
			Message   struct{ Text string }
			Locations []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
					Region           struct{ StartLine, StartColumn, EndColumn int }
				}
			}
		}
	}
}

func writeSARIF(t *testing.T, found []lint.Finding) sarif {
	t.Helper()
	var buf bytes.Buffer
	if err := lint.WriteSARIF(&buf, "1.2.3", found); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(&buf)
	var raw map[string]any
	if err := dec.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	if _, ok := raw["$schema"].(string); !ok {
		t.Error("no $schema")
	}
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	var out sarif
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSARIF(t *testing.T) {
	src := ruleFile("{from: é, to: [target.resource.id, principal.ip]}")
	found, err := lint.Check("my rules.yaml", []byte(src), lint.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := writeSARIF(t, found)
	if log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].ColumnKind != "unicodeCodePoints" || log.Runs[0].Tool.Driver.Name != "asa2udm" {
		t.Fatalf("got %+v", log)
	}
	run := log.Runs[0]
	var got []any
	for _, r := range run.Results {
		if rule := run.Tool.Driver.Rules[r.RuleIndex]; rule.ID != r.RuleID || rule.ShortDescription.Text == "" {
			t.Errorf("result of %s has index %d, which is %s", r.RuleID, r.RuleIndex, rule.ID)
		}
		if r.Message.Text == "" {
			t.Errorf("result of %s has no message", r.RuleID)
		}
		at := r.Locations[0].PhysicalLocation
		got = append(got, r.RuleID, r.Level, at.ArtifactLocation.URI, at.Region.StartLine, at.Region.StartColumn, at.Region.EndColumn)
	}
	want := []any{
		"deprecated", "warning", "my%20rules.yaml", 6, 20, 38,
		"unextracted-ip", "note", "my%20rules.yaml", 6, 40, 52,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestSARIFOfBrokenFile(t *testing.T) {
	_, err := mapping.Compile("/a/x.yaml", []byte("log_type: X"), mapping.Options{})
	var list mapping.ErrorList
	ok := errors.As(err, &list)
	if !ok {
		t.Fatalf("got %v, want an ErrorList", err)
	}
	r := writeSARIF(t, lint.FromErrors(list)).Runs[0].Results[0]
	if r.RuleID != lint.CompileID || r.RuleIndex != 0 || r.Level != "error" ||
		r.Locations[0].PhysicalLocation.ArtifactLocation.URI != "file:///a/x.yaml" {
		t.Errorf("got %+v", r)
	}
}

func TestSARIFOfNothing(t *testing.T) {
	if results := writeSARIF(t, nil).Runs[0].Results; results == nil || len(results) != 0 {
		t.Errorf("got %v, want an empty list", results)
	}
}

func TestJSON(t *testing.T) {
	got, err := json.Marshal(check(t, ruleFile("{from: [a, b, a], to: target.hostname}")))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"file":"x.yaml","line":6,"column":19,"end_column":20,"severity":"warning","id":"duplicate-source",` +
		`"message":"\"a\" stands in the list already","hint":"remove it","source":"  - {from: [a, b, a], to: target.hostname}","fixable":true}]`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
