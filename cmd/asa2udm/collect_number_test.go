package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/devo"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
)

func TestNumbers(t *testing.T) {
	refused := func(status int) error { return &rest.StatusError{Status: status} }
	for _, tc := range []struct {
		name  string
		err   error
		setup bool
		want  int
	}{
		{"dead token at setup", refused(401), true, 100},
		{"unknown client", &rest.StatusError{Status: 400, Code: "invalid_client"}, true, 100},
		{"no role at setup", refused(403), true, 101},
		{"nobody there at setup", errors.New("connection refused"), true, 101},
		{"dead token", refused(401), false, 300},
		{"bad request", refused(400), false, 300},
		{"failed again and again", fmt.Errorf("%w: %w", rest.ErrGaveUp, refused(503)), false, 301},
		{"nobody there", errors.New("connection refused"), false, 301},
		{"no JSON", fmt.Errorf("%w: %w", rest.ErrGaveUp, rest.ErrDamaged), false, 302},
		{"foreign link", okta.ErrLink, false, 302},
		{"no room", &fs.PathError{Op: "write", Path: "x", Err: errors.New("full")}, false, 200},
		{"Devo drained not", fmt.Errorf("send: %w", devo.ErrNotDrained), false, 218},
		{"Devo file", fmt.Errorf("%w: %w", devo.ErrFile, fs.ErrNotExist), true, 210},
		{"SecOps denies", fmt.Errorf("push: %w: %w", secops.ErrDenied, refused(403)), false, 221},
		{"SecOps denies at setup", fmt.Errorf("%w: %w", secops.ErrDenied, refused(403)), true, 221},
		{"SecOps answers HTML", fmt.Errorf("%w: %w", secops.ErrAnswer, rest.ErrDamaged), false, 225},
		{"spool gone", fmt.Errorf("%w: %w", secops.ErrSpool, collector.ErrNotExist), false, 227},
		{"state", collector.ErrState, false, 400},
		{"snapshot", fmt.Errorf("recall: %w: %w", okta.ErrMemory, fs.ErrNotExist), false, 405},
		{"conflict", fmt.Errorf("x: %w", collector.ErrConflict), false, 402},
	} {
		err := numbered(tc.err, tc.setup)
		if got := fmt.Sprintf("[%d] %v", tc.want, tc.err); err.Error() != got {
			t.Errorf("%s: %v, want %s", tc.name, err, got)
		}
		if again := numbered(fmt.Errorf("x: %w", err), true); again.Error() != "x: "+err.Error() {
			t.Errorf("%s: numbered twice: %v", tc.name, again)
		}
	}
}

// TestNumbersAreDocumented holds the table of docs/okta.md against the cures, and
// the tests and files that it names against what is there.
func TestNumbersAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/okta.md")
	if err != nil {
		t.Fatal(err)
	}
	_, errorsPart, _ := strings.Cut(string(text), "## Errors by number")
	errorsPart, checklist, _ := strings.Cut(errorsPart, "## Beside Devo")
	var got, want []int
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(errorsPart, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	for n := range numberCures {
		want = append(want, n)
	}
	slices.Sort(want)
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("numbers documented (-) and known (+):\n%s", diff)
	}
	for _, c := range numberCauses {
		if numberCures[c.number] == "" {
			t.Errorf("number %d has no cure", c.number)
		}
	}
	if rows := strings.Count(checklist, "\n| "); rows < 18 {
		t.Errorf("the checklist has %d rows, want 18 and more", rows)
	}
	for _, test := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(checklist, -1) {
		if !testExists(t, test[1]) {
			t.Errorf("the checklist names %s, which is not there", test[1])
		}
	}
	for _, file := range regexp.MustCompile("`((?:collector|cmd)/[\\w./]+)`").FindAllStringSubmatch(checklist, -1) {
		if _, err := os.Stat("../../" + file[1]); err != nil {
			t.Errorf("the checklist names %s: %v", file[1], err)
		}
	}
}

func testExists(t *testing.T, name string) bool {
	t.Helper()
	for _, pattern := range []string{"*_test.go", "../../collector/*_test.go", "../../collector/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "func "+name+"(") {
				return true
			}
		}
	}
	return false
}
