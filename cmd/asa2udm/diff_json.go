package main

import (
	"encoding/json"
	"io"

	"github.com/asa2udm/asa2udm/mapping"
)

// diffJSON is what diff answers as JSON.
type diffJSON struct {
	Old        sideJSON        `json:"old"`
	New        sideJSON        `json:"new"`
	Files      []string        `json:"files"`
	Records    int64           `json:"records"`
	Changed    int64           `json:"changed"` // events that differ
	Gained     int64           `json:"gained"`  // records rejected by old and not by new
	Lost       int64           `json:"lost"`    // records rejected by new and not by old
	Fields     []fieldDiffJSON `json:"fields"`
	EventTypes []typeDiffJSON  `json:"event_types"` // how many records went from each type to each
}

type sideJSON struct {
	Rules    string        `json:"rules"`
	Events   int64         `json:"events"`
	Rejected int64         `json:"rejected"`
	ByCode   mapping.Codes `json:"rejected_by_code"`
}

type fieldDiffJSON struct {
	Path    string            `json:"path"`
	Events  int64             `json:"events"`
	Changes []valueChangeJSON `json:"changes"`
	Others  int64             `json:"others"` // changes that are not listed
}

// valueChangeJSON is one pair of values. A value that is not there is null.
type valueChangeJSON struct {
	Old     json.RawMessage `json:"old"`
	New     json.RawMessage `json:"new"`
	Count   int64           `json:"count"`
	Example string          `json:"example"` // file:line
}

type typeDiffJSON struct {
	Old     string `json:"old"`
	New     string `json:"new"`
	Count   int64  `json:"count"`
	Example string `json:"example"`
}

func (d *difference) writeJSON(w io.Writer) error {
	out := diffJSON{
		Old: sideJSON{d.before, d.old.Events, d.old.Rejected, d.old.ByCode}, New: sideJSON{d.after, d.new.Events, d.new.Rejected, d.new.ByCode},
		Files: d.files, Records: d.new.Records, Changed: d.changed, Gained: total(d.gained()), Lost: total(d.lost()),
		Fields: []fieldDiffJSON{}, EventTypes: []typeDiffJSON{},
	}
	for _, f := range d.fields {
		field := fieldDiffJSON{Path: f.path, Events: f.events, Changes: []valueChangeJSON{}, Others: f.others}
		for _, c := range f.top {
			field.Changes = append(field.Changes, valueChangeJSON{orNull(c.old), orNull(c.new), c.count, c.example})
		}
		out.Fields = append(out.Fields, field)
	}
	for _, c := range d.types {
		out.EventTypes = append(out.EventTypes, typeDiffJSON{c.old, c.new, c.count, c.example})
	}
	return writeIndented(w, out)
}

func orNull(value string) json.RawMessage {
	if value == "" {
		return json.RawMessage("null")
	}
	return rawJSON(value)
}
