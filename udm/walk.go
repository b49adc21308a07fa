package udm

// The methods here read one value each, of a given field and at a given depth of
// brackets. They return the offset after the value (-1 once the text is no
// JSON), the bits of the watched paths that are present in it, and whether it
// counts as set: null, "", [] and {} do not.

// object reads the object of a message, whose opening brace is at i.
func (v *Validator) object(i int, m *Message, watched uint8, depth int) (int, uint64, bool) {
	if depth > maxDepth {
		return v.tooDeep(i), 0, false
	}
	o := openObject{message: m, watch: &watches[watched], depth: depth, last: -1, first: len(v.violations)}
	i, more := v.open(i, '}')
	for more {
		if i = v.member(i, &o); i < 0 {
			return -1, 0, false
		}
		if i, more = v.comma(i, '}'); i < 0 {
			return -1, 0, false
		}
	}
	if o.many != 0 {
		v.checkOneIfPort(&o)
	}
	return i, o.bits, o.set != 0 || o.unknown
}

// openObject is what is known of an object while its members are read. The sets
// hold fields by index.
type openObject struct {
	message *Message
	watch   *watch
	depth   int
	last    int    // index of the field read last, -1 before the first
	first   int    // of the violations found in it
	bits    uint64 // of the watched paths
	seen    uint64
	set     uint64
	many    uint64 // fields with the limit OneIfPort and more than one item
	unknown bool   // there is a member that the schema does not know
}

// member reads a key and its value.
func (v *Validator) member(i int, o *openObject) int {
	f, asJSON, i := v.knownKey(i, o)
	if f == nil {
		return i
	}
	bit := uint64(1) << (f.Index & 63)
	if o.seen&bit != 0 {
		v.repeatedKey(f, o)
	}
	o.seen |= bit
	if len(f.Name) != len(f.JSONName) {
		v.noteSpelling(f, asJSON)
	}
	if f.free && v.peek(i) == '"' {
		if end, flags := v.text(i + 1); end >= 0 && flags == 0 {
			if end > i+1 {
				o.set |= bit
				o.bits |= watches[o.watch.child(f)].bit
			}
			return end + 1
		}
	}
	return v.memberValue(i, f, o)
}

// memberValue reads the value of a field and notes what it means for its object.
func (v *Validator) memberValue(i int, f *Field, o *openObject) int {
	v.push(f)
	next, bits, set := v.field(i, f, o.watch.child(f), o.depth)
	v.pop()
	o.bits |= bits
	if !set {
		return next
	}
	if f.Oneof != "" {
		v.checkOneof(f, o)
	}
	bit := uint64(1) << (f.Index & 63)
	o.set |= bit
	if f.Limit != nil && f.Limit.OneIfPort && v.items > 1 {
		o.many |= bit
	}
	return next
}

// knownKey reads a key and returns the offset of its value. If the schema does
// not know the key, f is nil and the value has been read as well.
func (v *Validator) knownKey(i int, o *openObject) (f *Field, asJSON bool, next int) {
	m := o.message
	if next := v.guessedKey(i, o); next > 0 {
		f = &m.Fields[o.last]
		return f, v.spellings == jsonNames, v.space(next)
	}
	key, i := v.key(i)
	if i < 0 {
		return nil, false, -1
	}
	if f, asJSON = m.find(key); f == nil {
		o.unknown = true
		v.unknownField(m, key)
		return nil, false, v.skip(i, o.depth+1)
	}
	v.guesses[int(m.guess)+o.last+1] = uint8(f.Index)
	o.last = f.Index
	return f, asJSON, i
}

// guessedKey reads the key that came next the last time, if it is there again in
// the spelling of the event: events of one log look alike. It returns the offset
// after the colon, or 0.
func (v *Validator) guessedKey(i int, o *openObject) int {
	m := o.message
	guess := int(v.guesses[int(m.guess)+o.last+1])
	if guess >= len(m.Fields) {
		return 0
	}
	name := m.Fields[guess].Name
	if v.spellings == jsonNames {
		name = m.Fields[guess].JSONName
	}
	end := i + len(name) + len(`"":`)
	if end > len(v.b) {
		return 0
	}
	token := v.b[i:end]
	if token[0] != '"' || token[len(token)-2] != '"' || token[len(token)-1] != ':' || string(token[1:len(token)-2]) != name {
		return 0
	}
	o.last = guess
	return end
}

// key reads a key with its colon. The key is valid until the next string.
func (v *Validator) key(i int) (key []byte, next int) {
	if v.peek(i) != '"' {
		return nil, v.fail(i, "no key in an object")
	}
	end, flags := v.text(i + 1)
	if end < 0 {
		return nil, -1
	}
	key = v.b[i+1 : end]
	if flags != 0 {
		key = v.unescaped(key)
	}
	return key, v.colon(end)
}

// unescaped returns the content of a string token in the memory of v.
func (v *Validator) unescaped(token []byte) []byte {
	text, sound := unescape(v.decoded[:0], token)
	v.decoded = text
	if !sound {
		v.report(Error, "encoding", "a string holds bytes that are not UTF-8 or half a surrogate pair")
	}
	return text
}

// repeatedKey takes back what was found in the earlier value of f.
func (v *Validator) repeatedKey(f *Field, o *openObject) {
	bit := uint64(1) << f.Index
	o.set &^= bit
	o.many &^= bit
	o.bits &^= watches[o.watch.child(f)].below
	if o.depth == 1 && f.Name == "metadata" || f.Kind == EnumKind && f.ref == eventTypeRef {
		v.eventType = -1
	}
	v.forget(f, o.first)
	v.reportUnder(f, Warning, "duplicate-key", "the key stands twice in one object; the last one counts")
}

func (v *Validator) noteSpelling(f *Field, asJSON bool) {
	now := protoNames
	if asJSON {
		now = jsonNames
	}
	if v.spellings != 0 && v.spellings|now != v.spellings {
		v.reportUnder(f, Warning, "mixed-spelling", "the event mixes the two spellings of names, such as event_type and eventType")
	}
	v.spellings |= now
}

// field reads the whole value of a field.
func (v *Validator) field(i int, f *Field, watched uint8, depth int) (int, uint64, bool) {
	if v.peek(i) == 'n' {
		return v.literal(i, "null"), 0, false
	}
	if f.Deprecated {
		v.report(Warning, "deprecated", deprecatedField)
	}
	if !f.Repeated {
		return v.single(i, f, watched, depth)
	}
	if v.peek(i) != '[' {
		v.items = 0
		v.reportType("scalar-for-list", "a list of "+f.typeName(), i)
		return v.skip(i, depth+1), watches[watched].bit, true
	}
	return v.list(i, f, watched, depth+1)
}

// list reads the items of a repeated field.
func (v *Validator) list(i int, f *Field, watched uint8, depth int) (int, uint64, bool) {
	if depth > maxDepth {
		return v.tooDeep(i), 0, false
	}
	var bits uint64
	set, items := false, 0
	i, more := v.open(i, ']')
	for more {
		v.steps[len(v.steps)-1].index = items
		next, itemBits, itemSet := v.single(i, f, watched, depth)
		if next < 0 {
			return -1, 0, false
		}
		bits |= itemBits
		set = set || itemSet
		items++
		i = next
		if i, more = v.comma(i, ']'); i < 0 {
			return -1, 0, false
		}
	}
	v.items = items
	return i, bits, set
}

// single reads one value of a field: the only one, or an item of its list.
func (v *Validator) single(i int, f *Field, watched uint8, depth int) (int, uint64, bool) {
	switch f.Kind {
	case MessageKind:
		return v.message(i, f, watched, depth)
	case Map:
		return v.mapMembers(i, f, depth+1)
	case Struct:
		return v.structure(i, watched, depth)
	}
	return v.scalar(i, f, watched, depth)
}

func (v *Validator) message(i int, f *Field, watched uint8, depth int) (int, uint64, bool) {
	w := &watches[watched]
	if v.peek(i) != '{' {
		v.reportType("wrong-type", "an object", i)
		return v.skip(i, depth+1), w.bit, true
	}
	next, bits, set := v.object(i, f.Message(), watched, depth+1)
	set = set || f.emptySets
	if set {
		bits |= w.bit
	}
	return next, bits, set
}

// structure reads a free object.
func (v *Validator) structure(i int, watched uint8, depth int) (int, uint64, bool) {
	if v.peek(i) != '{' {
		v.reportType("wrong-type", "an object", i)
		return v.skip(i, depth+1), watches[watched].bit, true
	}
	inside, _ := v.open(i, '}')
	next := v.skip(i, depth+1)
	if next == inside {
		return next, 0, false
	}
	return next, watches[watched].bit, true
}

// mapMembers reads an object whose members are all messages.
func (v *Validator) mapMembers(i int, f *Field, depth int) (int, uint64, bool) {
	if v.peek(i) != '{' {
		v.reportType("wrong-type", "an object", i)
		return v.skip(i, depth), 0, true
	}
	if depth > maxDepth {
		return v.tooDeep(i), 0, false
	}
	i, more := v.open(i, '}')
	set := more
	for more {
		var key []byte
		if key, i = v.key(i); i < 0 {
			return -1, 0, false
		}
		v.steps = append(v.steps, step{index: -1, key: v.intern(key)})
		i, _, _ = v.message(i, f, 0, depth)
		v.pop()
		if i < 0 {
			return -1, 0, false
		}
		if i, more = v.comma(i, '}'); i < 0 {
			return -1, 0, false
		}
	}
	return i, 0, set
}

// skip reads a value of any kind.
func (v *Validator) skip(i, depth int) int {
	switch v.peek(i) {
	case '{':
		return v.skipObject(i, depth)
	case '[':
		return v.skipList(i, depth)
	case '"':
		return v.skipText(i)
	case 't':
		return v.literal(i, "true")
	case 'f':
		return v.literal(i, "false")
	case 'n':
		return v.literal(i, "null")
	case 0:
		if i >= len(v.b) {
			return v.fail(i, "the text ends where a value should stand")
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return v.number(i)
	}
	return v.fail(i, "no value")
}

func (v *Validator) skipObject(i, depth int) int {
	if depth > maxDepth {
		return v.tooDeep(i)
	}
	i, more := v.open(i, '}')
	for more {
		if _, i = v.key(i); i < 0 {
			return -1
		}
		if i = v.skip(i, depth+1); i < 0 {
			return -1
		}
		if i, more = v.comma(i, '}'); i < 0 {
			return -1
		}
	}
	return i
}

func (v *Validator) skipList(i, depth int) int {
	if depth > maxDepth {
		return v.tooDeep(i)
	}
	i, more := v.open(i, ']')
	for more {
		if i = v.skip(i, depth+1); i < 0 {
			return -1
		}
		if i, more = v.comma(i, ']'); i < 0 {
			return -1
		}
	}
	return i
}

func (v *Validator) skipText(i int) int {
	end, flags := v.text(i + 1)
	if end < 0 {
		return -1
	}
	if flags != 0 {
		v.unescaped(v.b[i+1 : end])
	}
	return end + 1
}
