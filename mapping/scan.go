package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The scan walks a record once. It checks that every byte is strict JSON and
// notes, in spans, where the values are that the rules look at. It neither
// copies nor decodes: that happens when a value is written.

// span notes where the value of one slot stands in the record.
type span struct {
	beg, end int32
	rows     int32 // of an array the rules loop over: index of its first row, plus 1
	kind     spanKind
	text     textFlags
}

// scalar reports whether there is something to copy.
func (s *span) scalar() bool { return s.kind >= spanNumber }

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

// scan walks the whole record and fills m.spans.
func (m *Mapper) scan() *Reject {
	m.spans = m.spans[:m.plan.root.size]
	clear(m.spans)
	clear(m.filled)
	m.rows = m.rows[:0]
	i := space(m.rec, 0)
	object := byteAt(m.rec, i) == '{'
	if object {
		i = m.object(m.plan.root.node, 0, i, 1)
	} else {
		i = skip(m.rec, i, 0)
	}
	if i >= 0 {
		if i = space(m.rec, i); i < len(m.rec) {
			i = syntaxFault(i)
		}
	}
	switch {
	case i < 0:
		return faultReject(m.rec, ^i)
	case !object:
		return &Reject{Code: CodeObject, Detail: "the record is not a JSON object"}
	}
	return nil
}

// faultReject says what is wrong at a fault. The words are those of encoding/json,
// which reads the record once more to find them.
func faultReject(rec []byte, at int) *Reject {
	if at >= deepFault {
		return &Reject{Code: CodeDepth, Detail: fmt.Sprintf("byte %d: more than %d nested containers", at-deepFault, maxDepth)}
	}
	if at >= len(rec) {
		return &Reject{Code: CodeJSON, Detail: fmt.Sprintf("byte %d: unexpected end of the record", len(rec))}
	}
	detail := fmt.Sprintf("invalid character %q", rune(rec[at]))
	var syntax *json.SyntaxError
	var any json.RawMessage
	if err := json.Unmarshal(rec, &any); errors.As(err, &syntax) && syntax.Offset == int64(at)+1 {
		detail = syntax.Error()
	}
	return &Reject{Code: CodeJSON, Detail: fmt.Sprintf("byte %d: %s", at, detail)}
}

// value reads the value at i into the slot of n, and what the rules look at
// below it into the slots of the frame that starts at frame.
func (m *Mapper) value(n *node, frame, i, depth int) int {
	if byteAt(m.rec, i) == '"' {
		end, flags := str(m.rec, i+1)
		if end < 0 {
			return end
		}
		m.string(n, frame, i+1, end, flags)
		return end + 1
	}
	s := &m.spans[frame+int(n.slot)]
	if s.kind != spanNone && len(n.below) > 0 {
		m.forget(n, frame)
	}
	beg := i
	switch byteAt(m.rec, i) {
	case '{':
		s.kind = spanObject
		if len(n.keys.children) > 0 {
			i = m.object(n, frame, i, depth+1)
		} else {
			i = skip(m.rec, i, depth)
		}
	case '[':
		s.kind, s.rows = spanArray, 0
		if len(n.items) > 0 || n.list != nil {
			i = m.array(n, frame, i, depth+1)
		} else {
			i = skip(m.rec, i, depth)
		}
	default:
		i, s.kind = scalarEnd(m.rec, i)
	}
	// The slots may have moved while elements were read.
	s = &m.spans[frame+int(n.slot)]
	s.beg, s.end = int32(beg), int32(i)
	s.text = 0
	if s.kind >= spanArray {
		m.fill(n, frame)
	}
	return i
}

// string notes the string from beg to end in the slot of n.
func (m *Mapper) string(n *node, frame, beg, end int, flags textFlags) {
	s := &m.spans[frame+int(n.slot)]
	if s.kind != spanNone && len(n.below) > 0 {
		m.forget(n, frame)
	}
	if beg == end {
		*s = span{kind: spanNull}
		return
	}
	*s = span{beg: int32(beg), end: int32(end), kind: spanString, text: flags}
	m.fill(n, frame)
}

// fill notes that there is something in the slot of n.
func (m *Mapper) fill(n *node, frame int) {
	if frame == 0 {
		m.filled.add(int(n.slot))
	}
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
		return depthFault(i)
	}
	rec := m.rec
	i = space(rec, i+1)
	if byteAt(rec, i) == '}' {
		return i + 1
	}
	keys := &m.keys[n.id]
	before := keys.start
	for {
		keyAt := i
		key := before.next
		if !m.plain && key.standsAt(rec, i) {
			i += len(key.token)
		} else if key, i = m.key(keys, i); i < 0 {
			return i
		} else {
			before.next = key
		}
		before = key
		if byteAt(rec, i) <= ' ' {
			i = space(rec, i)
		}
		beg, child := i, key.node
		switch {
		case byteAt(rec, i) == '"':
			end, flags := str(rec, i+1)
			if end < 0 {
				return end
			}
			if child != nil {
				m.string(child, frame, i+1, end, flags)
			}
			i = end + 1
		case child != nil:
			i = m.value(child, frame, i, depth)
		default:
			i = skip(rec, i, depth)
		}
		if i < 0 {
			return i
		}
		if m.watch.wantsDetail() {
			m.watch.member(m, n, child, keyAt, beg, i)
		}
		if byteAt(rec, i) <= ' ' {
			i = space(rec, i)
		}
		switch byteAt(rec, i) {
		case ',':
			if i++; byteAt(rec, i) <= ' ' {
				i = space(rec, i)
			}
		case '}':
			return i + 1
		default:
			return syntaxFault(i)
		}
	}
}

// key reads the key at i by its name and answers its entry and the offset behind
// the colon.
func (m *Mapper) key(keys *keyTable, i int) (e *keyEntry, at int) {
	if byteAt(m.rec, i) != '"' {
		return nil, syntaxFault(i)
	}
	end, flags := str(m.rec, i+1)
	if end < 0 {
		return nil, end
	}
	colon := space(m.rec, end+1)
	if byteAt(m.rec, colon) != ':' {
		return nil, syntaxFault(colon)
	}
	key := m.rec[i+1 : end]
	if flags != 0 {
		m.keyText = appendDecoded(m.keyText[:0], key)
		return keys.find(m.keyText, false), colon + 1
	}
	return keys.find(key, true), colon + 1
}

// array reads the array at i, whose elements the rules look at.
func (m *Mapper) array(n *node, frame, i, depth int) int {
	if depth > maxDepth {
		return depthFault(i)
	}
	i = space(m.rec, i+1)
	if byteAt(m.rec, i) == ']' {
		return i + 1
	}
	last := -1
	for index := 0; ; index++ {
		if i = m.arrayElement(n, frame, i, depth, index, &last); i < 0 {
			return i
		}
		i = space(m.rec, i)
		switch byteAt(m.rec, i) {
		case ',':
			i = space(m.rec, i+1)
		case ']':
			return i + 1
		default:
			return syntaxFault(i)
		}
	}
}

// arrayElement reads one element of an array. The rules may look at it by its
// position and as one turn of a loop; last is the row before it, or -1.
func (m *Mapper) arrayElement(n *node, frame, i, depth, index int, last *int) int {
	end := 0
	if index < len(n.items) && n.items[index] != nil {
		if end = m.value(n.items[index], frame, i, depth); end < 0 {
			return end
		}
	}
	resumed := *last >= 0 && m.rows[*last].frame == rowResume
	switch {
	case n.list == nil:
		if end > 0 {
			return end
		}
		return skip(m.rec, i, depth)
	case resumed:
		return m.passOver(n, i, depth, index)
	case len(m.spans) > maxSlots:
		m.link(n, frame, last, row{frame: rowResume, index: int32(index), next: int32(i)})
		return m.passOver(n, i, depth, index)
	}
	at := m.newFrame(n.list)
	m.link(n, frame, last, row{frame: int32(at), index: int32(index)})
	return m.loopElement(n, at, i, depth, index)
}

// loopElement reads one element of an array that rules loop over.
func (m *Mapper) loopElement(n *node, frame, i, depth, index int) int {
	if m.watch == nil || m.watch.trace == nil {
		return m.value(n.list.node, frame, i, depth)
	}
	m.watch.trace.enterElement(n, index, frame)
	end := m.value(n.list.node, frame, i, depth)
	m.watch.trace.leaveElement()
	return end
}

// passOver reads one element that is read again when it is needed. Those who want
// to know of its members are told of them now, since how often that will be depends
// on the rules.
func (m *Mapper) passOver(n *node, i, depth, index int) int {
	if !m.watch.wantsDetail() {
		return skip(m.rec, i, depth)
	}
	spans, rows := len(m.spans), len(m.rows)
	end := m.loopElement(n, m.newFrame(n.list), i, depth, index)
	m.spans, m.rows = m.spans[:spans], m.rows[:rows]
	return end
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
