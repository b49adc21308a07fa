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

// wantsDetail reports whether single values, and members that no rule reads, are
// of interest, and not only where the fields of the event stand.
func (w *watch) wantsDetail() bool { return w != nil && (w.tally != nil || w.trace != nil) }

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

// repeated is told that an op gave a list a value that it has already.
func (w *watch) repeated(m *Mapper, o *op, t text) {
	if w.tally != nil {
		w.tally.steps[o.step.id]++
	}
	if w.trace != nil {
		w.trace.repeated(m, o.field, o.step, string(appendValue(nil, t)))
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

// begins is told that an op is about to write a value, the text before which
// ends where the event does.
func (w *watch) begins(m *Mapper, at *writer, o *op) {
	if at.last != nil && at.last.field == o.field {
		at.items++
		return
	}
	at.items, at.began = 1, len(m.dst)-len(o.texts.lead)
	if o.field.shape != shapeSingle {
		at.began--
	}
}

// wrote is told that a step gave a field a value.
func (w *watch) wrote(m *Mapper, at *writer, o *op, beg int) {
	if w.tally != nil {
		w.tally.steps[o.step.id]++
	}
	if w.trace != nil {
		w.trace.wrote(m, o, at.items-1, beg-len(o.texts.lead))
	}
}

// ended is told that a field has all its values, the last of which ends where
// the event does.
func (w *watch) ended(m *Mapper, at *writer) {
	f := at.last.field
	if w.tally != nil {
		w.tally.field(f)
	}
	if w.ranges != nil {
		w.ranges[f.id] = valueSpan{at.began, len(m.dst) + len(at.last.texts.tail) + len(f.shape.closing())}
	}
}
