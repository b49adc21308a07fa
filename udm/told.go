package udm

import "slices"

// Who writes an event knows where each value goes, and that the text is sound JSON
// around them. Checking it then takes no second reading: a Validator is told the
// values as they are written. Only where values alone do not tell, Finish reads
// the event.

// told is what a Validator was told of an event.
type told struct {
	present uint64  // bits of the watched paths
	items   []*Site // with a value, of lists that may have but one beside a port
	many    bool    // one of them has more
	port    bool
	untold  bool // the values do not tell all
}

// Begin begins an event that is not read but told, value by value, to Add.
func (v *Validator) Begin() {
	v.reset(nil)
	v.told = told{items: v.told.items[:0]}
}

// Add tells of a value: its JSON, which is not kept, at the place where it stands
// in the event. Values are told in the order of the event.
//
// The writer vouches for the rest: that the event is valid JSON in valid UTF-8, has
// each key once, writes all names in one spelling, and holds no value that was not
// told but the keys of labels.
func (v *Validator) Add(s *Site, value []byte) {
	v.told.present |= s.bits
	if content := len(value) - len(`""`); content < 1 || content > s.anyText || value[0] != '"' {
		v.judge(s, value)
	}
}

// Finish answers all violations of the event that was told, as Validate does for
// its text. The slice is overwritten by the next call.
func (v *Validator) Finish(event []byte) []Violation {
	if v.told.untold || v.told.many && v.told.port {
		return v.Validate(event)
	}
	v.checkRequirements(commonRequirements(), v.told.present)
	v.checkRequirements(requirementsOf(v.eventType), v.told.present)
	return v.violations
}

// judge looks at a value that may be wrong, or that a rule asks for.
func (v *Validator) judge(s *Site, value []byte) {
	null := len(value) > 0 && value[0] == 'n' // counts as not there
	if v.told.untold = v.told.untold || s.opaque || null; v.told.untold {
		return
	}
	v.told.note(s)
	v.addDeprecated(s)
	if s.field.Kind == Struct {
		return // whatever a member is, it is right
	}
	found := len(v.violations)
	bits, ok := v.value(s, value)
	v.told.present |= bits
	if !ok || len(v.violations) > found && s.path == "" {
		v.told.untold = true
	}
}

// note notes what is known only of several values together.
func (t *told) note(s *Site) {
	switch {
	case s.port:
		t.port = true
	case s.oneIfPort && slices.Contains(t.items, s):
		t.many = true
	case s.oneIfPort:
		t.items = append(t.items, s)
	}
}

// addDeprecated reports the deprecated fields around a value, each of them once.
func (v *Validator) addDeprecated(s *Site) {
	for _, d := range s.deprecated {
		if !slices.Contains(v.violations, d) {
			v.append(d)
		}
	}
}

// value checks one value and answers the bits of the watched paths that hang on
// it. It is not ok if the value is none that an event can be told to have.
func (v *Validator) value(s *Site, value []byte) (bits uint64, ok bool) {
	v.scanner = scanner{b: value}
	v.site = s
	end, bits, set := v.scalar(0, s.field, s.watch, s.depth)
	v.site = nil
	return bits, set && end == len(value)
}
