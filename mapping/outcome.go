package mapping

import "unicode/utf8"

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
