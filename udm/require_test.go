package udm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/udm"
)

func TestRequirements(t *testing.T) {
	var got []string
	for _, r := range udm.Requirements("USER_LOGIN") {
		if r.Checked() && r.EventType != "*" {
			got = append(got, r.Severity.String()+" "+strings.Join(r.Paths, "|")+" ("+r.Source+")")
		}
	}
	want := []string{
		"error target.user (guide, docs_troubleshooting, matrix)",
		"error extensions.auth (guide, matrix)",
		"warning target.hostname|target.ip|target.mac|target.asset_id (guide)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requirements of USER_LOGIN (-want +got):\n%s", diff)
	}
}

func TestRequirementsOfUnknownType(t *testing.T) {
	for _, r := range udm.Requirements("NO_SUCH_TYPE") {
		if r.EventType != "*" {
			t.Errorf("got a rule of %s", r.EventType)
		}
	}
}

func TestRequirementPathsResolve(t *testing.T) {
	types, err := udm.Lookup("metadata.event_type")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, v := range types.Leaf().Enum().Values {
		for _, r := range udm.Requirements(v.Name) {
			if r.EventType == v.Name {
				count++
			}
			for _, path := range r.Paths {
				path, _, _ = strings.Cut(path, "=")
				if _, err := udm.Lookup(path); err != nil {
					t.Errorf("%s: %v", v.Name, err)
				}
			}
		}
	}
	if want := 293; count != want {
		t.Errorf("got %d rules of single types, want %d", count, want)
	}
}
