package mapping

// Text is a piece of a rule file: what it says and where it says it.
type Text struct {
	Value string
	Pos   Pos
	// raw finds the place of a byte of Value, for faults inside a CEL
	// expression or a regular expression.
	raw *scalar
}

// At answers the place of byte offset i of t.Value in the file, however the
// text is quoted, folded or escaped there.
func (t Text) At(i int) Pos {
	if t.raw == nil {
		return t.Pos
	}
	return t.raw.at(i)
}

// given reports whether the text stands in the file at all.
func (t Text) given() bool { return t.Pos.Line > 0 }

// Ruleset is a rule file as written: checked for form, not yet for sense.
// Compile gives it sense. docs/rules.md describes each key.
type Ruleset struct {
	Name       string // the file's name, for messages
	Extends    Text
	Remove     []Text
	LogType    Text
	Constants  []Pair
	Mappings   []*Rule
	Blocks     []*Block
	Conditions []Pair
	EventType  []EventTypeArm
	EventTypes Pos // where the key event_type stands

	unread bool // there is no mapping to read
}

// Pair is one member of a mapping of texts.
type Pair struct{ Key, Value Text }

// Block is a named list of rules whose paths are relative on both sides.
type Block struct {
	Name  Text
	Rules []*Rule
}

// Rule says how one or more UDM fields get their value.
type Rule struct {
	Pos      Pos
	Name     Text
	Replaces []Text
	Row      []Text
	From     []Text
	Each     Text
	Skip     int
	Value    Text
	Extract  Extract
	Match    []MatchArm
	Format   Text
	Time     Text
	To       []Text
	Label    Text
	Use      Text
	When     Text

	faulty bool // not all of it could be read
}

// Extract says which part of the text a rule takes.
type Extract struct {
	Pos   Pos
	Kind  string // "", "ip", "version" or "regex"
	Regex Text
}

// MatchArm is one way a text may match and the value it then gives. Neither
// Regex nor Equals given means that any text matches.
type MatchArm struct {
	Pos           Pos
	Regex, Equals Text
	Value         Text
}

// EventTypeArm is one way to the event's type. No When given means always.
type EventTypeArm struct {
	Pos  Pos
	When Text
	Is   Text
	Row  []Text
}

// ID names a rule in messages, in replaces and in remove: its name, else its
// first target with the label it has, else the block it uses.
func (r *Rule) ID() string {
	switch {
	case r.Name.given():
		return r.Name.Value
	case len(r.To) == 0:
		return r.Use.Value
	case r.Label.given():
		return r.To[0].Value + ":" + r.Label.Value
	}
	return r.To[0].Value
}
