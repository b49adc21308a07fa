// Package golden tests a rule file against records and the events expected of
// them.
//
// A case is an input NAME.ndjson and what stands beside it: NAME.udm.json holds
// every event and reject of the input in full, NAME.expect.yaml what a person
// wants to hold of some of them. Find lists the cases of a directory, Run maps
// their inputs and compares. The Report says what differs, field by field, with
// the rules that wrote each field; showing it is left to the caller.
package golden

import (
	"encoding/json"
	"strconv"

	"github.com/asa2udm/asa2udm/mapping"
)

// The endings of the files of a case.
const (
	inputSuffix   = ".ndjson"
	fullSuffix    = ".udm.json"
	partialSuffix = ".expect.yaml"
)

// Suite is a directory of cases, all for one rule file.
type Suite struct {
	Dir   string
	Rules string // a rule file, or the file name of a shipped pack
	Cases []Case
}

// Case is one input with what is expected of it. A file that is not there is "".
type Case struct {
	Name    string // below the directory given to Find, with slashes, no ending
	Input   string
	Full    string // NAME.udm.json
	Partial string // NAME.expect.yaml
}

// Status is what became of a case.
type Status string

// What may become of a case.
const (
	Passed Status = "passed"
	Failed Status = "failed" // the rules do not give what is expected
	Broken Status = "error"  // the case could not be run: a file cannot be read or understood
)

// Change is what an update did to an expectation.
type Change string

// What an update may do to an expectation. Of a kept one nothing was written.
const (
	Kept      Change = ""
	Created   Change = "created"
	Updated   Change = "updated"
	Formatted Change = "formatted" // it says the same, in other words
)

// Report says what became of all cases, in the order of Find.
type Report struct {
	Passed   int       `json:"passed"`
	Failed   int       `json:"failed"`
	Errors   int       `json:"errors"`
	Records  int       `json:"records"`
	Cases    []Result  `json:"cases"`
	Coverage *Coverage `json:"coverage,omitempty"` // nil unless asked for
}

// Result is what became of one case.
type Result struct {
	Name     string    `json:"name"`
	Status   Status    `json:"status"`
	Rules    string    `json:"rules"`
	Input    string    `json:"input"`
	Records  int       `json:"records"`
	Change   Change    `json:"change,omitempty"`
	Changed  []string  `json:"changed,omitempty"` // UDM paths and record kinds that an update changed
	Failures []Failure `json:"failures,omitempty"`
}

// Kind says what sort of thing a Failure is about.
type Kind string

// The kinds of failures.
const (
	FieldDiffers Kind = "field"     // a field has another value, or none
	OrderDiffers Kind = "order"     // labels stand in another order
	EventMissing Kind = "missing"   // an expected event or reject is not there
	EventExtra   Kind = "extra"     // an event or reject is there that is not expected
	OtherOutcome Kind = "outcome"   // rejected, though an event is expected, or the other way round
	NotValid     Kind = "violation" // an event breaks the UDM schema
	BadCase      Kind = "case"      // something is wrong with the files of the case
)

// Failure is one way in which a record's outcome is not what is expected.
type Failure struct {
	Kind Kind `json:"kind"`
	// Line and Index say which record of the input: its line, and its position
	// in the list where the line is a page. Line is 0 and Index nil where it is
	// about none.
	Line  int64 `json:"line,omitempty"`
	Index *int  `json:"index,omitempty"`
	// Expected is the place of the expectation, file:line.
	Expected string `json:"expected,omitempty"`
	Path     string `json:"path,omitempty"` // the UDM field
	// Want and Got are JSON; nil means nothing.
	Want json.RawMessage `json:"want"`
	Got  json.RawMessage `json:"got"`
	// Message says in words what Path, Want and Got do not.
	Message string `json:"message,omitempty"`
	// Rules is only sought for the first 500 failures of a case.
	Rules []Place `json:"rules,omitempty"`
}

// Place is a place in a rule file that has to do with a failure.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column"`
	Name string `json:"name"`           // of the rule
	Note string `json:"note,omitempty"` // what it has to do with the failure; "" for the rule that wrote the value
}

// String answers file:line.
func (p Place) String() string { return p.File + ":" + strconv.Itoa(p.Line) }

func placeAt(pos mapping.Pos, name, note string) Place {
	return Place{pos.File, pos.Line, pos.Col, name, note}
}
