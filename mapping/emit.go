package mapping

import (
	"bytes"
	"math/bits"
	"strconv"
)

// run appends the message that p writes from the values of a frame. A message
// in which nothing stands leaves the buffer as it was.
func (m *Mapper) run(p *program, frame int) bool {
	w := writer{seen: len(m.seen)}
	if p.rooted && !m.plain {
		m.runDue(&w, p)
	} else {
		m.runAll(&w, p.ops, frame)
	}
	m.seen = m.seen[:w.seen]
	if w.last == nil {
		return false
	}
	if m.watch != nil {
		m.watch.ended(m, &w)
	}
	m.dst = append(m.dst, w.last.texts.close...)
	return true
}

// runDue runs the ops of a rooted program that can have something to write.
func (m *Mapper) runDue(w *writer, p *program) {
	if len(p.ops) == 0 {
		return
	}
	first := int(p.ops[0].index) >> 6
	for k, word := range m.due[first : first+(len(p.ops)+63)>>6] {
		for ; word != 0; word &= word - 1 {
			m.op(w, &p.ops[k<<6|bits.TrailingZeros64(word)], 0)
		}
	}
}

func (m *Mapper) runAll(w *writer, ops []op, frame int) {
	for i := range ops {
		m.op(w, &ops[i], frame)
	}
}

// op writes what one op gives its field. A single value that is there already
// stays.
func (m *Mapper) op(w *writer, o *op, frame int) {
	if o.later && w.writes(o) {
		return
	}
	switch {
	case o.kind == opStep || m.plain:
		m.general(w, o, frame)
	case o.kind == opConstant:
		m.copyConstant(w, o)
	default:
		sp := &m.spans[frame+int(o.slot)]
		if sp.kind == spanString && sp.text == 0 && !m.watch.wantsDetail() {
			// This is what most values of most events are.
			m.join(w, o)
			token := m.rec[sp.beg-1 : sp.end+1]
			m.dst = append(m.dst, token...)
			if m.validator != nil {
				m.validator.Add(o.field.site, token)
			}
			return
		}
		m.copy(w, o, frame)
	}
}

// general runs an op the general way.
func (m *Mapper) general(w *writer, o *op, frame int) {
	if o.step == nil {
		m.element(w, o, o.field.inner, frame, 0)
		return
	}
	m.step(w, o, frame, 0, 0)
}

// only writes one field behind the event, and answers what stands there then;
// the caller takes it off again.
func (m *Mapper) only(f *field) (wrote bool) {
	watched, validator := m.watch, m.validator
	m.watch, m.validator = nil, nil
	w := writer{seen: len(m.seen)}
	m.runAll(&w, f.ops, 0)
	m.seen, m.watch, m.validator = m.seen[:w.seen], watched, validator
	if w.last == nil {
		return false
	}
	m.dst = append(append(m.dst, w.last.texts.tail...), f.shape.closing()...)
	return true
}

// step writes what one rule gives a field. Loops are entered one by one; level
// counts them, and index is the position in the innermost. It reports whether
// there was a value.
func (m *Mapper) step(w *writer, o *op, frame, level, index int) bool {
	st := o.step
	if len(st.guards) > 0 && level == len(st.loops) && m.nothingFor(st, frame) {
		return false // a condition costs more to ask than this
	}
	for _, g := range st.guards {
		if g.level == level && m.decide(g.when, frame) != 0 {
			return false
		}
	}
	if level < len(st.loops) {
		return m.loop(w, o, frame, level)
	}
	if st.run != nil {
		return m.element(w, o, st.run, frame, index)
	}
	return m.values(w, o, frame, index)
}

// nothingFor reports whether none of the places a step copies from has anything.
func (m *Mapper) nothingFor(st *step, frame int) bool {
	for _, slot := range st.from.slots {
		if m.spans[frame+int(slot)].kind >= spanArray {
			return false
		}
	}
	return len(st.from.slots) > 0
}

// loop runs a step for each element of an array.
func (m *Mapper) loop(w *writer, o *op, frame, level int) bool {
	l := &o.step.loops[level]
	wrote := false
	rows := m.rowsOf(frame, l)
	for rows.next() {
		if rows.index < int(l.skip) {
			continue
		}
		if m.watch != nil && m.watch.trace != nil {
			m.watch.trace.enterElement(l.node, rows.index, rows.frame)
		}
		wrote = m.step(w, o, rows.frame, level+1, rows.index) || wrote
		if m.watch != nil && m.watch.trace != nil {
			m.watch.trace.leaveElement()
		}
		if wrote && o.field.shape == shapeSingle {
			break
		}
	}
	rows.close()
	return wrote
}

// element appends one message to a list of messages, unless it is empty.
func (m *Mapper) element(w *writer, o *op, p *program, frame, index int) bool {
	before, mark := *w, len(m.dst)
	m.join(w, o)
	traced := m.watch != nil && m.watch.trace != nil
	if traced {
		m.watch.trace.enterMessage(o.field, w.items-1)
	}
	wrote := m.run(p, frame)
	if traced {
		m.watch.trace.leaveMessage()
	}
	if !wrote {
		*w, m.dst = before, m.dst[:mark]
		return false
	}
	if m.watch != nil && m.watch.tally != nil && o.step != nil {
		m.watch.tally.steps[o.step.id]++
	}
	return true
}

// values writes the value or values that a step takes from a frame.
func (m *Mapper) values(w *writer, o *op, frame, index int) bool {
	s := &o.step.from
	switch {
	case s.constant != nil:
		return m.put(w, o, text{json: s.constant.json}, index)
	case s.eventType:
		return m.put(w, o, text{json: m.eventType().json}, index)
	}
	for i, slot := range s.slots {
		sp := &m.spans[frame+int(slot)]
		if m.watch != nil {
			m.watch.source(i, -1, sp)
		}
		if sp.scalar() {
			if m.scalar(w, o, sp, index) {
				return true
			}
		} else if sp.kind == spanArray && s.list && m.list(w, o, sp, i, index) {
			return true
		}
	}
	return false
}

// scalar writes what becomes of one scalar of the record.
func (m *Mapper) scalar(w *writer, o *op, sp *span, index int) bool {
	if o.step.from.plain {
		return m.put(w, o, m.text(sp), index)
	}
	t, ok := m.outcome(o.step, sp)
	return ok && m.put(w, o, t, index)
}

// list writes each scalar element of an array that is not empty. The array is
// what stands at one of the sources of the step, its alternatives.
func (m *Mapper) list(w *writer, o *op, sp *span, alternative, index int) bool {
	wrote := false
	i := space(m.rec, int(sp.beg)+1)
	for element := 0; byteAt(m.rec, i) != ']'; element++ {
		var el span
		el, i = m.elementSpan(i)
		if m.watch != nil {
			m.watch.source(alternative, element, &el)
		}
		if el.scalar() && m.scalar(w, o, &el, index) {
			wrote = true
		}
		if i = space(m.rec, i); byteAt(m.rec, i) == ',' {
			i = space(m.rec, i+1)
		}
	}
	return wrote
}

// elementSpan reads the array element at i, which the walk has checked already.
func (m *Mapper) elementSpan(i int) (span, int) {
	switch byteAt(m.rec, i) {
	case '"':
		end, flags := str(m.rec, i+1)
		kind := spanString
		if end == i+1 {
			kind = spanNull
		}
		return span{beg: int32(i + 1), end: int32(end), kind: kind, text: flags}, end + 1
	case '{', '[':
		return span{kind: spanObject}, skip(m.rec, i, 0)
	}
	end, kind := scalarEnd(m.rec, i)
	return span{beg: int32(i), end: int32(end), kind: kind}, end
}

// put writes one value of a field. It reports whether the value counts: one that
// stands already in a list without duplicates does, though it is not written.
func (m *Mapper) put(w *writer, o *op, t text, index int) bool {
	f := o.field
	if f.dedup && !m.fresh(w, o, t.unquoted()) {
		if m.watch != nil {
			m.watch.repeated(m, o, t)
		}
		return true
	}
	if f.shape == shapeMembers && !m.freshMember(w, o, index) {
		return false
	}
	m.join(w, o)
	beg := len(m.dst)
	if l := &o.step.label; l.index {
		m.dst = append(strconv.AppendInt(m.dst, int64(index), 10), l.after...)
		if f.shape == shapeLabels {
			m.dst = append(m.dst, afterLabel...)
		} else {
			m.dst = append(m.dst, afterMember...)
		}
	}
	value := len(m.dst)
	m.write(t)
	m.wrote(w, o, beg, value)
	return true
}

// wrote tells who wants to know of a value that was written: it stands at the end
// of the event, from beg on with its label.
func (m *Mapper) wrote(w *writer, o *op, beg, value int) {
	if m.watch != nil {
		m.watch.wrote(m, w, o, beg)
	}
	if m.validator != nil {
		m.validator.Add(o.field.site, m.dst[value:])
	}
}

// freshMember reports whether a free object has no member yet under a step's
// label. The first value of a key stays.
func (m *Mapper) freshMember(w *writer, o *op, index int) bool {
	at := len(m.texts)
	m.texts = append(m.texts, o.step.label.before...)
	if o.step.label.index {
		m.texts = append(strconv.AppendInt(m.texts, int64(index), 10), o.step.label.after...)
	}
	return m.fresh(w, o, m.texts[at:len(m.texts):len(m.texts)])
}

// fewSeen is how many items are looked through one by one.
const fewSeen = 64

// fresh reports whether b has not been written to the field of an op, and
// remembers it. Values that the short ways wrote are not asked for: see
// distinctMembers.
func (m *Mapper) fresh(w *writer, o *op, b []byte) bool {
	if w.listed != o.field {
		m.seen, w.many, w.listed = m.seen[:w.seen], nil, o.field
	}
	if w.many != nil {
		if w.many[string(b)] {
			return false
		}
		w.many[string(b)] = true
		return true
	}
	for _, old := range m.seen[w.seen:] {
		if bytes.Equal(old, b) {
			return false
		}
	}
	m.seen = append(m.seen, b)
	if len(m.seen)-w.seen == fewSeen {
		w.many = make(map[string]bool)
		for _, old := range m.seen[w.seen:] {
			w.many[string(old)] = true
		}
	}
	return true
}

// write appends a value's JSON to the event.
func (m *Mapper) write(t text) { m.dst = appendValue(m.dst, t) }

func appendValue(dst []byte, t text) []byte {
	switch {
	case t.json != nil:
		return append(dst, t.json...)
	case t.clean:
		return append(append(append(dst, '"'), t.bytes...), '"')
	}
	return appendQuoted(dst, t.bytes)
}
