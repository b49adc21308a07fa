package mapping

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// writer is where one message being written stands.
type writer struct {
	last  *field          // written last; nil while the message is empty
	items int             // of the field at hand
	seen  int             // where in Mapper.seen the items of the field at hand begin
	began int             // where in Mapper.dst the value of the field at hand begins
	many  map[string]bool // items of the field at hand, once they are too many to look through
}

// run appends the message that p writes from the values of a frame. A message
// in which nothing stands leaves the buffer as it was.
func (m *Mapper) run(p *program, frame int) bool {
	start := len(m.dst)
	m.dst = append(m.dst, '{')
	w := writer{}
	for i, slot := range p.lone {
		if slot >= 0 && m.spans[frame+int(slot)].kind < spanArray && !m.plain {
			continue // most fields of most records
		}
		m.field(&w, &p.fields[i], frame)
	}
	if w.last == nil {
		m.dst = m.dst[:start]
		return false
	}
	for range len(w.last.into) + 1 {
		m.dst = append(m.dst, '}')
	}
	return true
}

// field runs the steps of one field.
func (m *Mapper) field(w *writer, f *field, frame int) {
	w.items, w.seen, w.many = 0, len(m.seen), nil
	if f.inner != nil {
		m.element(w, f, nil, f.inner, frame, 0)
	}
	for i, slot := range f.lone {
		if slot >= 0 && m.spans[frame+int(slot)].kind < spanArray && !m.plain {
			continue
		}
		var wrote bool
		if f.ways[i].slot != noShortcut && !m.plain {
			wrote = m.copyStep(w, f, i, frame)
		} else {
			wrote = m.step(w, f, f.steps[i], frame, 0, 0)
		}
		if wrote && f.shape == shapeSingle {
			break
		}
	}
	m.seen = m.seen[:w.seen]
	if w.items == 0 {
		return
	}
	if f.shape != shapeSingle {
		m.dst = append(m.dst, f.shape.closing())
	}
	if m.watch != nil {
		m.watch.fieldDone(f, w.began, len(m.dst))
	}
}

// opening and closing answer what stands around the values of a field that may
// have several.
func (s shape) opening() byte {
	if s == shapeMembers {
		return '{'
	}
	return '['
}

func (s shape) closing() byte {
	if s == shapeMembers {
		return '}'
	}
	return ']'
}

// begin makes room for one more value of a field.
func (m *Mapper) begin(w *writer, f *field) {
	if w.items > 0 {
		m.dst = append(m.dst, ',')
	} else {
		m.dst = m.open(w, f)
	}
	w.items++
}

// open answers the buffer up to the first value of a field: the messages that
// have ended are closed, those that begin are opened, and the name stands.
func (m *Mapper) open(w *writer, f *field) []byte {
	dst, shared := m.dst, 0
	if w.last != nil {
		into, last := f.into, w.last.into
		for shared < len(into) && shared < len(last) && into[shared] == last[shared] {
			shared++
		}
		for range len(last) - shared {
			dst = append(dst, '}')
		}
		dst = append(dst, ',')
	}
	dst = append(dst, f.open[shared]...)
	w.began, w.last = len(dst), f
	if f.shape != shapeSingle {
		dst = append(dst, f.shape.opening())
	}
	return dst
}

// step writes what one rule gives a field. Loops are entered one by one; level
// counts them, and index is the position in the innermost. It reports whether
// there was a value.
func (m *Mapper) step(w *writer, f *field, st *step, frame, level, index int) bool {
	if len(st.guards) > 0 && level == len(st.loops) && m.nothingFor(st, frame) {
		return false // a condition costs more to ask than this
	}
	for _, g := range st.guards {
		if g.level == level && m.decide(g.when, frame) != 0 {
			return false
		}
	}
	if level < len(st.loops) {
		return m.loop(w, f, st, frame, level)
	}
	if st.run != nil {
		return m.element(w, f, st, st.run, frame, index)
	}
	return m.values(w, f, st, frame, index)
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
func (m *Mapper) loop(w *writer, f *field, st *step, frame, level int) bool {
	l := &st.loops[level]
	wrote := false
	rows := m.rowsOf(frame, l)
	for rows.next() {
		if rows.index < int(l.skip) {
			continue
		}
		if m.watch != nil && m.watch.trace != nil {
			m.watch.trace.enterElement(l.node, rows.index, rows.frame)
		}
		wrote = m.step(w, f, st, rows.frame, level+1, rows.index) || wrote
		if m.watch != nil && m.watch.trace != nil {
			m.watch.trace.leaveElement()
		}
		if wrote && f.shape == shapeSingle {
			break
		}
	}
	rows.close()
	return wrote
}

// element appends one message to a list of messages, unless it is empty. No step
// means the message that several rules share.
func (m *Mapper) element(w *writer, f *field, st *step, p *program, frame, index int) bool {
	before, mark := *w, len(m.dst)
	m.begin(w, f)
	beg := len(m.dst)
	traced := m.watch != nil && m.watch.trace != nil
	if traced {
		m.watch.trace.enterMessage(f, w.items-1)
	}
	wrote := m.run(p, frame)
	if traced {
		m.watch.trace.leaveMessage()
	}
	if !wrote {
		*w, m.dst = before, m.dst[:mark]
		return false
	}
	if m.watch != nil && m.watch.tally != nil && st != nil {
		m.watch.wrote(m, f, st, w.items-1, index, beg)
	}
	return true
}

// values writes the value or values that a step takes from a frame.
func (m *Mapper) values(w *writer, f *field, st *step, frame, index int) bool {
	s := &st.from
	switch {
	case s.constant != nil:
		return m.put(w, f, st, text{json: s.constant.json}, index)
	case s.eventType:
		return m.put(w, f, st, text{json: m.eventType().json}, index)
	}
	for i, slot := range s.slots {
		sp := &m.spans[frame+int(slot)]
		if m.watch != nil {
			m.watch.source(i, -1, sp)
		}
		if sp.scalar() {
			if m.scalar(w, f, st, sp, index) {
				return true
			}
		} else if sp.kind == spanArray && s.list && m.list(w, f, st, sp, i, index) {
			return true
		}
	}
	return false
}

// scalar writes what becomes of one scalar of the record.
func (m *Mapper) scalar(w *writer, f *field, st *step, sp *span, index int) bool {
	if st.from.plain {
		return m.put(w, f, st, m.text(sp), index)
	}
	t, ok := m.outcome(st, sp)
	return ok && m.put(w, f, st, t, index)
}

// outcome is what the transforms of a rule made of the value at an offset of the
// record. Several steps may ask for it: the targets of the rule, and conditions.
type outcome struct {
	at   int32 // offset of the value, plus 1
	ok   bool
	text text
}

func (m *Mapper) outcome(st *step, sp *span) (text, bool) {
	kept := &m.outcomes[st.from.memo]
	if kept.at == sp.beg+1 && m.watch == nil && !m.plain {
		return kept.text, kept.ok
	}
	t, ok := m.transform(st, m.text(sp))
	*kept = outcome{sp.beg + 1, ok, t}
	return t, ok
}

// list writes each scalar element of an array that is not empty. The array is
// what stands at one of the sources of the step, its alternatives.
func (m *Mapper) list(w *writer, f *field, st *step, sp *span, alternative, index int) bool {
	wrote := false
	i := space(m.rec, int(sp.beg)+1)
	for element := 0; byteAt(m.rec, i) != ']'; element++ {
		var el span
		el, i = m.elementSpan(i)
		if m.watch != nil {
			m.watch.source(alternative, element, &el)
		}
		if el.scalar() && m.scalar(w, f, st, &el, index) {
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

// text is a value on its way into the event.
type text struct {
	bytes []byte // decoded
	clean bool   // bytes may stand between quotes as they are
	json  []byte // set: how the value stands in the JSON
}

// unquoted answers the text for comparing. IPs need no escapes.
func (t text) unquoted() []byte {
	if t.json != nil {
		return t.json[1 : len(t.json)-1]
	}
	return t.bytes
}

// text answers the text of a scalar. Its bytes are of the record or of m.texts
// and stay as they are until the next record.
func (m *Mapper) text(sp *span) text {
	raw := m.rec[sp.beg:sp.end]
	if sp.text == 0 || sp.text == hasNonASCII && utf8.Valid(raw) {
		return text{bytes: raw, clean: true}
	}
	at := len(m.texts)
	m.texts = appendDecoded(m.texts, raw)
	return text{bytes: m.texts[at:len(m.texts):len(m.texts)]}
}

// transform does to a text what the rule asks for: extract, match, format and
// the conversion to the field's type. ok is false where that leaves no value.
func (m *Mapper) transform(st *step, t text) (_ text, ok bool) {
	s := &st.from
	before := t.bytes
	if s.extract.kind != extractNone {
		if t.bytes = s.extract.find(t.bytes, m.plain); len(t.bytes) == 0 {
			return t, false
		}
		if m.watch != nil {
			m.watch.transformed("extract", before, t.bytes)
		}
	}
	if len(s.arms) > 0 {
		a := m.match(s, t.bytes)
		if a == nil {
			return t, false
		}
		if m.watch != nil {
			m.watch.matched(a)
			m.watch.transformed("match", t.bytes, []byte(a.value.text))
		}
		if t = (text{json: a.value.json}); t.json != nil {
			return t, true
		}
		t.bytes = []byte(a.value.text)
	}
	if s.prefix != nil || s.suffix != nil {
		at := len(m.texts)
		m.texts = append(append(append(m.texts, s.prefix...), t.bytes...), s.suffix...)
		if m.watch != nil {
			m.watch.transformed("format", t.bytes, m.texts[at:])
		}
		t = text{bytes: m.texts[at:len(m.texts):len(m.texts)]}
	}
	if s.convert == toString {
		return t, true
	}
	at := len(m.texts)
	m.texts, ok = appendConverted(m.texts, t.bytes, s.convert, st.field.typ, s.time)
	if ok && m.watch != nil {
		m.watch.transformed(st.field.typ.Kind.String(), t.bytes, m.texts[at:])
	}
	return text{json: m.texts[at:len(m.texts):len(m.texts)]}, ok
}

// find answers the part of a text that is extracted, or nothing.
func (x *extractor) find(b []byte, plain bool) []byte {
	switch x.kind {
	case extractIP:
		return findIP(b)
	case extractVersion:
		return findVersion(b)
	}
	if !plain && x.regex.ruledOut(b) {
		return nil
	}
	loc := x.regex.re.FindSubmatchIndex(b)
	if loc == nil || loc[2*x.group] < 0 {
		return nil
	}
	return b[loc[2*x.group]:loc[2*x.group+1]]
}

// picks remembers which arm of a match a value picks, by value: the values of one
// field are mostly few.
type picks map[string]int16

const (
	maxPicks    = 1024 // values per match
	maxPickText = 64   // bytes a value may have to be remembered
)

// match answers the first arm that matches, or nil.
func (m *Mapper) match(s *source, b []byte) *arm {
	if len(b) > maxPickText || m.plain {
		return s.arm(pick(s.arms, b, m.plain))
	}
	known := m.picks[s.memo]
	i, ok := known[string(b)]
	if !ok {
		i = pick(s.arms, b, false)
		if known == nil || len(known) >= maxPicks {
			known = make(picks)
			m.picks[s.memo] = known
		}
		known[string(b)] = i
	}
	return s.arm(i)
}

func (s *source) arm(i int16) *arm {
	if i < 0 {
		return nil
	}
	return &s.arms[i]
}

// pick answers the index of the first arm that matches, or -1.
func pick(arms []arm, b []byte, plain bool) int16 {
	for i := range arms {
		a := &arms[i]
		if a.any || a.regex != nil && a.regex.match(b, plain) || a.regex == nil && a.equals == string(b) {
			return int16(i)
		}
	}
	return -1
}

// put writes one value of a field. It reports whether the value counts: one that
// stands already in a list without duplicates does, though it is not written.
func (m *Mapper) put(w *writer, f *field, st *step, t text, index int) bool {
	if f.dedup && !m.fresh(w, t.unquoted()) {
		if m.watch != nil {
			m.watch.repeated(m, f, st, t)
		}
		return true
	}
	if f.shape == shapeMembers && !m.freshMember(w, st, index) {
		return false
	}
	m.begin(w, f)
	beg := len(m.dst)
	switch f.shape {
	case shapeLabels:
		m.dst = append(m.dst, `{"key":"`...)
		m.label(&st.label, index)
		m.dst = append(m.dst, `","value":`...)
		m.write(t)
		m.dst = append(m.dst, '}')
	case shapeRoles:
		m.dst = append(m.dst, `{"name":`...)
		m.write(t)
		m.dst = append(m.dst, '}')
	case shapeMembers:
		m.dst = append(m.dst, '"')
		m.label(&st.label, index)
		m.dst = append(m.dst, '"', ':')
		m.write(t)
	default:
		m.write(t)
	}
	if m.watch != nil {
		m.watch.wrote(m, f, st, w.items-1, index, beg)
	}
	return true
}

// freshMember reports whether a free object has no member yet under a step's
// label. The first value of a key stays.
func (m *Mapper) freshMember(w *writer, st *step, index int) bool {
	at := len(m.texts)
	m.texts = append(m.texts, st.label.before...)
	if st.label.index {
		m.texts = append(strconv.AppendInt(m.texts, int64(index), 10), st.label.after...)
	}
	return m.fresh(w, m.texts[at:len(m.texts):len(m.texts)])
}

func (m *Mapper) label(l *label, index int) {
	m.dst = append(m.dst, l.before...)
	if l.index {
		m.dst = append(strconv.AppendInt(m.dst, int64(index), 10), l.after...)
	}
}

// fewSeen is how many items are looked through one by one.
const fewSeen = 64

// fresh reports whether b has not been written to the field at hand, and
// remembers it.
func (m *Mapper) fresh(w *writer, b []byte) bool {
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
