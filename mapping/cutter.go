package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

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
		if !c.begun && (len(b.data) >= len(byteOrderMark) || c.err != nil) {
			c.begun = true
			b.data = bytes.TrimPrefix(b.data, byteOrderMark)
		}
		c.cut(b)
		switch {
		case len(b.units) > 0:
			end := int(b.units[len(b.units)-1].end)
			c.rest = append(c.rest, b.data[end:]...)
			b.data = b.data[:end]
			return nil
		case c.tooLong(b):
			c.discard(b)
			return nil
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

// fill reads one more block behind the data.
func (c *cutter) fill(b *batch) {
	n := len(b.data)
	if cap(b.data)-n < blockSize/4 {
		c.grow(b)
	}
	got, err := io.ReadAtLeast(c.r, b.data[n:cap(b.data)], 1)
	b.data = b.data[:n+got]
	switch {
	case errors.Is(err, io.EOF):
		c.err = io.EOF
	case err != nil:
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
			length, count, open := pageEnd(b.data[start:], c.err != nil)
			if open && len(b.data)-start <= c.limit {
				return
			}
			if length > 0 && length <= c.limit {
				end, lines = start+length, count
			}
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
	if n := bytes.IndexByte(b.data, '\n'); n >= 0 {
		return c.over(b.data[:n])
	}
	return c.over(b.data)
}

// discard reads over a line that is too long and keeps only its beginning.
func (c *cutter) discard(b *batch) {
	kept := bytes.Clone(b.data[:min(len(b.data), keptOfTooBig)])
	for {
		n := bytes.IndexByte(b.data, '\n')
		if n >= 0 {
			b.size += int64(n)
			c.rest = append(c.rest, b.data[n+1:]...)
			break
		}
		b.size += int64(len(b.data))
		if c.err != nil {
			break
		}
		b.data = b.data[:0]
		c.fill(b)
	}
	b.data = kept
	c.line++
}

// opensPage reports whether a line may be the first of a page written over
// several lines: its first key is one of a page's, or still to come, and it does
// not end the object. Whole records all end in a brace, so this is quick to say.
func opensPage(line []byte) bool {
	n := len(line)
	for n > 0 && isSpace(line[n-1]) {
		n--
	}
	if n == 0 || line[n-1] == '}' {
		return false
	}
	line = bytes.TrimLeft(line[:n], " \t\r\n")
	return line[0] == '{' && startsPageKey(line[1:], true)
}

func startsPageKey(b []byte, mayBeEmpty bool) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) == 0 && mayBeEmpty || bytes.HasPrefix(b, []byte(`"list"`)) || bytes.HasPrefix(b, []byte(`"related_objects"`))
}

// pageEnd answers how long the page, or the pages in a row, at the start of b
// are, up to a line end, and how many lines they take. open says that the page
// goes on behind b. Where it is no page after all, the length is 0.
func pageEnd(b []byte, last bool) (length, lines int, open bool) {
	body := bytes.TrimLeft(b, " \t\r\n")[1:]
	if !startsPageKey(body, !last) {
		return 0, 0, false
	}
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch ch := b[i]; {
		case quoted && ch == '\\':
			i++
		case ch == '"':
			quoted = !quoted
		case quoted && ch == '\n':
			return 0, 0, false // no text goes over a line end
		case quoted:
		case ch == '{' || ch == '[':
			depth++
		case ch == '}' || ch == ']':
			depth--
		}
		if b[i] == '\n' {
			lines++
			if depth <= 0 {
				return i + 1, lines, false
			}
		}
	}
	if last && depth <= 0 {
		return len(b), lines + 1, false
	}
	return 0, 0, !last
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
