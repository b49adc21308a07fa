package mapping

import "strings"

// Between two values of an event stands a text that depends only on which ops
// wrote them: it ends the item, the list and the messages that have no more, and
// begins those that come next, with their names. It is put together once for each
// pair of ops that meet.

// writer is where one message being written stands.
type writer struct {
	last   *op             // wrote the last value; nil while the message is empty
	listed *field          // whose values, or names of members, are remembered
	seen   int             // where in Mapper.seen those begin
	many   map[string]bool // the same, once they are too many to look through

	// These are kept only for those who watch.
	items int // of the field at hand
	began int // where in the event the field at hand begins
}

// writes reports whether the field at hand is that of an op.
func (w *writer) writes(o *op) bool { return w.last != nil && w.last.field == o.field }

// fixedTexts answers the texts around the value of an op.
func (o *op) fixedTexts() opTexts {
	f, t := o.field, opTexts{}
	switch {
	case o.element() != nil:
		// The message brings its own.
	case f.shape == shapeLabels:
		t.lead, t.tail = `{"key":"`+string(o.step.label.before), "}"
		if !o.step.label.index {
			t.lead += afterLabel
		}
	case f.shape == shapeRoles:
		t.lead, t.tail = `{"name":`, "}"
	case f.shape == shapeMembers:
		t.lead = `"` + string(o.step.label.before)
		if !o.step.label.index {
			t.lead += afterMember
		}
	}
	t.open = "{" + f.open[0] + f.shape.opening() + t.lead
	t.close = t.tail + f.shape.closing() + strings.Repeat("}", len(f.into)+1)
	return t
}

// What stands between the key of a label, or the name of a member, and the value.
const (
	afterLabel  = `","value":`
	afterMember = `":`
)

// opening and closing answer what stands around the values of a field.
func (s shape) opening() string {
	switch s {
	case shapeSingle:
		return ""
	case shapeMembers:
		return "{"
	}
	return "["
}

func (s shape) closing() string {
	switch s {
	case shapeSingle:
		return ""
	case shapeMembers:
		return "}"
	}
	return "]"
}

// appendJoint appends the text between the values of two ops.
func appendJoint(dst []byte, last, o *op) []byte {
	dst = append(dst, last.texts.tail...)
	if last.field == o.field {
		return append(append(dst, ','), o.texts.lead...)
	}
	dst = append(dst, last.field.shape.closing()...)
	shared := 0
	into, before := o.field.into, last.field.into
	for shared < len(into) && shared < len(before) && into[shared] == before[shared] {
		shared++
	}
	for range len(before) - shared {
		dst = append(dst, '}')
	}
	dst = append(append(dst, ','), o.field.open[shared]...)
	return append(append(dst, o.field.shape.opening()...), o.texts.lead...)
}

// joints are the texts between values that a Mapper has met. Each has two places
// where it may be; one that finds both taken is put together again each time.
type joints []joint

type joint struct {
	last, next *op
	text       string
}

// newJoints makes room for more texts than the records of one source need.
func newJoints() joints { return make(joints, 2048) }

// at answers the first place of a text; the other is its neighbour.
func (j joints) at(last, next *op) int { return (int(last.index)*31 + int(next.index)) & (len(j) - 1) }

// find answers the text between two ops, or "" if it is not kept.
func (j joints) find(last, next *op) string {
	at := j.at(last, next)
	if e := &j[at]; e.last == last && e.next == next {
		return e.text
	}
	if e := &j[at^1]; e.last == last && e.next == next {
		return e.text
	}
	return ""
}

// keep adds a text, if one of its places is free.
func (j joints) keep(last, next *op, text []byte) {
	at := j.at(last, next)
	for _, e := range []*joint{&j[at], &j[at^1]} {
		if e.last == nil {
			*e = joint{last, next, string(text)}
			return
		}
	}
}

// join writes all that stands before the next value.
func (m *Mapper) join(w *writer, o *op) {
	if m.watch != nil && w.last != nil && !w.writes(o) {
		m.watch.ended(m, w)
	}
	if w.last == nil {
		m.dst = append(m.dst, o.texts.open...)
	} else if text := m.joints.find(w.last, o); text != "" {
		m.dst = append(m.dst, text...)
	} else {
		at := len(m.dst)
		m.dst = appendJoint(m.dst, w.last, o)
		if !m.plain {
			m.joints.keep(w.last, o, m.dst[at:])
		}
	}
	if m.watch != nil {
		m.watch.begins(m, w, o)
	}
	w.last = o
}
