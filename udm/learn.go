package udm

import (
	"math"
	"slices"
)

// learn reads the gap at i behind a leaf and keeps it. It answers nil if the
// plain way must look at the event.
func (v *Validator) learn(at *leaf, i int) *gap {
	k := &v.shapes
	if k.gaps >= maxGaps || len(k.leaves) >= maxLeaves || len(at.behind) >= maxBehind {
		return nil
	}
	r := gapReader{scanner: scanner{b: v.b}, open: slices.Clone(at.open), words: len(at.behind) < maxBehind/2, gap: gap{eventType: -1}}
	end := r.read(i, at == k.start)
	if end < 0 || end-i > maxGapText {
		return nil
	}
	g := new(gap)
	*g = r.gap
	g.text = string(v.b[i:end])
	g.to = k.leaf(r.open, r.key)
	g.bits |= r.present()
	g.remarkable = g.eventType >= 0 || len(g.warnings) > 0
	at.behind = append(at.behind, g)
	k.gaps++
	return g
}

// leaf returns the leaf in the given objects, which it keeps, of the label with
// the given key.
func (k *shapes) leaf(open []place, key []byte) *leaf {
	var way []byte
	for _, p := range open {
		way = append(way, byte(p.field.Index), 0)
		if p.inList {
			way[len(way)-1] = 1
		}
	}
	way = append(append(way, 0xff), key...)
	if known := k.leaves[string(way)]; known != nil {
		return known
	}
	l := &leaf{open: open}
	k.leaves[string(way)] = l
	if len(open) == 0 {
		return l
	}
	last := open[len(open)-1]
	l.field, l.watch = last.field, watches[last.watch].child(last.field)
	fixed := true
	for _, p := range open {
		l.depth++
		if p.inList {
			l.depth++
			fixed = false
		}
	}
	l.anyText = l.field.anyText(&watches[l.watch])
	l.formatOnly = l.field.formatOnly(&watches[l.watch])
	if fixed {
		l.path = pathOf(open)
	}
	return l
}

// anyText answers up to which size any text of ASCII is right for f, and no rule
// asks which.
func (f *Field) anyText(w *watch) int {
	switch l := f.Limit; {
	case f.free:
		return math.MaxInt
	case f.Kind != String || f.Format != NoFormat || len(w.values) > 0:
	case l == nil:
		return math.MaxInt
	case *l == Limit{MaxBytes: l.MaxBytes}:
		return l.MaxBytes
	case *l == Limit{MaxChars: l.MaxChars}:
		return l.MaxChars
	}
	return 0
}

// formatOnly reports whether a string is right for f if it has the format, and no
// rule asks which it is.
func (f *Field) formatOnly(w *watch) bool {
	return f.Kind == String && f.Format != NoFormat && len(w.values) == 0 &&
		(f.Limit == nil || *f.Limit == Limit{OneIfPort: true})
}

// pathOf returns the path of the field that is read in the innermost object.
func pathOf(open []place) string {
	path := ""
	for i, p := range open {
		if i > 0 {
			path += "."
		}
		path += p.field.Name
	}
	return path
}

// gapReader reads a gap by the schema. Its methods answer the offset after what
// they read, or -1 if that is not ordinary.
type gapReader struct {
	scanner
	open  []place
	gap   gap
	words bool   // keys of labels and names of enum values are part of gaps
	key   []byte // that of the label being read, in the event
}

// read reads a gap to the next value or to the end of the event.
func (r *gapReader) read(i int, start bool) int {
	if start {
		return r.object(r.space(i), Event(), rootWatch)
	}
	for {
		i = r.space(i)
		in := &r.open[len(r.open)-1]
		switch c := r.peek(i); {
		case c == ',' && in.inList:
			return r.nextItem(r.space(i+1), in)
		case c == ',':
			return r.member(r.space(i+1), true)
		case c == ']' && in.inList:
			in.inList = false
		case c == '}' && !in.inList:
			r.gap.closed++
			if r.open = r.open[:len(r.open)-1]; len(r.open) == 0 {
				return i + 1
			}
		default:
			return -1
		}
		i++
	}
}

// nextItem reads on to an item of a list that is not its first.
func (r *gapReader) nextItem(i int, in *place) int {
	if in.field.Limit != nil && in.field.Limit.OneIfPort {
		if len(in.message.Fields) > 63 {
			return -1
		}
		r.gap.fields |= manyItems
		if port := in.message.Field("port"); port != nil {
			r.gap.refused |= 1 << port.Index
		}
	}
	return r.value(i)
}

// object reads on to the first value in an object.
func (r *gapReader) object(i int, m *Message, watched uint8) int {
	if r.peek(i) != '{' || len(r.open) == maxOpen {
		return -1
	}
	r.open = append(r.open, place{message: m, watch: watched})
	return r.member(r.space(i+1), false)
}

// member reads a key and what stands before the value; more says that it is a
// member of an object that has some.
func (r *gapReader) member(i int, more bool) int {
	if r.peek(i) != '"' {
		return -1
	}
	end, flags := r.text(i + 1)
	if end < 0 || flags != 0 {
		return -1
	}
	in := &r.open[len(r.open)-1]
	f, asJSON := in.message.find(r.b[i+1 : end])
	if f == nil {
		return -1
	}
	in.field = f
	if len(f.Name) != len(f.JSONName) {
		r.noteSpelling(asJSON)
	}
	if !r.note(f, in.message, more) {
		return -1
	}
	if f.Deprecated && !r.warn("the field is deprecated") {
		return -1
	}
	if i = r.colon(end); i < 0 {
		return -1
	}
	return r.value(i)
}

// note notes that an object gets a field.
func (r *gapReader) note(f *Field, m *Message, more bool) bool {
	bit := uint64(1) << (f.Index & 63)
	if !more {
		r.gap.opened = append(r.gap.opened, bit)
		return true
	}
	refused := bit | m.excluded(f)
	fields := &r.gap.fields
	if n := len(r.gap.opened); n > 0 {
		fields = &r.gap.opened[n-1]
	} else {
		r.gap.refused |= refused
	}
	if *fields&refused != 0 {
		return false
	}
	*fields |= bit
	return true
}

// excluded answers the fields of m of which none may be set beside f.
func (m *Message) excluded(f *Field) uint64 {
	var fields uint64
	for i := range m.Fields {
		if other := &m.Fields[i]; other != f && f.Oneof != "" && other.Oneof == f.Oneof {
			fields |= 1 << (i & 63)
		}
	}
	if f.Name == "port" {
		fields |= manyItems
	}
	return fields
}

func (r *gapReader) noteSpelling(asJSON bool) {
	if asJSON {
		r.gap.spellings |= jsonNames
	} else {
		r.gap.spellings |= protoNames
	}
}

// warn notes a warning about the field being read, if its path is always the
// same.
func (r *gapReader) warn(message string) bool {
	for _, p := range r.open {
		if p.inList {
			return false
		}
	}
	r.gap.warnings = append(r.gap.warnings, Violation{pathOf(r.open), Warning, "deprecated", message})
	return true
}

// value reads on to the value that begins at i or in it.
func (r *gapReader) value(i int) int {
	in := &r.open[len(r.open)-1]
	f := in.field
	if f.Repeated && !in.inList {
		if r.peek(i) != '[' {
			return -1
		}
		in.inList = true
		i = r.space(i + 1)
	}
	switch f.Kind {
	case MessageKind:
		return r.object(i, f.Message(), watches[in.watch].child(f))
	case Map:
		return -1
	}
	switch c := r.peek(i); {
	case c == 'n' || c == ']' || c == 0:
		return -1
	case c == '"' && r.words:
		return r.word(i, in)
	}
	return i
}

// word reads on over a string that is one of few: the key of a label, or the name
// of an enum value. Both count as part of the gap, if another member follows.
func (r *gapReader) word(i int, in *place) int {
	end, flags := r.text(i + 1)
	if end <= i+1 || flags != 0 {
		return i
	}
	next := r.space(end + 1)
	if r.peek(next) != ',' || in.inList {
		return i
	}
	text := r.b[i+1 : end]
	switch {
	case r.isLabelKey(in) && r.key == nil:
		r.key = text
	case in.field.Kind != EnumKind || !r.enumName(text, in):
		return i
	}
	r.gap.bits |= r.present()
	return r.member(r.space(next+1), true)
}

// isLabelKey reports whether what is read is the key of a label. There are few of
// them, and they come in the same order.
func (r *gapReader) isLabelKey(in *place) bool {
	f := in.field
	return f.Name == "key" && f.free && len(in.message.Fields) > 1 && in.message.Fields[1].Name == "value"
}

// enumName takes the name of an enum value, unless there is more to say of it.
func (r *gapReader) enumName(name []byte, in *place) bool {
	f := in.field
	at := f.Enum().find(name)
	if at < 0 || f.Enum().Values[at].Deprecated {
		return false
	}
	if f.ref == eventTypeRef {
		r.gap.eventType = at
	}
	r.gap.bits |= watches[watches[in.watch].child(f)].valueBit(name)
	return true
}

// present returns the bits of the watched paths that are present if there is a
// value where the gap has come to.
func (r *gapReader) present() (bits uint64) {
	for _, p := range r.open {
		bits |= watches[p.watch].bit | watches[watches[p.watch].child(p.field)].bit
	}
	return bits
}
