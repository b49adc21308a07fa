package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/asa2udm/asa2udm/internal/page"
)

// foundRecord is one record of an input, as it is mapped.
type foundRecord struct {
	file  string
	line  int64 // where it begins; of an event in a page, where the page does
	index int   // of an event in a page, its position; else -1
	of    int   // events in the page
	json  []byte
}

// findRecord goes to a line, 0 for the first that is not blank. Where a page
// stands there, index picks one of its events, -1 for the first.
func findRecord(r *eventReader, line int64, index int) (foundRecord, error) {
	for {
		before := r.line
		text, err := r.next()
		switch {
		case err == io.EOF && line == 0:
			return foundRecord{}, errors.New("there is no record")
		case err == io.EOF && line <= r.line:
			return foundRecord{}, fmt.Errorf("line %d is blank", line)
		case err == io.EOF:
			return foundRecord{}, fmt.Errorf("no line %d: the last one is %d", line, r.line)
		case err != nil:
			return foundRecord{}, err
		case r.line < line:
			continue
		case line > before && line < text.line:
			return foundRecord{}, fmt.Errorf("line %d is blank", line)
		case text.size > 0:
			return foundRecord{}, fmt.Errorf("line %d has %s bytes, over the limit of %s", text.line, grouped(text.size), grouped(r.limit))
		}
		return pickRecord(foundRecord{line: text.line, index: -1, json: text.json}, index)
	}
}

// pickRecord answers the event of a page, or the record itself where it is no
// page.
func pickRecord(found foundRecord, index int) (foundRecord, error) {
	if !page.Is(found.json) {
		if index >= 0 {
			return found, fmt.Errorf("line %d is a record and no page: leave out --index", found.line)
		}
		return found, nil
	}
	records, _, err := page.Join(found.json)
	if err != nil {
		return found, fmt.Errorf("line %d: %w", found.line, err)
	}
	if len(records) == 0 {
		return found, fmt.Errorf("line %d is a page without events", found.line)
	}
	found.index, found.of = max(index, 0), len(records)
	if found.index >= found.of {
		return found, fmt.Errorf("the page on line %d has %s; --index counts from 0", found.line, count(found.of, "event"))
	}
	found.json = records[found.index]
	return found, nil
}
