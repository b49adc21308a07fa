package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/asa2udm/asa2udm/udm"
)

// rejectSample keeps the first few rejects, for a run whose rejects go nowhere.
type rejectSample struct {
	name  string // of the input at hand
	first []string
}

const maxSample = 3

// Write takes reject lines.
func (s *rejectSample) Write(p []byte) (int, error) {
	for rest := p; len(s.first) < maxSample && len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		var r struct {
			Line          int64
			Error, Detail string
		}
		if json.Unmarshal(line, &r) == nil {
			s.first = append(s.first, fmt.Sprintf("%s:%d: %s: %s", s.name, r.Line, r.Error, r.Detail))
		}
	}
	return len(p), nil
}

// validation counts the violations of events and shows the first ones.
type validation struct {
	quiet            bool // only counts
	shown            int
	errors, warnings int64
	events           int64 // with an error
}

const maxShown = 20

// add takes the violations of the event that an input's line gave.
func (v *validation) add(u *ui, name string, line int64, list []udm.Violation) {
	bad := false
	for _, one := range list {
		if one.Severity != udm.Error {
			v.warnings++
			continue
		}
		bad = true
		v.errors++
		if v.shown++; v.shown <= maxShown && !v.quiet {
			u.logf("%s:%d: %s", name, line, one)
		}
	}
	if bad {
		v.events++
	}
}

func (v *validation) report(u *ui) {
	if v.errors+v.warnings == 0 {
		return
	}
	if v.shown > maxShown {
		u.logf("... and %s more", grouped(v.errors-maxShown))
	}
	if v.errors == 0 {
		u.logf("valid, %s; asa2udm validate names them", count(v.warnings, "warning"))
		return
	}
	u.logf("%s in %s, %s", count(v.errors, "error"), count(v.events, "event"), count(v.warnings, "warning"))
}
