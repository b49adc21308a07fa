package mapping

import "unicode/utf8"

// Most rules only copy: a constant, or the first of some places that has
// something, without a condition, a loop or a change. Such a step is run by this
// shorter way. It writes what the general way in emit.go writes.

// copied is a step that only copies, ready to run.
type copied struct {
	slots    []int32
	constant []byte // JSON; set: there are no slots
	before   string // what stands before the value,
	next     string // the same for a value that is not the field's first,
	after    string // and what stands after it
}

// shortWay answers the short way to run a step, or nil where there is none.
func (st *step) shortWay() *copied {
	f := st.field
	if f.dedup || f.shape == shapeMessages || f.path == eventTypePath || len(st.loops) > 0 || len(st.guards) > 0 ||
		st.label.index || !st.from.plain && st.from.constant == nil {
		return nil
	}
	c := &copied{slots: st.from.slots}
	if st.from.constant != nil {
		c.constant = st.from.constant.json
	}
	switch f.shape {
	case shapeLabels:
		c.before, c.after = `{"key":"`+string(st.label.before)+`","value":`, "}"
	case shapeRoles:
		c.before, c.after = `{"name":`, "}"
	case shapeMembers:
		if len(f.steps) > 1 && !f.staticMembers() {
			return nil
		}
		c.before = `"` + string(st.label.before) + `":`
	}
	c.next = "," + c.before
	return c
}

// staticMembers reports whether no two steps can write the same member, so that
// nobody has to look.
func (f *field) staticMembers() bool {
	for _, st := range f.steps {
		if st.label.index || len(st.guards) > 0 || len(st.loops) > 0 {
			return false
		}
	}
	return true
}

// copyStep runs a step by the short way.
func (m *Mapper) copyStep(w *writer, f *field, st *step, frame int) bool {
	c := st.short
	if c.constant != nil {
		m.copyValue(w, f, st, c.constant)
		return true
	}
	for i, slot := range c.slots {
		sp := &m.spans[frame+int(slot)]
		if sp.kind < spanArray {
			continue
		}
		if m.watch != nil {
			m.watch.source(st, i, sp)
		}
		if sp.kind > spanArray {
			m.copySpan(w, f, st, sp)
			return true
		}
		if st.from.list && m.list(w, f, st, sp, 0) {
			return true
		}
	}
	return false
}

// copySpan copies a scalar of the record: its token, where that may stand as it
// is.
func (m *Mapper) copySpan(w *writer, f *field, st *step, sp *span) {
	raw := m.rec[sp.beg:sp.end]
	if sp.kind == spanString && (sp.text == 0 || sp.text == hasNonASCII && utf8.Valid(raw)) {
		m.copyValue(w, f, st, m.rec[sp.beg-1:sp.end+1])
		return
	}
	t := m.text(sp)
	at := len(m.texts)
	m.texts = appendValue(m.texts, t)
	m.copyValue(w, f, st, m.texts[at:len(m.texts):len(m.texts)])
}

// copyValue writes the JSON of one value.
func (m *Mapper) copyValue(w *writer, f *field, st *step, json []byte) {
	c := st.short
	var dst []byte
	if w.items == 0 {
		dst = append(m.open(w, f), c.before...)
	} else {
		dst = append(m.dst, c.next...)
	}
	w.items++
	beg := len(dst) - len(c.before)
	m.dst = append(append(dst, json...), c.after...)
	if m.watch != nil {
		m.watch.wrote(m, f, st, w.items-1, 0, beg)
	}
}
