package main

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/asa2udm/asa2udm/mapping"
)

// explainedJSON is what explain answers as JSON. What is JSON in the record or in
// the event stands in it as it is.
type explainedJSON struct {
	File      string          `json:"file"`
	Line      int64           `json:"line"`
	Index     *int            `json:"index,omitempty"` // in a page
	Rules     string          `json:"rules"`
	Reject    *rejectJSON     `json:"reject,omitempty"`
	Event     json.RawMessage `json:"event,omitempty"`
	Values    []valueJSON     `json:"values"`
	Decisions []decisionJSON  `json:"decisions"`
	Unread    []unreadJSON    `json:"unread"`
}

type rejectJSON struct {
	Error  string `json:"error"`
	Detail string `json:"detail"`
}

// ruleJSON is a rule and where it stands.
type ruleJSON struct {
	Rule string `json:"rule"`
	File string `json:"file"`
	Line int    `json:"line"`
}

type valueJSON struct {
	Path       string          `json:"path"`
	Value      json.RawMessage `json:"value"`
	Rule       ruleJSON        `json:"rule"`
	Via        *ruleJSON       `json:"via,omitempty"` // the rule that uses the block Rule is in
	Source     string          `json:"source,omitempty"`
	Raw        json.RawMessage `json:"raw,omitempty"`
	Transforms []transformJSON `json:"transforms"`
	Lost       []lostJSON      `json:"lost"`
}

type transformJSON struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

type lostJSON struct {
	Rule   ruleJSON        `json:"rule"`
	Source string          `json:"source,omitempty"`
	Raw    json.RawMessage `json:"raw,omitempty"`
	Value  json.RawMessage `json:"value"`
	Why    string          `json:"why"`
}

type decisionJSON struct {
	What  string    `json:"what"`
	File  string    `json:"file"`
	Line  int       `json:"line"`
	Taken int       `json:"taken"` // -1 for none
	Arms  []armJSON `json:"arms"`
}

type armJSON struct {
	Expression string        `json:"expression,omitempty"`
	File       string        `json:"file"`
	Line       int           `json:"line"`
	Result     string        `json:"result"`
	Gives      string        `json:"gives,omitempty"`
	Operands   []operandJSON `json:"operands"`
}

type operandJSON struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type unreadJSON struct {
	Path string          `json:"path"`
	Raw  json.RawMessage `json:"raw"`
}

func (e *explained) writeJSON(w io.Writer) error {
	out := explainedJSON{
		File: e.file, Line: e.line, Rules: e.rules.Name, Event: rawJSON(string(e.Event)),
		Values: []valueJSON{}, Decisions: []decisionJSON{}, Unread: []unreadJSON{},
	}
	if e.index >= 0 {
		out.Index = &e.index
	}
	if e.Reject != nil {
		out.Reject = &rejectJSON{e.Reject.Code, e.Reject.Detail}
	}
	for i := range e.Values {
		if v := &e.Values[i]; e.shows(v.Path, shownPath(v), v.Source) {
			out.Values = append(out.Values, jsonValue(v))
		}
	}
	for i := range e.Decisions {
		if e.showsDecisions() {
			out.Decisions = append(out.Decisions, e.jsonDecision(&e.Decisions[i]))
		}
	}
	for _, u := range e.Unread {
		if e.shows(u.Path) {
			out.Unread = append(out.Unread, unreadJSON{u.Path, rawJSON(u.Raw)})
		}
	}
	return writeIndented(w, out)
}

// writeIndented writes a value as JSON for machines that people may look at.
func writeIndented(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// rawJSON makes JSON of a record fit for JSON of ours: a record may hold bytes
// that are not UTF-8.
func rawJSON(text string) json.RawMessage {
	return json.RawMessage(bytes.ToValidUTF8([]byte(text), []byte("\uFFFD")))
}

func jsonRule(r *mapping.Rule) ruleJSON { return ruleJSON{r.ID(), r.Pos.File, r.Pos.Line} }

func jsonValue(v *mapping.Explained) valueJSON {
	out := valueJSON{
		Path: v.Path, Value: rawJSON(v.Value), Rule: jsonRule(v.Rule), Source: v.Source, Raw: rawJSON(v.Raw),
		Transforms: []transformJSON{}, Lost: []lostJSON{},
	}
	if usesBlock(v) {
		via := jsonRule(v.Via)
		out.Via = &via
	}
	for _, t := range transforms(v) {
		out.Transforms = append(out.Transforms, transformJSON(t))
	}
	for _, l := range v.Lost {
		out.Lost = append(out.Lost, lostJSON{jsonRule(l.Rule), l.Source, rawJSON(l.Raw), rawJSON(l.Value), l.Why})
	}
	return out
}

// usesBlock reports whether the rule that wrote a value stands in a block.
func usesBlock(v *mapping.Explained) bool { return v.Via != nil && v.Via != v.Rule }

func (e *explained) jsonDecision(d *mapping.ExplainedDecision) decisionJSON {
	out := decisionJSON{What: e.nameOf(d), File: d.Pos.File, Line: d.Pos.Line, Taken: d.Taken, Arms: []armJSON{}}
	for i := range d.Arms {
		a := &d.Arms[i]
		pos := e.armPos(d, i)
		arm := armJSON{Expression: a.Expression, File: pos.File, Line: pos.Line, Result: a.Result, Gives: a.Gives, Operands: []operandJSON{}}
		for _, o := range a.Operands {
			arm.Operands = append(arm.Operands, operandJSON(o))
		}
		out.Arms = append(out.Arms, arm)
	}
	return out
}
