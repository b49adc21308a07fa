package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// FromErrors answers the faults of a file that does not compile, or the warnings
// of one that does, as findings.
func FromErrors(list mapping.ErrorList) []Finding {
	var out []Finding
	for _, e := range list {
		f := Finding{ID: CompileID, Severity: Error, Pos: e.Pos, Msg: e.Msg, Hint: e.Hint, Source: e.Source}
		if e.Warning {
			f.Severity = Warning
		}
		out = append(out, f)
	}
	return out
}

// String answers a finding in one line: file:line:col: warning: message [id].
func (f Finding) String() string {
	severity := ""
	if f.Severity != Error {
		severity = f.Severity.String() + ": "
	}
	id := ""
	if f.ID != CompileID {
		id = " [" + f.ID + "]"
	}
	return fmt.Sprintf("%s: %s%s%s", f.Pos, severity, f.Msg, id)
}

// Frame answers a finding for people: its line, the source line, a caret under
// the place, and the hint.
func (f Finding) Frame() string {
	e := mapping.Error{Pos: f.Pos, Hint: f.Hint, Source: f.Source}
	return f.String() + strings.TrimPrefix(e.Frame(), e.Error())
}

// WriteText writes findings for people.
func WriteText(w io.Writer, found []Finding) error {
	for _, f := range found {
		if _, err := fmt.Fprintln(w, f.Frame()); err != nil {
			return err
		}
	}
	return nil
}

// jsonFinding is a Finding as JSON.
type jsonFinding struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndColumn int    `json:"end_column,omitempty"`
	Severity  string `json:"severity"`
	ID        string `json:"id"`
	Message   string `json:"message"`
	Hint      string `json:"hint,omitempty"`
	Source    string `json:"source,omitempty"`
	Fixable   bool   `json:"fixable"`
}

// MarshalJSON writes a finding as the member of findings that check --json
// answers: file, line, column, severity, id, message and so on. Columns count
// bytes from 1.
func (f Finding) MarshalJSON() ([]byte, error) {
	return json.Marshal(jsonFinding{f.Pos.File, f.Pos.Line, f.Pos.Col, f.EndCol, f.Severity.String(), f.ID,
		f.Msg, f.Hint, f.Source, len(f.Fix) > 0})
}

// Counts is how many findings of each severity there are.
type Counts struct{ Errors, Warnings, Infos int }

// Count counts findings.
func Count(found []Finding) Counts {
	var c Counts
	for _, f := range found {
		switch f.Severity {
		case Error:
			c.Errors++
		case Warning:
			c.Warnings++
		default:
			c.Infos++
		}
	}
	return c
}
