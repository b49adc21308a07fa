package mapping

import (
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/asa2udm/asa2udm/internal/page"
	"github.com/asa2udm/asa2udm/udm"
)

// worker goes through the records of batches, one batch at a time.
type worker struct {
	opts *StreamOptions
	take recordTaker
	b    *batch
}

// recordTaker does what is to be done with one record of a batch.
type recordTaker interface {
	takeRecord(b *batch, record []byte, line int64) *Reject
}

// run goes through all records of a batch.
func (w *worker) run(b *batch) {
	w.b = b
	b.stats.BytesIn = int64(len(b.data))
	if b.size > 0 {
		w.tooLong()
		return
	}
	line, start := b.line, 0
	for _, u := range b.units {
		w.unit(b.data[start:u.end], line)
		start, line = int(u.end), line+int64(u.lines)
	}
	b.stats.Lines = line - b.line
	b.stats.BytesOut = int64(len(b.events))
}

// unit takes one record or page.
func (w *worker) unit(data []byte, line int64) {
	if isBlank(data) {
		w.b.stats.Blank++
		return
	}
	err := w.record(data, line)
	if err == nil {
		return
	}
	// A page is no record: it has no time of its own, and several in a row are
	// no single JSON value. So only what is rejected for that can be one.
	if (err.Code == CodeTimestamp || err.Code == CodeJSON) && w.pages(data, line) {
		return
	}
	w.reject(err, data, line, -1)
}

func (w *worker) record(data []byte, line int64) *Reject {
	r := w.take.takeRecord(w.b, data, line)
	if r == nil {
		w.b.stats.Records++
	}
	return r
}

// eventMapper maps records to events: the taker of Stream.
type eventMapper struct{ m *Mapper }

func newEventMapper(m *Mapper, opts *StreamOptions) *eventMapper {
	if opts.Validate != nil {
		m.validator = new(udm.Validator)
	}
	return &eventMapper{m}
}

// takeRecord appends the event of a record to the batch.
func (e *eventMapper) takeRecord(b *batch, record []byte, line int64) *Reject {
	mark := len(b.events)
	switch {
	case len(record) > blockSize:
		// An event is seldom larger than its record; growing step by step would
		// copy a large one many times.
		b.events = slices.Grow(b.events, len(record)+len(record)/8)
	case cap(b.events) == 0:
		b.events = make([]byte, 0, blockSize+blockSize/2) // small events are somewhat larger
	}
	events, err := e.m.Map(b.events, record)
	if err != nil {
		var r *Reject
		errors.As(err, &r)
		return r
	}
	b.stats.Events++
	b.events = append(events, '\n')
	e.check(b, events[mark:], line)
	return nil
}

// check takes down the violations of an event, if that is asked for.
func (e *eventMapper) check(b *batch, event []byte, line int64) {
	if e.m.validator == nil {
		return
	}
	if list := e.m.validator.Finish(event); len(list) > 0 {
		b.stats.Violating++
		b.violations.add(line, list)
	}
}

// pages maps the events of one or more API pages. It reports whether data is
// that.
func (w *worker) pages(data []byte, line int64) bool {
	all := splitPages(data)
	if len(all) == 0 {
		return false
	}
	for _, pg := range all {
		records, unresolved, err := page.Join(pg)
		if err != nil {
			return false
		}
		w.b.stats.Unjoined += int64(unresolved)
		for i, record := range records {
			if r := w.record(record, line); r != nil {
				w.reject(r, record, line, i)
			}
		}
	}
	return true
}

// tooLong rejects a line over the limit.
func (w *worker) tooLong() {
	b := w.b
	b.stats.Lines, b.stats.BytesIn = 1, b.size+b.lineEnd
	r := &Reject{Code: CodeSize, Detail: "the line has " + strconv.FormatInt(b.size, 10) + " bytes, over the limit of " +
		strconv.Itoa(w.opts.MaxRecord)}
	w.reject(r, b.data, b.line, -1)
}

// reject counts a rejected record and appends its line to the rejects. index is
// its position in a page, or -1.
func (w *worker) reject(r *Reject, raw []byte, line int64, index int) {
	b := w.b
	b.stats.Records++
	b.stats.Rejected++
	b.stats.ByCode.count(r.Code)
	if w.opts.Rejects == nil {
		return
	}
	out := append(b.rejects, '{')
	if w.opts.RejectFile != "" {
		out = append(appendQuoted(append(out, `"file":`...), []byte(w.opts.RejectFile)), ',')
	}
	out = strconv.AppendInt(append(out, `"line":`...), line, 10)
	if index >= 0 {
		out = strconv.AppendInt(append(out, `,"index":`...), int64(index), 10)
	}
	out = append(append(out, `,"error":"`...), r.Code...)
	out = appendQuoted(append(out, `","detail":`...), []byte(r.Detail))
	if b.size > 0 {
		out = strconv.AppendInt(append(out, `,"truncated":true,"size":`...), b.size, 10)
	}
	raw = trimLineEnd(raw)
	if utf8.Valid(raw) {
		out = appendQuoted(append(out, `,"raw":`...), raw)
	} else {
		out = append(out, `,"raw_base64":"`...)
		out = append(base64.StdEncoding.AppendEncode(out, raw), '"')
	}
	b.rejects = append(out, '}', '\n')
}

// trimLineEnd drops the line end of a record.
func trimLineEnd(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	return b
}

func isBlank(b []byte) bool {
	for _, c := range b {
		if !isSpace(c) {
			return false
		}
	}
	return true
}
