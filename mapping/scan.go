package mapping

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// The scanner walks a record once. It checks that every byte is strict JSON and
// notes, in spans, where the values are that the rules look at. It neither
// copies nor decodes: that happens when a value is written.

// maxDepth is how deep containers may be nested; the record itself is 1.
const maxDepth = 1000

// spanKind says what stands at a place in the record.
type spanKind uint8

const (
	spanNone   spanKind = iota // the place does not occur
	spanNull                   // null or the empty text: nothing to copy
	spanString                 // beg and end exclude the quotes
	spanNumber
	spanTrue
	spanFalse
	spanObject
	spanArray
)

// span notes where the value of one slot stands in the record.
type span struct {
	beg, end int32
	rows     int32 // of an array the rules loop over: index of its first row, plus 1
	kind     spanKind
	text     textFlags
}

// textFlags says what a string token holds beside plain ASCII.
type textFlags uint8

const (
	hasEscape   textFlags = 1 << iota // a backslash
	hasNonASCII                       // a byte above 0x7f, perhaps not UTF-8
)

// scalar reports whether there is something to copy.
func (s *span) scalar() bool { return s.kind >= spanString && s.kind <= spanFalse }

// row is one element of an array that rules loop over.
type row struct {
	frame int32 // where the element's slots begin; rowResume for a row not yet read
	index int32 // position in the array
	next  int32 // index of the next row plus 1; for rowResume the offset in the record
}

// rowResume marks the row from which on an array is read again when it is
// needed, so that a hostile array cannot fill the memory with slots.
const rowResume = -1

// maxSlots bounds the slots of one record that are kept at a time.
const maxSlots = 4096

// scanError is why a walk ended. The steps of the walk answer the offset they
// reached, or -1 once it is set.
type scanError struct {
	code   string
	offset int
	want   string
}

// scan walks the whole record and fills m.spans.
func (m *Mapper) scan() *Reject {
	m.spans = m.spans[:cap(m.spans)][:m.plan.root.size]
	clear(m.spans)
	m.rows = m.rows[:0]
	m.fault = scanError{}
	i := m.space(0)
	object := m.at(i) == '{'
	if object {
		i = m.object(m.plan.root.node, 0, i, 1)
	} else {
		i = m.skip(i, 0)
	}
	if i >= 0 {
		if i = m.space(i); i < len(m.rec) {
			i = m.fail(CodeJSON, i, "the end of the record")
		}
	}
	switch {
	case i < 0:
		return m.scanReject()
	case !object:
		return &Reject{Code: CodeObject, Detail: "the record is not a JSON object"}
	}
	return nil
}

// fail notes why the walk ends and answers the offset that ends it.
func (m *Mapper) fail(code string, i int, want string) int {
	if m.fault.code == "" {
		m.fault = scanError{code, i, want}
	}
	return -1
}

func (m *Mapper) scanReject() *Reject {
	f := m.fault
	switch {
	case f.code == CodeDepth:
		return &Reject{Code: CodeDepth, Detail: fmt.Sprintf("byte %d: more than %d nested containers", f.offset, maxDepth)}
	case f.offset >= len(m.rec):
		return &Reject{Code: CodeJSON, Detail: fmt.Sprintf("byte %d: want %s, got the end of the record", f.offset, f.want)}
	}
	return &Reject{Code: CodeJSON, Detail: fmt.Sprintf("byte %d: want %s, got %q", f.offset, f.want, m.rec[f.offset])}
}

// at answers the byte at i, or 0 past the end.
func (m *Mapper) at(i int) byte {
	if uint(i) < uint(len(m.rec)) {
		return m.rec[i]
	}
	return 0
}

// space answers the offset of the first byte from i that is not JSON white space.
func (m *Mapper) space(i int) int {
	for uint(i) < uint(len(m.rec)) && m.rec[i] <= ' ' && isSpace(m.rec[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// value reads the value at i into the slot of n, and what the rules look at
// below it into the slots of the frame that starts at frame.
func (m *Mapper) value(n *node, frame, i, depth int) int {
	s := &m.spans[frame+int(n.slot)]
	if s.kind != spanNone && len(n.below) > 0 {
		m.forget(n, frame)
	}
	beg := i
	switch c := m.at(i); c {
	case '"':
		end, flags := m.str(i + 1)
		if end < 0 {
			return -1
		}
		kind := spanString
		if end == i+1 {
			kind = spanNull
		}
		*s = span{beg: int32(i + 1), end: int32(end), kind: kind, text: flags}
		return end + 1
	case '{':
		s.kind = spanObject
		if len(n.keys.children) > 0 {
			i = m.object(n, frame, i, depth+1)
		} else {
			i = m.skip(i, depth)
		}
	case '[':
		s.kind, s.rows = spanArray, 0
		if len(n.items) > 0 || n.list != nil {
			i = m.array(n, frame, i, depth+1)
		} else {
			i = m.skip(i, depth)
		}
		// The slots may have moved while the elements were read.
		s = &m.spans[frame+int(n.slot)]
	default:
		if i, s.kind = m.literal(i); i < 0 {
			return -1
		}
	}
	s.beg, s.end = int32(beg), int32(i)
	return i
}

// forget empties the slots below n: its key stands in the record once more, and
// the last one counts whole.
func (m *Mapper) forget(n *node, frame int) {
	for _, slot := range n.below {
		m.spans[frame+int(slot)] = span{}
	}
}

// object reads the object at i, whose members the rules look at.
func (m *Mapper) object(n *node, frame, i, depth int) int {
	if depth > maxDepth {
		return m.fail(CodeDepth, i, "")
	}
	i = m.space(i + 1)
	if m.at(i) == '}' {
		return i + 1
	}
	for {
		keyAt := i
		child, at := m.key(n, i)
		if at < 0 {
			return -1
		}
		if child != nil {
			i = m.value(child, frame, at, depth)
		} else {
			i = m.skip(at, depth)
		}
		if i < 0 {
			return -1
		}
		if m.watch != nil {
			m.watch.member(m, n, child, keyAt, at, i)
		}
		i = m.space(i)
		switch m.at(i) {
		case ',':
			i = m.space(i + 1)
		case '}':
			return i + 1
		default:
			return m.fail(CodeJSON, i, "',' or '}'")
		}
	}
}

// key reads a member's key at i and answers what the rules look at there, if
// anything, and where its value begins.
func (m *Mapper) key(n *node, i int) (*node, int) {
	if m.at(i) != '"' {
		return nil, m.fail(CodeJSON, i, "a key in quotes")
	}
	end, flags := m.str(i + 1)
	if end < 0 {
		return nil, -1
	}
	key := m.rec[i+1 : end]
	if flags != 0 {
		m.keyText = appendDecoded(m.keyText[:0], key)
		key = m.keyText
	}
	i = m.space(end + 1)
	if m.at(i) != ':' {
		return nil, m.fail(CodeJSON, i, "':'")
	}
	return n.keys.find(key), m.space(i + 1)
}

// array reads the array at i, whose elements the rules look at.
func (m *Mapper) array(n *node, frame, i, depth int) int {
	if depth > maxDepth {
		return m.fail(CodeDepth, i, "")
	}
	i = m.space(i + 1)
	if m.at(i) == ']' {
		return i + 1
	}
	last := -1
	for index := 0; ; index++ {
		i = m.arrayElement(n, frame, i, depth, index, &last)
		if i < 0 {
			return -1
		}
		i = m.space(i)
		switch m.at(i) {
		case ',':
			i = m.space(i + 1)
		case ']':
			return i + 1
		default:
			return m.fail(CodeJSON, i, "',' or ']'")
		}
	}
}

// arrayElement reads one element of an array. The rules may look at it by its
// position and as one turn of a loop; last is the row before it, or -1.
func (m *Mapper) arrayElement(n *node, frame, i, depth, index int, last *int) int {
	end := 0
	if index < len(n.items) && n.items[index] != nil {
		if end = m.value(n.items[index], frame, i, depth); end < 0 {
			return -1
		}
	}
	resumed := *last >= 0 && m.rows[*last].frame == rowResume
	switch {
	case n.list == nil || resumed:
		if end > 0 {
			return end
		}
		return m.skip(i, depth)
	case len(m.spans) > maxSlots:
		m.link(n, frame, last, row{frame: rowResume, index: int32(index), next: int32(i)})
		return m.skip(i, depth)
	}
	at := m.newFrame(n.list)
	m.link(n, frame, last, row{frame: int32(at), index: int32(index)})
	return m.value(n.list.node, at, i, depth)
}

// newFrame makes room for the slots of one element.
func (m *Mapper) newFrame(l *layout) int {
	at := len(m.spans)
	for range l.size {
		m.spans = append(m.spans, span{})
	}
	return at
}

// link appends a row to those of the array at n.
func (m *Mapper) link(n *node, frame int, last *int, r row) {
	m.rows = append(m.rows, r)
	at := len(m.rows)
	if *last < 0 {
		m.spans[frame+int(n.slot)].rows = int32(at)
	} else {
		m.rows[*last].next = int32(at)
	}
	*last = at - 1
}

// skip checks the value at i, which no rule looks at, and answers where it ends.
func (m *Mapper) skip(i, depth int) int {
	var objects [maxDepth/64 + 1]uint64 // which of the open containers are objects
	for level := 0; ; {
		switch c := m.at(i); c {
		case '"':
			end, _ := m.str(i + 1)
			if end < 0 {
				return -1
			}
			i = end + 1
		case '{', '[':
			if depth+level+1 > maxDepth {
				return m.fail(CodeDepth, i, "")
			}
			open := i
			i = m.space(i + 1)
			if m.at(i) == closing(c) {
				i++
				break
			}
			word, bit := level>>6, uint64(1)<<(level&63)
			level++
			if m.rec[open] == '[' {
				objects[word] &^= bit
				continue
			}
			objects[word] |= bit
			if i = m.skipKey(i); i < 0 {
				return -1
			}
			continue
		default:
			if i, _ = m.literal(i); i < 0 {
				return -1
			}
		}
		// A value has ended. Close what ends with it and go to the next one.
		for {
			if level == 0 {
				return i
			}
			i = m.space(i)
			object := objects[(level-1)>>6]>>((level-1)&63)&1 == 1
			c := m.at(i)
			if c == ',' {
				i = m.space(i + 1)
				if object {
					if i = m.skipKey(i); i < 0 {
						return -1
					}
				}
				break
			}
			if object && c != '}' {
				return m.fail(CodeJSON, i, "',' or '}'")
			}
			if !object && c != ']' {
				return m.fail(CodeJSON, i, "',' or ']'")
			}
			level--
			i++
		}
	}
}

func closing(c byte) byte { return c + 2 } // '{' and '}', '[' and ']' are two apart

// skipKey checks the key at i and answers where its value begins.
func (m *Mapper) skipKey(i int) int {
	if m.at(i) != '"' {
		return m.fail(CodeJSON, i, "a key in quotes")
	}
	end, _ := m.str(i + 1)
	if end < 0 {
		return -1
	}
	i = m.space(end + 1)
	if m.at(i) != ':' {
		return m.fail(CodeJSON, i, "':'")
	}
	return m.space(i + 1)
}

const (
	eachByte = 0x0101010101010101
	highBits = 0x8080808080808080
)

// str answers where the string that begins at i ends: the offset of the closing
// quote. It looks at eight bytes at a time.
func (m *Mapper) str(i int) (int, textFlags) {
	rec := m.rec
	var flags textFlags
	for {
		for ; i+8 <= len(rec); i += 8 {
			w := binary.LittleEndian.Uint64(rec[i:])
			if stop := stops(w); stop != 0 {
				n := bits.TrailingZeros64(stop)
				if w&highBits&(1<<n-1) != 0 {
					flags |= hasNonASCII
				}
				i += n / 8
				break
			}
			if w&highBits != 0 {
				flags |= hasNonASCII
			}
		}
		for ; i < len(rec) && rec[i] != '"' && rec[i] != '\\' && rec[i] >= ' '; i++ {
			if rec[i] >= utf8.RuneSelf {
				flags |= hasNonASCII
			}
		}
		switch m.at(i) {
		case '"':
			return i, flags
		case '\\':
			flags |= hasEscape
			if i = m.escape(i); i < 0 {
				return -1, 0
			}
		default:
			return m.fail(CodeJSON, i, "a character of a string or '\"'"), 0
		}
	}
}

// stops answers a word whose lowest set bit is the high bit of the first byte of
// w that is a quote, a backslash or a control character, or 0.
func stops(w uint64) uint64 {
	quote := w ^ eachByte*'"'
	slash := w ^ eachByte*'\\'
	return ((quote-eachByte)&^quote | (slash-eachByte)&^slash | (w-eachByte*' ')&^w) & highBits
}

// escape checks the escape at i and answers where it ends.
func (m *Mapper) escape(i int) int {
	switch m.at(i + 1) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for k := i + 2; k < i+6; k++ {
			if !isHex(m.at(k)) {
				return m.fail(CodeJSON, k, "a hexadecimal digit")
			}
		}
		return i + 6
	}
	return m.fail(CodeJSON, i+1, "an escape character")
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// literal checks the number, true, false or null at i.
func (m *Mapper) literal(i int) (int, spanKind) {
	switch c := m.at(i); {
	case c == '-' || isDigit(c):
		return m.number(i), spanNumber
	case c == 't':
		return m.word(i, "true"), spanTrue
	case c == 'f':
		return m.word(i, "false"), spanFalse
	case c == 'n':
		return m.word(i, "null"), spanNull
	}
	return m.fail(CodeJSON, i, "a value"), spanNone
}

func (m *Mapper) word(i int, word string) int {
	if i+len(word) <= len(m.rec) && string(m.rec[i:i+len(word)]) == word {
		return i + len(word)
	}
	return m.fail(CodeJSON, i, word)
}

// number checks the number at i by the grammar of RFC 8259.
func (m *Mapper) number(i int) int {
	if m.at(i) == '-' {
		i++
	}
	switch c := m.at(i); {
	case c == '0':
		i++
	case isDigit(c):
		i = m.digits(i)
	default:
		return m.fail(CodeJSON, i, "a digit")
	}
	if m.at(i) == '.' {
		if i++; !isDigit(m.at(i)) {
			return m.fail(CodeJSON, i, "a digit")
		}
		i = m.digits(i)
	}
	if c := m.at(i); c == 'e' || c == 'E' {
		i++
		if c := m.at(i); c == '+' || c == '-' {
			i++
		}
		if !isDigit(m.at(i)) {
			return m.fail(CodeJSON, i, "a digit")
		}
		i = m.digits(i)
	}
	return i
}

func (m *Mapper) digits(i int) int {
	for isDigit(m.at(i)) {
		i++
	}
	return i
}
