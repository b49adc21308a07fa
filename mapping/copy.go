package mapping

import "unicode/utf8"

// Most rules only copy: a constant, or the first of some places that has
// something, without a condition, a loop or a change. Such a step has a shortcut,
// which writes what the general way in emit.go writes.

// shortcut is the short way to run a step that only copies. It is small, for there
// are many.
type shortcut struct {
	text  string  // "," and what stands before the value
	more  []int32 // further places to look at, in order
	slot  int32   // the first place; see the constants for what is none
	brace bool    // the value is followed by a brace
}

// What a shortcut's slot may be instead of a place.
const (
	noShortcut   int32 = -1 // the general way must be gone
	copyConstant int32 = -2
)

// shortcut finds the short way to run a step.
func (st *step) shortcut() shortcut {
	f := st.field
	if f.dedup || f.shape == shapeMessages || st.from.eventType || len(st.loops) > 0 || len(st.guards) > 0 ||
		st.label.index || !st.from.plain && st.from.constant == nil || f.shape == shapeMembers && !f.distinctMembers() {
		return shortcut{slot: noShortcut}
	}
	c := shortcut{text: ",", slot: copyConstant}
	if st.from.constant == nil {
		c.slot, c.more = st.from.slots[0], st.from.slots[1:]
	}
	switch f.shape {
	case shapeLabels:
		c.text, c.brace = `,{"key":"`+string(st.label.before)+`","value":`, true
	case shapeRoles:
		c.text, c.brace = `,{"name":`, true
	case shapeMembers:
		c.text = `,"` + string(st.label.before) + `":`
	}
	return c
}

// lone answers the only place a shortcut copies from, or -1.
func (c *shortcut) lone() int32 {
	if c.slot >= 0 && len(c.more) == 0 {
		return c.slot
	}
	return -1
}

// loneSlot answers the only place a field is copied from, or -1.
func (f *field) loneSlot() int32 {
	if len(f.lone) == 1 && f.inner == nil {
		return f.lone[0]
	}
	return -1
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

// copyStep runs step i of a field by its shortcut.
func (m *Mapper) copyStep(w *writer, f *field, i, frame int) bool {
	c := &f.ways[i]
	if c.slot == copyConstant {
		m.copyValue(w, f, i, f.steps[i].from.constant.json)
		return true
	}
	if m.copySlot(w, f, i, 0, frame+int(c.slot)) {
		return true
	}
	for k, slot := range c.more {
		if m.copySlot(w, f, i, k+1, frame+int(slot)) {
			return true
		}
	}
	return false
}

// copySlot copies what stands at one place: the token itself, where that may
// stand as it is.
func (m *Mapper) copySlot(w *writer, f *field, i, alternative, slot int) bool {
	sp := &m.spans[slot]
	if sp.kind < spanArray {
		return false
	}
	if m.watch != nil {
		m.watch.source(alternative, -1, sp)
	}
	switch {
	case sp.kind == spanString && sp.text == 0:
		m.copyValue(w, f, i, m.rec[sp.beg-1:sp.end+1])
	case sp.kind == spanArray:
		return f.steps[i].from.list && m.list(w, f, f.steps[i], sp, alternative, 0)
	default:
		m.copyValue(w, f, i, m.token(sp))
	}
	return true
}

// token answers how a scalar of the record stands in the event: the token
// itself, where that may stand as it is.
func (m *Mapper) token(sp *span) []byte {
	raw := m.rec[sp.beg:sp.end]
	at := len(m.texts)
	switch {
	case sp.kind != spanString:
		m.texts = append(append(append(m.texts, '"'), raw...), '"')
	case sp.text == hasNonASCII && utf8.Valid(raw):
		return m.rec[sp.beg-1 : sp.end+1]
	default:
		t := m.text(sp)
		at = len(m.texts)
		m.texts = appendValue(m.texts, t)
	}
	return m.texts[at:len(m.texts):len(m.texts)]
}

// copyValue writes the JSON of one value.
func (m *Mapper) copyValue(w *writer, f *field, i int, json []byte) {
	c := &f.ways[i]
	var dst []byte
	if w.items == 0 {
		dst = append(m.open(w, f), c.text[1:]...)
	} else {
		dst = append(m.dst, c.text...)
	}
	w.items++
	beg := len(dst) - len(c.text) + 1
	dst = append(dst, json...)
	if c.brace {
		dst = append(dst, '}')
	}
	m.dst = dst
	if m.watch != nil {
		m.watch.wrote(m, f, f.steps[i], w.items-1, 0, beg)
	}
}
