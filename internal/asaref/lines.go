package asaref

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/asa2udm/asa2udm/internal/page"
)

// Result is what became of one record of a file: an event, or a code.
type Result struct {
	Line   int    // counted from 1; for a record of a page, where the page starts
	Index  int    // position in the page's list, or -1
	Record []byte // the line's bytes, or the joined record of a page
	Event  []byte
	Code   string
}

// rawLimit is how much of an oversized line a reject shows.
const rawLimit = 1024

// Reject answers the reject line of r as JSON, without the detail, whose words
// are not part of the rules.
func (r Result) Reject() []byte {
	reject := struct {
		Line      int     `json:"line"`
		Index     *int    `json:"index,omitempty"`
		Error     string  `json:"error"`
		Raw       *string `json:"raw,omitempty"`
		RawBase64 string  `json:"raw_base64,omitempty"`
		Truncated bool    `json:"truncated,omitempty"`
		Size      int     `json:"size,omitempty"`
	}{Line: r.Line, Error: r.Code}
	if r.Index >= 0 {
		reject.Index = &r.Index
	}
	raw := r.Record
	if r.Code == CodeSize {
		raw = raw[:min(len(raw), rawLimit)]
		reject.Truncated, reject.Size = true, len(r.Record)
	}
	if text := string(raw); utf8.Valid(raw) {
		reject.Raw = &text
	} else {
		reject.RawBase64 = base64.StdEncoding.EncodeToString(raw)
	}
	out, err := json.Marshal(reject)
	if err != nil {
		return nil
	}
	return out
}

// Lines maps a whole file and answers its records in order. A line longer than
// limit bytes is rejected. The file is held in memory.
func (r Rules) Lines(in io.Reader, limit int) ([]Result, error) {
	rest, err := io.ReadAll(in)
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	rest = bytes.TrimPrefix(rest, []byte("\ufeff"))
	var results []Result
	for number := 1; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		if whole := indentedPage(line, rest); whole != nil {
			results = append(results, r.page(whole, number)...)
			number += bytes.Count(whole, []byte("\n")) + 1
			_, rest, _ = bytes.Cut(rest[len(whole):], []byte("\n"))
			continue
		}
		results = append(results, r.line(line, number, limit)...)
		number, rest = number+1, after
	}
	return results, nil
}

func (r Rules) line(line []byte, number, limit int) []Result {
	switch {
	case len(line) > limit:
		return []Result{{Line: number, Index: -1, Record: line, Code: CodeSize}}
	case len(bytes.Trim(line, " \t\r")) == 0:
		return nil
	case page.Is(line):
		return r.page(line, number)
	}
	event, code := r.Map(line)
	return []Result{{Line: number, Index: -1, Record: line, Event: event, Code: code}}
}

func (r Rules) page(text []byte, number int) []Result {
	records, _, err := page.Join(text)
	if err != nil {
		return []Result{{Line: number, Index: -1, Record: text, Code: CodeJSON}}
	}
	var results []Result
	for i, record := range records {
		event, code := r.Map(record)
		results = append(results, Result{Line: number, Index: i, Record: record, Event: event, Code: code})
	}
	return results
}

// indentedPage answers the page that begins in line and ends in a later one, or
// nil. rest is the file from that line on.
func indentedPage(line, rest []byte) []byte {
	if !bytes.HasPrefix(bytes.TrimLeft(line, " \t\r"), []byte("{")) || len(line) == len(rest) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(rest))
	var value json.RawMessage
	if dec.Decode(&value) != nil || dec.InputOffset() <= int64(len(line)) || !page.Is(value) {
		return nil
	}
	whole, tail := rest[:dec.InputOffset()], rest[dec.InputOffset():]
	if blank, _, _ := bytes.Cut(tail, []byte("\n")); len(bytes.Trim(blank, " \t\r")) > 0 {
		return nil
	}
	return whole
}
