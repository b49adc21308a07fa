package mapping

import "github.com/asa2udm/asa2udm/udm"

// A plan is what Compile makes of a rule file: which places of a record to look
// at (root), and what to write from them, in schema order (event). It is data
// alone, built once and never changed. Nothing in it is looked up by name while
// records are mapped.
type plan struct {
	root      *layout
	event     *program
	eventType *decision // which arm gives the event's type
	types     []constant
	decisions []*decision
	steps     []*step
	memos     int // of the sources
	readings  int // of variables that are kept for the record
	arms      int
	fields    int
	ops       int
	due       due
	paths     []string // of the fields, by group
	timestamp *field   // metadata.event_timestamp, which every event must have
}

// program writes one message: the event, or an element of a list of messages.
type program struct {
	fields []field
	ops    []op // of all fields, in the order in which they write
	rooted bool // its places are those of the record, not of an element of a list
}

// op is one thing to do for a field: what one step of it does, or to write the
// element that rules share.
type op struct {
	index int32  // among all ops of the plan
	kind  opKind // the general way, or a short one
	later bool   // an op before it may have written the single value there can be
	slot  int32  // opCopy: the first place to look at
	more  []int32
	field *field
	step  *step // nil for the shared element
	texts opTexts
}

// opTexts are the fixed texts around the value of an op.
type opTexts struct {
	lead  string // from the beginning of an item to its value
	tail  string // from the value to the end of the item
	open  string // before a value that is the first of its message
	close string // behind one that is the last
}

// field is one field that rules can write, and the steps that may do it.
type field struct {
	id    int        // index among all fields of the plan
	path  string     // from the event, for people
	group int        // shared by fields of one path, as the elements of a list may have
	into  []int32    // ids of the messages around it within the program, outermost first
	open  []string   // open[d]: the text from the d-th of them down to the field's value
	shape shape      // how the values stand in the JSON
	typ   *udm.Field // the type of one value
	site  *udm.Site  // where its values stand; nil if these are messages
	dedup bool       // a text is written once
	steps []*step    // in rule order
	inner *program   // shapeMessages: the element that all rules share
	ops   []op       // those of the program that are for this field
}

// shape says how the values of a field stand in the JSON.
type shape uint8

const (
	shapeSingle   shape = iota // "f":v
	shapeList                  // "f":[v,v]
	shapeLabels                // "f":[{"key":k,"value":v}]
	shapeRoles                 // "f":[{"name":v}]
	shapeMembers               // "f":{k:v}
	shapeMessages              // "f":[{...},{...}]
)

// step is one rule writing one field.
type step struct {
	id     int
	rule   *Rule
	uses   []*Rule // the rules that use the blocks it is in, outermost first
	first  bool    // the step is for the first of the rule's targets
	field  *field
	loops  []loop
	guards []guard
	from   source
	label  label
	run    *program // shapeMessages: what one element is made of
}

// top answers the rule of mappings that a step comes from.
func (st *step) top() *Rule {
	if len(st.uses) > 0 {
		return st.uses[0]
	}
	return st.rule
}

// loop runs what follows once for each element of an array.
type loop struct {
	list int32 // slot of the array in the frame around it
	skip int32
	node *node // of the array
}

// guard is a condition that must hold, checked once so many loops are entered.
type guard struct {
	level int
	when  *decision
}

// source is where a value comes from and what becomes of it on the way.
type source struct {
	slots     []int32 // the first that yields a value wins
	nodes     []*node // whose slots they are
	constant  *constant
	memo      int // where outcomes are kept, shared by steps that come to the same
	extract   extractor
	arms      []arm
	prefix    []byte // format: what stands before the value,
	suffix    []byte // and what after it
	convert   conversion
	time      string
	eventType bool // the value is the type of the event
	plain     bool // nothing is done to the value but copying
	list      bool // the target is repeated, so an array gives each of its elements
}

// constant is a fixed text and how it stands in the JSON.
type constant struct {
	text string
	json []byte
}

// extractor takes a part of a text.
type extractor struct {
	kind  extractKind
	regex *pattern
	group int
}

type extractKind uint8

const (
	extractNone extractKind = iota
	extractIP
	extractVersion
	extractRegex
)

// arm is one way a text may match and the value it then gives.
type arm struct {
	id     int // among all arms of the plan
	index  int // in the rule
	any    bool
	equals string
	regex  *pattern
	value  constant
}

// label is the key of a label, perhaps with the element's position in it.
type label struct {
	before, after []byte // as they stand in the JSON, without quotes
	index         bool
}

// conversion is how a text becomes a JSON value of the field's type.
type conversion uint8

const (
	toString     conversion = iota
	toNumber                // an integer or a floating point number that fits the field
	toWideNumber            // a 64-bit integer, which proto3 JSON writes as a string
	toBool
	toBytes
	toEnum
	toTimestamp
	toDuration
)
