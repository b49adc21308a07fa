package mapping

import "unicode/utf8"

// Most rules only copy: a constant, or the first of some places that has
// something, without a condition, a loop or a change. Such an op has a short way,
// which writes what the general way in emit.go writes.

// opKind says which way an op is run.
type opKind uint8

const (
	opStep     opKind = iota // the general way
	opCopy                   // the first of some places that has something
	opConstant               // always the same
)

// shorten finds the short way to run an op.
func (o *op) shorten() {
	st, f := o.step, o.field
	if st == nil || f.dedup || f.shape == shapeMessages || st.from.eventType || len(st.loops) > 0 || len(st.guards) > 0 ||
		st.label.index || !st.from.plain && st.from.constant == nil || f.shape == shapeMembers && !f.distinctMembers() {
		return
	}
	if st.from.constant != nil {
		o.kind = opConstant
		return
	}
	o.kind, o.slot, o.more = opCopy, st.from.slots[0], st.from.slots[1:]
}

// distinctMembers reports whether no two steps can write the same member, so
// that nobody has to look.
func (f *field) distinctMembers() bool {
	for _, st := range f.steps {
		if st.label.index || len(st.guards) > 0 {
			return false
		}
	}
	return true
}

// copy runs an op that copies.
func (m *Mapper) copy(w *writer, o *op, frame int) bool {
	if m.copySlot(w, o, 0, frame+int(o.slot)) {
		return true
	}
	for i, slot := range o.more {
		if m.copySlot(w, o, i+1, frame+int(slot)) {
			return true
		}
	}
	return false
}

// copySlot copies what stands at one place: the token itself, where that may
// stand as it is.
func (m *Mapper) copySlot(w *writer, o *op, alternative, slot int) bool {
	sp := &m.spans[slot]
	if sp.kind < spanArray {
		return false
	}
	if m.watch != nil {
		m.watch.source(alternative, -1, sp)
	}
	if sp.kind == spanArray {
		return o.step.from.list && m.list(w, o, sp, alternative, 0)
	}
	m.join(w, o)
	beg := len(m.dst)
	m.dst = m.appendToken(m.dst, sp)
	m.wrote(w, o, beg, beg)
	return true
}

// appendToken appends the JSON of a scalar of the record: the token itself, where
// that may stand as it is.
func (m *Mapper) appendToken(dst []byte, sp *span) []byte {
	raw := m.rec[sp.beg:sp.end]
	switch {
	case sp.kind != spanString:
		return append(append(append(dst, '"'), raw...), '"')
	case sp.text == 0 || sp.text == hasNonASCII && utf8.Valid(raw):
		return append(dst, m.rec[sp.beg-1:sp.end+1]...)
	}
	return appendRequoted(dst, raw)
}

// copyConstant runs an op whose value is always the same.
func (m *Mapper) copyConstant(w *writer, o *op) {
	m.join(w, o)
	beg := len(m.dst)
	m.dst = append(m.dst, o.step.from.constant.json...)
	m.wrote(w, o, beg, beg)
}
