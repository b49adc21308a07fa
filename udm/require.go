package udm

import "slices"

// Severity says how sure it is that something is wrong.
type Severity uint8

// The severities. Errors are what Google SecOps refuses, or no value of the
// schema at all; warnings are against advice, or may be right in a schema that
// is newer than the public one.
const (
	Warning Severity = iota + 1
	Error
)

// String returns "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// RequirementKind is what a Requirement asks of its paths.
type RequirementKind uint8

// The kinds of requirement.
const (
	Required  RequirementKind = iota + 1 // the path must be set
	OneOf                                // at least one of the paths must be set
	Forbidden                            // none of the paths may be set
	NotUsable                            // a parser may not give an event this type at all
)

// Requirement is one rule about the events of a type.
type Requirement struct {
	EventType string // "*" for every event
	Kind      RequirementKind
	Paths     []string // alternatives; "a.b=VALUE" asks for that value; empty for NotUsable
	Condition string   // "always", or a code of the guide such as "if_remote"
	Source    string   // where the rule is from: "matrix", "guide", "guide, matrix", ...
	Severity  Severity // of an event that breaks it

	decidable    bool   // the condition can be told from the event alone
	paths        uint64 // the bits of Paths
	when, unless uint64 // the bits of the condition
	where, text  string // path and message of the violation
}

// Checked reports whether Validate checks r. It leaves out rules whose condition
// the event does not answer, such as "if_remote".
func (r *Requirement) Checked() bool { return r.decidable }

// Requirements returns the rules for events of a type: first those for every
// event, then its own. An unknown type has only the former. The caller owns the
// slice but not the Paths in it.
func Requirements(eventType string) []Requirement {
	return slices.Concat(commonRequirements(), requirementsOf(enums[eventTypeRef].find([]byte(eventType))))
}

func commonRequirements() []Requirement {
	return requirements[:requirementStarts[1]]
}

// requirementsOf returns the rules of the event type at index in its enum.
func requirementsOf(index int) []Requirement {
	if index < 0 {
		return nil
	}
	return requirements[requirementStarts[index+1]:requirementStarts[index+2]]
}

// watch is one path, or the beginning of one, that a requirement asks about.
type watch struct {
	bit      uint64 // set when the path is present, 0 if nobody asks
	below    uint64 // all bits here and deeper
	children string // by field index: the next watch, 0 for none
	values   []watchValue
}

// watchValue is the bit for one wanted value of a path.
type watchValue struct {
	text string
	bit  uint64
}

// rootWatch is the watch of the event itself; watch 0 asks about nothing.
const rootWatch = 1

// child returns the watch of a field below w.
func (w *watch) child(f *Field) uint8 {
	if f.Index >= len(w.children) {
		return 0
	}
	return w.children[f.Index]
}
