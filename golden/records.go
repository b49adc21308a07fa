package golden

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/asa2udm/asa2udm/internal/page"
	"github.com/asa2udm/asa2udm/mapping"
)

// record is what the rules made of one record of an input: an event or a reject.
type record struct {
	line   int64
	index  *int   // in the page, if the record is of one
	raw    []byte // the record, joined if it is of a page
	event  []byte
	reject *reject // nil for an event
}

// reject is a rejected record as an expectation has it. Detail is for people and
// no part of what is expected.
type reject struct {
	Line   int64  `json:"line"`
	Index  *int   `json:"index,omitempty"`
	Error  string `json:"error"`
	Detail string `json:"-"`
}

// mapRecords maps an input with mapping.Stream and tells which record each event
// and reject is of.
//
// Stream hands out events and rejects apart, by batches, so it is fed one line
// at a time: a batch is then one record, or one page.
func mapRecords(ctx context.Context, parser *mapping.Parser, input []byte) ([]record, error) {
	s := &splitter{parser: parser, mapper: parser.NewMapper(), rest: bytes.TrimPrefix(input, byteOrderMark), line: 1}
	for {
		again, err := s.stream(ctx)
		if err != nil {
			return nil, err
		}
		if !again {
			return s.records, nil
		}
	}
}

// splitter takes what a stream writes for each of its batches.
type splitter struct {
	parser  *mapping.Parser
	mapper  *mapping.Mapper // for questions about single records
	records []record
	rest    []byte // of the input, from the batch at hand on
	line    int64  // where it starts

	events, rejects bytes.Buffer
	seen            mapping.Stats
	again           bool // the stream must begin anew at line
	err             error
}

var errAgain = errors.New("begin anew")

var byteOrderMark = []byte("\xef\xbb\xbf")

// stream runs one stream over the rest of the input. It reports whether another
// one has to go on from where it stopped.
func (s *splitter) stream(ctx context.Context) (again bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.seen, s.again = mapping.Stats{}, false
	// A stream drops a mark at its beginning. One that stands here in the input
	// must not be, so it gets another one to drop.
	feed := &lineReader{rest: slices.Concat(byteOrderMark, s.rest)}
	_, err = mapping.Stream(ctx, s.parser, feed, &s.events, mapping.StreamOptions{
		Workers: 1, Rejects: &s.rejects,
		Progress: func(stats mapping.Stats) {
			if s.again || s.err != nil {
				return
			}
			if s.err = s.batch(stats); s.again || s.err != nil {
				cancel(errAgain)
			}
		},
	})
	s.events.Reset()
	s.rejects.Reset()
	if s.err != nil {
		return false, s.err
	}
	if s.again {
		return true, nil
	}
	return false, err
}

// batch takes what was written for one batch.
func (s *splitter) batch(stats mapping.Stats) error {
	lines, blank, count := stats.Lines-s.seen.Lines, stats.Blank-s.seen.Blank, stats.Records-s.seen.Records
	s.seen = stats
	rejects, err := s.takeRejects()
	if err != nil {
		return err
	}
	if lines > 1 && count+blank > 1 && len(rejects) > 0 && rejects[0].Index == nil {
		// What began like a page over several lines turned out to be none: its
		// first line is a record of its own, which no one knows of the others.
		s.again = true
		lines, count = 1, 1
		rejects = rejects[:1]
		s.events.Reset()
	}
	data := s.skip(int(lines))
	records, err := s.split(data, count, rejects)
	s.records = append(s.records, records...)
	s.line += lines
	return err
}

// skip moves over lines of the input and answers them.
func (s *splitter) skip(lines int) []byte {
	end := 0
	for range lines {
		n := bytes.IndexByte(s.rest[end:], '\n')
		if n < 0 {
			end = len(s.rest)
			break
		}
		end += n + 1
	}
	data := s.rest[:end]
	s.rest = s.rest[end:]
	return data
}

func (s *splitter) takeRejects() ([]reject, error) {
	var all []reject
	for line := range bytes.Lines(s.rejects.Bytes()) {
		var r struct {
			Error  string
			Detail string
			Index  *int
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("reject: %w", err)
		}
		all = append(all, reject{Line: s.line, Index: r.Index, Error: r.Error, Detail: r.Detail})
	}
	s.rejects.Reset()
	return all, nil
}

// split gives each event and reject of one unit, a record or a page, its record.
func (s *splitter) split(data []byte, count int64, rejects []reject) ([]record, error) {
	defer s.events.Reset()
	if count == 0 {
		return nil, nil
	}
	joined, isPage := s.joined(data, count, rejects)
	if int64(len(joined)) != count {
		return nil, fmt.Errorf("line %d: %d records, expected %d", s.line, count, len(joined))
	}
	var records []record
	events := bytes.SplitAfter(bytes.Clone(s.events.Bytes()), []byte("\n"))
	for _, j := range joined {
		rec := record{line: s.line, raw: j.raw}
		rejected := len(rejects) > 0
		if isPage {
			rec.index = &j.index
			// Where several pages stand on one line the positions repeat, so it
			// is not the index that tells.
			rejected = !s.maps(j.raw)
		}
		if rejected {
			rec.reject, rejects = &rejects[0], rejects[1:]
		} else {
			rec.event, events = bytes.TrimSuffix(events[0], []byte("\n")), events[1:]
		}
		records = append(records, rec)
	}
	return records, nil
}

// maps reports whether a record gives an event.
func (s *splitter) maps(raw []byte) bool {
	_, err := s.mapper.Map(nil, raw)
	return err == nil
}

type joinedRecord struct {
	raw   []byte
	index int
}

// joined answers the records of a unit: the unit itself, or those of its pages.
func (s *splitter) joined(data []byte, count int64, rejects []reject) (all []joinedRecord, isPage bool) {
	whole := bytes.TrimSpace(data)
	if count == 1 && (len(rejects) == 1 && rejects[0].Index == nil || len(rejects) == 0 && s.maps(whole)) {
		return []joinedRecord{{raw: whole}}, false
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var one json.RawMessage
		if dec.Decode(&one) != nil {
			return all, true
		}
		records, _, err := page.Join(one)
		if err != nil {
			return all, true
		}
		for i, raw := range records {
			all = append(all, joinedRecord{raw, i})
		}
	}
}

// lineReader reads at most one line at a time.
type lineReader struct{ rest []byte }

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	end := len(r.rest)
	if n := bytes.IndexByte(r.rest, '\n'); n >= 0 {
		end = n + 1
	}
	n := copy(p, r.rest[:end])
	r.rest = r.rest[n:]
	return n, nil
}
