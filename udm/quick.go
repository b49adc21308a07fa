package udm

import (
	"math"
	"slices"
	"unicode/utf8"
)

// Events of one log look alike: between one value and the next stand the same
// brackets and keys again and again. A Validator learns these stretches of text,
// gaps, and what each means. An event of known gaps is then checked by comparing
// bytes and looking at its values alone. Whatever is out of the ordinary (an
// unknown field, a repeated key, null, a text that is no JSON) is left to the
// plain way, which reads the event anew; both answer the same.

// shapes is what a Validator has learned.
type shapes struct {
	start  *leaf
	first  gap              // comes before the first one
	leaves map[string]*leaf // by the way to them
	gaps   int
	missed int // events in a row that were left to the plain way
	rest   int // events that are not tried, because of that

	// formed has, for each format, the text that was found to have it last.
	formed [SHA256 + 1][]byte
}

// leaf is a place where a value stands, such as
// principal.user.email_addresses[]; the field of the end of an event is nil.
type leaf struct {
	field  *Field
	watch  uint8
	depth  int    // brackets around it
	path   string // "" where the path has the index of a list
	open   []place
	behind []*gap

	anyText    int  // up to so many bytes of ASCII are right, whatever they are
	formatOnly bool // a text is right if it has the format of the field
}

// place is an object around a leaf.
type place struct {
	message *Message
	watch   uint8
	field   *Field // of which the value is being read
	inList  bool   // it is an item of a list
}

// gap is what stands between two values.
type gap struct {
	text      string
	to        *leaf
	closed    int      // objects that end
	fields    uint64   // that the innermost object left gets, by index
	refused   uint64   // of which it may have none before
	opened    []uint64 // the first field of each object that begins
	spellings spelling
	bits      uint64 // of the watched paths that are present with it
	next      *gap   // the one after the value behind it, the last time

	// remarkable says that there is anything in what follows.
	remarkable bool
	eventType  int // index in its enum, or -1
	warnings   []Violation
}

// Bounds of what is learned, so that events of ever new shapes fill no memory.
const (
	maxLeaves  = 1000
	maxGaps    = 4000
	maxGapText = 512
	maxOpen    = 24
	maxRest    = 64

	maxBehind = 64 // gaps behind one leaf; in half of them the keys of labels

	maxRemembered = 64 // bytes of a text
)

// manyItems stands, among the fields of an object, for a list with more than one
// item that may have but one beside a port.
const manyItems = 1 << 63

// quick checks an event of known shape and answers the bits of the watched paths
// in it; ok is false where the plain way must look at it.
func (v *Validator) quick() (present uint64, ok bool) {
	k := &v.shapes
	switch {
	case v.plain:
		return 0, false
	case k.start == nil:
		// A Validator of one event has nothing to gain.
		k.start = &leaf{}
		k.leaves = map[string]*leaf{}
		return 0, false
	case k.rest > 0:
		k.rest--
		return 0, false
	}
	if present, ok = v.followGaps(); ok {
		k.missed = 0
		return present, true
	}
	k.missed++
	k.rest = min(k.missed-1, maxRest)
	return 0, false
}

func (v *Validator) followGaps() (present uint64, ok bool) {
	var seen [maxOpen + 1]uint64 // fields of the open objects
	open, at, i := 0, v.shapes.start, 0
	b := v.b
	for g := &v.shapes.first; ; {
		if next := g.next; next != nil && next.begins(b[i:]) {
			g = next
		} else if g = v.otherGap(g, at, i); g == nil {
			return 0, false
		}
		i += len(g.text)
		if open -= g.closed; seen[open]&g.refused != 0 {
			return 0, false
		}
		seen[open] |= g.fields
		for _, first := range g.opened {
			open++
			seen[open] = first
		}
		present |= g.bits
		v.spellings |= g.spellings
		if g.remarkable {
			v.note(g)
		}
		at = g.to
		if i < len(b) && b[i] == '"' && at.anyText > 0 {
			if end, flags := v.text(i + 1); flags == 0 && end > i+1 && end-i-1 <= at.anyText {
				i = end + 1
				continue
			}
		}
		if at.field == nil {
			return present, v.spellings != protoNames|jsonNames && v.space(i) == len(b)
		}
		next, bits := v.leafValue(i, at)
		if next < 0 {
			return 0, false
		}
		i = next
		present |= bits
	}
}

// note takes over what a gap says beside brackets and keys.
func (v *Validator) note(g *gap) {
	if g.eventType >= 0 {
		v.eventType = g.eventType
	}
	for _, w := range g.warnings {
		v.append(w)
	}
}

// leafValue reads the value of a leaf and answers the offset after it, or -1 if
// it is not an ordinary one.
func (v *Validator) leafValue(i int, at *leaf) (next int, bits uint64) {
	found := len(v.violations)
	v.leaf = at
	set := true
	switch c := v.peek(i); {
	case c == '"' && at.field.Kind != Struct:
		next, bits = v.leafText(i, at)
	case c == 'n':
		next = -1
	default:
		next, bits, set = v.single(i, at.field, at.watch, at.depth)
	}
	v.leaf = nil
	if !set || len(v.violations) > found && at.path == "" {
		return -1, 0
	}
	return next, bits
}

// leafText is leafValue for a string.
func (v *Validator) leafText(i int, at *leaf) (next int, bits uint64) {
	end, flags := v.text(i + 1)
	if end <= i+1 {
		return -1, 0
	}
	text := v.b[i+1 : end]
	switch {
	case flags == 0 && len(text) <= at.anyText, flags == nonASCII && at.anyText == math.MaxInt && utf8.Valid(text):
		return end + 1, 0
	case flags == 0 && at.formatOnly && string(text) == string(v.shapes.formed[at.field.Format]):
		return end + 1, 0
	case flags != 0:
		text = v.unescaped(text)
	}
	found := len(v.violations)
	bits, _ = v.content(i, text, at.field, &watches[at.watch])
	sound := len(v.violations) == found && v.counts[Warning] < maxViolations // past that none is added
	if at.formatOnly && flags == 0 && sound && len(text) <= maxRemembered {
		formed := &v.shapes.formed[at.field.Format]
		*formed = append((*formed)[:0], text...)
	}
	return end + 1, bits
}

// otherGap answers the gap that begins at i behind a leaf, after the gap before,
// or nil if it is not an ordinary one.
func (v *Validator) otherGap(before *gap, at *leaf, i int) *gap {
	for _, g := range at.behind {
		if g.begins(v.b[i:]) {
			before.next = g
			return g
		}
	}
	before.next = v.learn(at, i)
	return before.next
}

func (g *gap) begins(text []byte) bool {
	return len(text) >= len(g.text) && string(text[:len(g.text)]) == g.text
}

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
