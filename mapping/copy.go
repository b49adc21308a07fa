package mapping

import "unicode/utf8"

// Most rules only copy: a constant, or the first of some places that has
// something, without a condition, a loop or a change. Such a step has a shortcut,
// which writes what the general way in emit.go writes.

// shortcut is the short way to run a step that only copies.
type shortcut struct {
	ok       bool    // there is one
	slot     int32   // the first place
	more     []int32 // the others
	constant []byte  // JSON; set: there are no places
	before   string  // what stands before the value,
	next     string  // the same for a value that is not the field's first,
	after    string  // and what stands after it
	step     *step
}

// shortcut finds the short way to run a step.
func (st *step) shortcut() shortcut {
	f := st.field
	none := shortcut{step: st}
	if f.dedup || f.shape == shapeMessages || f.path == eventTypePath || len(st.loops) > 0 || len(st.guards) > 0 ||
		st.label.index || !st.from.plain && st.from.constant == nil || f.shape == shapeMembers && !f.distinctMembers() {
		return none
	}
	c := shortcut{ok: true, step: st}
	if st.from.constant != nil {
		c.constant = st.from.constant.json
	} else {
		c.slot, c.more = st.from.slots[0], st.from.slots[1:]
	}
	switch f.shape {
	case shapeLabels:
		c.before, c.after = `{"key":"`+string(st.label.before)+`","value":`, "}"
	case shapeRoles:
		c.before, c.after = `{"name":`, "}"
	case shapeMembers:
		c.before = `"` + string(st.label.before) + `":`
	}
	c.next = "," + c.before
	return c
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

// copyStep runs a step by its shortcut.
func (m *Mapper) copyStep(w *writer, f *field, c *shortcut, frame int) bool {
	if c.constant != nil {
		m.copyValue(w, f, c, c.constant)
		return true
	}
	if m.copySlot(w, f, c, 0, frame+int(c.slot)) {
		return true
	}
	for i, slot := range c.more {
		if m.copySlot(w, f, c, i+1, frame+int(slot)) {
			return true
		}
	}
	return false
}

// copySlot copies what stands at one place: the token itself, where that may
// stand as it is.
func (m *Mapper) copySlot(w *writer, f *field, c *shortcut, alternative, slot int) bool {
	sp := &m.spans[slot]
	if sp.kind < spanArray {
		return false
	}
	if m.watch != nil {
		m.watch.source(c.step, alternative, sp)
	}
	switch {
	case sp.kind == spanString && sp.text == 0:
		m.copyValue(w, f, c, m.rec[sp.beg-1:sp.end+1])
	case sp.kind == spanArray:
		return c.step.from.list && m.list(w, f, c.step, sp, 0)
	case sp.kind == spanString && sp.text == hasNonASCII && utf8.Valid(m.rec[sp.beg:sp.end]):
		m.copyValue(w, f, c, m.rec[sp.beg-1:sp.end+1])
	default:
		t := m.text(sp)
		at := len(m.texts)
		m.texts = appendValue(m.texts, t)
		m.copyValue(w, f, c, m.texts[at:len(m.texts):len(m.texts)])
	}
	return true
}

// copyValue writes the JSON of one value.
func (m *Mapper) copyValue(w *writer, f *field, c *shortcut, json []byte) {
	var dst []byte
	if w.items == 0 {
		dst = append(m.open(w, f), c.before...)
	} else {
		dst = append(m.dst, c.next...)
	}
	w.items++
	beg := len(dst) - len(c.before)
	dst = append(dst, json...)
	if c.after != "" {
		dst = append(dst, c.after...)
	}
	m.dst = dst
	if m.watch != nil {
		m.watch.wrote(m, f, c.step, w.items-1, 0, beg)
	}
}
