package mapping

// watch is told what a Mapper does, record by record. The mapper runs the same
// plan whether it is watched or not; what is nil in a watch is not of interest.
type watch struct {
	tally  *tally      // counts what happens, for coverage
	trace  *trace      // notes where each value comes from, for explain
	ranges []valueSpan // by id of the event's fields, where their values stand, for diff
}

// valueSpan is where a field's values stand in the event; the zero one is a
// field that is not there.
type valueSpan struct{ beg, end int }

// member is told of each member of an object the rules look into: n is the
// object's node and child the member's, nil where no rule looks at it. Key and
// value stand at keyAt and at beg to end.
func (w *watch) member(m *Mapper, n, child *node, keyAt, beg, end int) {
	if child != nil && (child.read || m.rec[beg] == '{' || m.rec[beg] == '[') {
		return
	}
	if m.rec[beg] == 'n' || end-beg == 2 {
		// null, "", {} and [] hold nothing that could be read.
		return
	}
	keyEnd, flags := str(m.rec, keyAt+1)
	key := m.rec[keyAt+1 : keyEnd]
	if flags != 0 {
		key = appendDecoded(nil, key)
	}
	if w.tally != nil {
		w.tally.unreadMember(n, key, m.rec[beg:end])
	}
	if w.trace != nil {
		w.trace.unreadMember(m, n, key, beg, end)
	}
}

// source is told that a value of the record is tried: that of one of a step's
// sources, or an element of the list there.
func (w *watch) source(alternative, element int, sp *span) {
	if w.trace != nil {
		w.trace.source(alternative, element, *sp)
	}
}

// repeated is told that a step gave a list a value that it has already.
func (w *watch) repeated(m *Mapper, f *field, st *step, t text) {
	if w.tally != nil {
		w.tally.steps[st.id]++
	}
	if w.trace != nil {
		w.trace.repeated(m, f, st, string(appendValue(nil, t)))
	}
}

// transformed is told what a transform made of a text.
func (w *watch) transformed(name string, before, after []byte) {
	if w.trace != nil {
		w.trace.transforms = append(w.trace.transforms, Transform{name, string(before), string(after)})
	}
}

// matched is told which arm of a match was picked.
func (w *watch) matched(a *arm) {
	if w.tally != nil {
		w.tally.arms[a.id]++
	}
}

// wrote is told that a step gave a field a value, which stands in the event from
// beg on.
func (w *watch) wrote(m *Mapper, f *field, st *step, item, index, beg int) {
	if w.tally != nil {
		w.tally.steps[st.id]++
	}
	if w.trace != nil {
		w.trace.wrote(m, f, st, item, index, beg)
	}
}

// fieldDone is told where the values of a field stand in the event.
func (w *watch) fieldDone(f *field, beg, end int) {
	if w.tally != nil {
		w.tally.field(f)
	}
	if w.ranges != nil {
		w.ranges[f.id] = valueSpan{beg, end}
	}
}
