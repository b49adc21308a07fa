package udm

import "math"

// Site is a place in events where a writer puts values: a field and the way to it.
// The values of a list are its items, those of a Struct its members. What holds for
// any value there is found out once, when the Site is made. A Site never changes,
// and any number of goroutines may use it.
type Site struct {
	field      *Field
	watch      uint8
	bits       uint64      // of the watched paths that a value makes present
	path       string      // "" below a list, where it has an index
	depth      int         // brackets around the value
	deprecated []Violation // the fields on the way, outermost first
	anyText    int         // up to so many bytes, any text is right and no rule asks which

	opaque bool // only who reads the event can tell what is wrong
	// A list may have but one item if the port beside it is set.
	oneIfPort, port bool
}

// Site answers the place of the values at p.
func (p Path) Site() *Site {
	s := &Site{field: p.Leaf(), watch: rootWatch, bits: watches[rootWatch].bit}
	indexed := false
	for i, step := range p {
		f := step.Field
		s.watch = watches[s.watch].child(f)
		s.bits |= watches[s.watch].bit
		s.depth++
		if f.Deprecated {
			s.deprecated = append(s.deprecated, Violation{p[:i+1].String(), Warning, "deprecated", deprecatedField})
			s.opaque = s.opaque || indexed
		}
		if f.Repeated {
			s.depth++
			indexed = true
		}
		s.oneIfPort = s.oneIfPort || f.Limit != nil && f.Limit.OneIfPort
		s.opaque = s.opaque || f.Oneof != "" || f.Kind == Map
	}
	if s.field.Kind == Struct {
		s.depth++
	}
	s.opaque = s.opaque || s.field.Kind == MessageKind || s.depth > maxDepth
	s.port = s.field.Name == "port"
	if !indexed {
		s.path = p.String()
	}
	if !s.opaque && !s.oneIfPort && len(s.deprecated) == 0 {
		s.anyText = s.field.anyText(&watches[s.watch])
	}
	return s
}

// anyText answers up to which size any text is right for f, and no rule asks which.
func (f *Field) anyText(w *watch) int {
	switch l := f.Limit; {
	case f.Kind == Struct:
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
