package draft

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/asa2udm/asa2udm/internal/page"
)

// maxRecord is how many bytes one record, or one page, may have.
const maxRecord = 16 << 20

// Reading is what Read found in one input.
type Reading struct {
	Records  int
	Bad      int  // texts that are no record
	FirstBad int  // line that the first of them begins in, from 1; 0 if there is none
	Arrays   bool // records stood in a JSON array, where map does not look for them
}

// Read takes all records of r: one a line, pages of the ASA API, or JSON over
// several lines, in an array or not. What is none is counted and left out. The
// error is that of r; what came before it has been taken.
func (s *Survey) Read(r io.Reader) (Reading, error) {
	sp := &splitter{survey: s}
	err := sp.read(r)
	return sp.found, err
}

// splitter cuts an input into JSON texts: the lines, or as many lines as a text
// goes over.
type splitter struct {
	survey *Survey
	found  Reading
	line   int    // number of the line at hand
	start  int    // line the text at hand begins in
	text   []byte // of a text that goes over several lines
	depth  int    // containers open at its end
}

func (sp *splitter) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, tooLong, err := readLine(lines)
		if err != nil && err != io.EOF {
			return err
		}
		if len(line) > 0 || tooLong {
			sp.line++
		}
		if sp.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		switch {
		case tooLong:
			sp.drop()
			sp.bad(sp.line)
		default:
			sp.add(line)
		}
		if err != nil {
			sp.drop()
			return nil
		}
	}
}

// readLine answers a line with its end, and nothing but a flag for one that is
// longer than a record may be.
func readLine(r *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if tooLong = tooLong || len(line)+len(part) > maxRecord; tooLong {
			line = nil
		} else {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

// add takes one line.
func (sp *splitter) add(line []byte) {
	trimmed := bytes.TrimSpace(line)
	switch {
	case sp.text != nil:
		sp.goOn(line)
	case len(trimmed) == 0:
	case json.Valid(trimmed):
		sp.start = sp.line
		sp.whole(trimmed)
	case bytes.IndexByte([]byte("{["), trimmed[0]) >= 0 && bytes.IndexByte([]byte("{[,"), trimmed[len(trimmed)-1]) >= 0:
		sp.start = sp.line
		sp.goOn(line)
	default:
		sp.bad(sp.line)
	}
}

// goOn adds a line to a text over several, and takes the text once it is whole.
func (sp *splitter) goOn(line []byte) {
	if len(sp.text)+len(line) > maxRecord {
		sp.drop()
		return
	}
	sp.text = append(sp.text, line...)
	if sp.depth += depthOf(line); sp.depth > 0 {
		return
	}
	text := sp.text
	sp.text, sp.depth = nil, 0
	if !json.Valid(text) {
		sp.bad(sp.start)
		return
	}
	sp.whole(text)
}

// drop gives up the text at hand.
func (sp *splitter) drop() {
	if sp.text != nil {
		sp.bad(sp.start)
	}
	sp.text, sp.depth = nil, 0
}

func (sp *splitter) bad(line int) {
	if sp.found.Bad++; sp.found.FirstBad == 0 {
		sp.found.FirstBad = line
	}
}

// depthOf answers how many more containers a line opens than it closes. A text
// never goes over a line end.
func depthOf(line []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth
}

// whole takes a JSON text.
func (sp *splitter) whole(text []byte) {
	if page.Is(text) {
		records, _, err := page.Join(text)
		if err != nil {
			sp.bad(sp.start)
			return
		}
		sp.survey.joined = true
		for _, record := range records {
			sp.record(record)
		}
		return
	}
	var elements []json.RawMessage
	if bytes.TrimSpace(text)[0] != '[' || json.Unmarshal(text, &elements) != nil {
		sp.record(text)
		return
	}
	sp.found.Arrays = true
	for _, element := range elements {
		sp.record(element)
	}
}

func (sp *splitter) record(record []byte) {
	if err := sp.survey.add(record); err != nil {
		sp.bad(sp.start)
		return
	}
	sp.found.Records++
}
