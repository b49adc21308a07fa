package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/asa2udm/asa2udm/internal/page"
)

const (
	blockSize    = 128 << 10 // of input per batch, unless one record has more
	keptOfTooBig = 1 << 10   // bytes that a reject of a line over the limit holds
)

// cutter cuts an input into batches of whole lines. The lines of a page that is
// written over several lines stay together.
type cutter struct {
	r       io.Reader
	limit   int          // bytes a line may have, its end left out
	rest    []byte       // read, but not yet in a batch
	line    int64        // number of the next line
	scanned int          // bytes of the batch known to hold no line end
	begun   bool         // a byte order mark has been looked for
	page    pageScan     // of the page that the data may begin with
	err     error        // of the reader, once it has ended
	grow    func(*batch) // makes room for more data
}

func newCutter(r io.Reader, limit int, grow func(*batch)) *cutter {
	return &cutter{r: r, limit: limit, line: 1, grow: grow}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// next fills a batch. It answers io.EOF, or the reader's error, when nothing is
// left; what the reader gave of a line before an error is dropped with it.
func (c *cutter) next(b *batch) error {
	b.line = c.line
	b.data = append(b.data[:0], c.rest...)
	c.rest, c.scanned = c.rest[:0], 0
	for {
		if !c.begin(b) {
			c.fill(b)
			continue
		}
		c.cut(b)
		switch {
		case len(b.units) > 0:
			end := int(b.units[len(b.units)-1].end)
			c.rest = append(c.rest, b.data[end:]...)
			b.data = b.data[:end]
			return nil
		case c.tooLong(b):
			return c.discard(b)
		case c.err != nil && (len(b.data) == 0 || c.err != io.EOF):
			return c.err
		case c.err != nil:
			// The last line needs no newline.
			c.add(b, len(b.data), 1)
			return nil
		}
		c.fill(b)
	}
}

// begin drops a byte order mark at the start of the input. It reports whether
// enough has been read to know of one.
func (c *cutter) begin(b *batch) bool {
	if c.begun {
		return true
	}
	if c.err == nil && len(b.data) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, b.data) {
		return false
	}
	c.begun = true
	b.data = bytes.TrimPrefix(b.data, byteOrderMark)
	return true
}

// fill reads one more block behind the data.
func (c *cutter) fill(b *batch) {
	n := len(b.data)
	if cap(b.data)-n < blockSize/4 {
		c.grow(b)
	}
	got, err := c.r.Read(b.data[n:cap(b.data)])
	for got == 0 && err == nil {
		got, err = c.r.Read(b.data[n:cap(b.data)])
	}
	b.data = b.data[:n+got]
	switch {
	case err == io.EOF:
		c.err = io.EOF
	case err != nil:
		// An EOF that something wraps is that of a connection: the input goes on.
		c.err = fmt.Errorf("read: %w", err)
	}
}

// cut finds the whole lines in the data.
func (c *cutter) cut(b *batch) {
	start := 0
	for {
		n := bytes.IndexByte(b.data[start+c.scanned:], '\n')
		if n < 0 {
			c.scanned = len(b.data) - start
			return
		}
		n += c.scanned
		c.scanned = 0
		if c.over(b.data[start : start+n]) {
			return
		}
		end, lines := start+n+1, 1
		if opensPage(b.data[start:end]) {
			data := b.data[start:min(len(b.data), start+c.limit)]
			if c.page.read(data, c.err == io.EOF && len(data) < c.limit) && len(data) < c.limit {
				return // the page goes on behind the data
			}
			if found := &c.page; found.end > 0 && len(splitPages(data[:found.end])) > 0 {
				end, lines = start+found.end, found.lines
			}
			c.page = pageScan{}
		}
		c.add(b, end, lines)
		start = end
	}
}

func (c *cutter) add(b *batch, end, lines int) {
	b.units = append(b.units, unit{int32(end), int32(lines)})
	c.line += int64(lines)
}

// over reports whether a line is too long. The carriage return before a newline
// belongs to the line end.
func (c *cutter) over(line []byte) bool {
	return len(line) > c.limit && (len(line) > c.limit+1 || line[c.limit] != '\r')
}

// tooLong reports whether the data begins with a line over the limit.
func (c *cutter) tooLong(b *batch) bool {
	if n := bytes.IndexByte(b.data[c.scanned:], '\n'); n >= 0 {
		return c.over(b.data[:c.scanned+n])
	}
	return c.over(b.data)
}

// discard reads over a line that is too long and keeps only its beginning. The
// error is the reader's, if it failed within the line.
func (c *cutter) discard(b *batch) error {
	var kept []byte
	for {
		line, rest, ended := bytes.Cut(b.data, []byte{'\n'})
		kept = append(kept, line[:min(len(line), keptOfTooBig-len(kept))]...)
		b.size += int64(len(line))
		if ended {
			c.rest = append(c.rest, rest...)
			b.lineEnd = 1
			break
		}
		if c.err == io.EOF {
			break
		}
		if c.err != nil {
			return c.err
		}
		b.data = b.data[:0]
		c.fill(b)
	}
	b.data = kept
	c.line++
	return nil
}

// opensPage reports whether a line may be the first of a page written over
// several lines: its first key is one of a page's, or still to come, and it does
// not end the object. Whole records all end in a brace, so this is quick to say.
func opensPage(line []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' || line[len(line)-1] == '}' {
		return false
	}
	key := bytes.TrimSpace(line[1:])
	return len(key) == 0 || startsPageKey(key)
}

var pageKeys = [][]byte{[]byte(`"list"`), []byte(`"related_objects"`)}

func startsPageKey(b []byte) bool {
	return slices.ContainsFunc(pageKeys, func(key []byte) bool { return bytes.HasPrefix(b, key) })
}

// mayStartPageKey reports whether b is the beginning of a page's key, cut short.
func mayStartPageKey(b []byte) bool {
	return slices.ContainsFunc(pageKeys, func(key []byte) bool { return len(b) < len(key) && bytes.HasPrefix(key, b) })
}

// pageScan looks for the end of a page written over several lines. It goes on
// where it was when there is more data.
type pageScan struct {
	at      int // bytes of the page that have been looked at
	lines   int // line ends among them
	end     int // where the page ends, line end included; 0 if it is none
	depth   int
	starts  int  // lines that could be the first of a page, this one included
	inLine  bool // the line has more than white space before at
	brace   bool // a brace began the line, and its key is still to come
	quoted  bool // at is in a text,
	escaped bool // behind a backslash
}

// maxPageStarts is how many lines of a page may look like the first of one. Pages
// that are cut short follow each other; to look for the end of each no further
// than this keeps the time that takes in proportion to the input.
const maxPageStarts = 8

// maxPageDepth is how deep encoding/json reads, which reads pages.
const maxPageDepth = 10_000

// read looks at b, which begins with the page. It reports whether the page goes
// on behind b; last says that nothing stands there.
func (s *pageScan) read(b []byte, last bool) (open bool) {
	for ; s.at < len(b); s.at++ {
		c := b[s.at]
		if s.brace && !isSpace(c) {
			key := b[s.at:]
			if !last && mayStartPageKey(key) {
				return true
			}
			if startsPageKey(key) {
				s.starts++
			}
			if s.brace = false; s.starts == 0 || s.starts > maxPageStarts {
				return false
			}
		}
		if !s.step(c) {
			return false
		}
		if c == '\n' && s.depth <= 0 {
			s.end = s.at + 1
			return false
		}
	}
	if last && s.depth <= 0 {
		s.end, s.lines = len(b), s.lines+1
	}
	return !last
}

// step goes over one byte. It reports false where there can be no page.
func (s *pageScan) step(c byte) bool {
	began := !s.inLine && c == '{'
	s.inLine = c != '\n' && (s.inLine || !isSpace(c))
	switch {
	case c == '\n':
		s.lines++
		return !s.quoted // no text goes over a line end
	case s.escaped:
		s.escaped = false
	case s.quoted && c == '\\':
		s.escaped = true
	case c == '"':
		s.quoted = !s.quoted
	case s.quoted:
	case c == '{' || c == '[':
		s.depth++
		s.brace = began
		return s.depth <= maxPageDepth
	case c == '}' || c == ']':
		s.depth--
	}
	return true
}

// splitPages answers the pages that data consists of, one behind the other, or
// nothing where there is anything else.
func splitPages(data []byte) [][]byte {
	if page.Is(data) {
		return [][]byte{data}
	}
	if !bytes.Contains(data, []byte(`"list"`)) {
		return nil
	}
	var all [][]byte
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var one json.RawMessage
		if err := dec.Decode(&one); err != nil {
			if errors.Is(err, io.EOF) {
				return all
			}
			return nil
		}
		if !page.Is(one) {
			return nil
		}
		all = append(all, one)
	}
}
