package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/mapping"
)

// foundRecord is one record of an input, as it is mapped.
type foundRecord struct {
	file  string
	line  int64 // where it begins; of an event in a page, where the page does
	index int   // of an event in a page, its position; else -1
	of    int   // events in the page
	json  []byte
}

// rejectsAll is a rule file by which no event has a time. All records come back
// as rejects, each with its line: so what explain takes for a record, and for an
// event of a page, is what map takes for one.
const rejectsAll = `
log_type: NONE
mappings:
  - {from: timestamp, to: metadata.event_timestamp, when: 'false'}
event_type: GENERIC_EVENT
`

// findRecord goes to a line, 0 for the first that is not blank. Where a page
// stands there, index picks one of its events, -1 for the first.
func findRecord(ctx context.Context, r io.Reader, line int64, index int) (foundRecord, error) {
	parser, err := mapping.Compile("none", []byte(rejectsAll), mapping.Options{})
	if err != nil {
		return foundRecord{}, err
	}
	s := &recordSearch{line: line, index: max(index, 0)}
	stats, err := mapping.Stream(ctx, parser, r, io.Discard, mapping.StreamOptions{Workers: 1, Rejects: s})
	switch {
	case err != nil && !errors.Is(err, errPassed):
		return foundRecord{}, err
	case err == nil && line > stats.Lines:
		return foundRecord{}, fmt.Errorf("no line %d: the last one is %d", line, stats.Lines)
	case s.at == 0 && line == 0:
		return foundRecord{}, errors.New("there is no record")
	case s.at == 0 || s.at < line && s.of == 0:
		return foundRecord{}, fmt.Errorf("line %d holds no record", line)
	case s.of == 0 && index >= 0:
		return foundRecord{}, fmt.Errorf("line %d is a record and no page: leave out --index", s.at)
	case s.of > 0 && s.index >= s.of:
		return foundRecord{}, fmt.Errorf("the page on line %d has %s; --index counts from 0", s.at, count(s.of, "event"))
	}
	return s.found()
}

// errPassed ends the search behind the record.
var errPassed = errors.New("the record has been passed")

// recordSearch takes reject lines and keeps the last one that is not behind the
// line it looks for: a page begins before most of its lines.
type recordSearch struct {
	line  int64
	index int

	at   int64 // line of what is kept
	of   int   // events seen of the page there; 0 where it is no page
	kept []byte
}

// Write takes reject lines.
func (s *recordSearch) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		at := gjson.GetBytes(line, "line").Int()
		if s.line > 0 && at > s.line || s.line == 0 && s.at > 0 && at > s.at {
			return 0, errPassed
		}
		s.keep(at, line)
	}
	return len(p), nil
}

func (s *recordSearch) keep(at int64, line []byte) {
	index := gjson.GetBytes(line, "index")
	if at != s.at {
		s.at, s.of = at, 0
	}
	if index.Exists() {
		s.of++
	}
	if !index.Exists() || int(index.Int()) == s.index {
		s.kept = append(s.kept[:0], line...)
	}
}

// found answers the record that is kept.
func (s *recordSearch) found() (foundRecord, error) {
	var r struct {
		Raw       string
		RawBase64 []byte `json:"raw_base64"`
		Truncated bool
		Size      int64
	}
	if err := json.Unmarshal(s.kept, &r); err != nil {
		return foundRecord{}, err
	}
	if r.Truncated {
		return foundRecord{}, fmt.Errorf("line %d has %s bytes, over the limit of %s", s.at, grouped(r.Size), grouped(mapping.DefaultMaxRecord))
	}
	out := foundRecord{line: s.at, index: -1, of: s.of, json: r.RawBase64}
	if r.RawBase64 == nil {
		out.json = []byte(r.Raw)
	}
	if s.of > 0 {
		out.index = s.index
	}
	return out, nil
}
