package udm

//go:generate go run ./internal/gen

import (
	"slices"

	"github.com/asa2udm/asa2udm/udm/internal/keyhash"
)

// Kind is the type of one value of a field.
type Kind uint8

// The kinds, named as in the schema. Struct is a free JSON object; Map is an
// object whose members are all of the field's message.
const (
	String Kind = iota + 1
	Bool
	Int32
	Int64
	Uint32
	Uint64
	Float
	Double
	Bytes
	Timestamp
	Duration
	EnumKind
	MessageKind
	Struct
	Map
)

var kindNames = [...]string{
	String: "string", Bool: "bool", Int32: "int32", Int64: "int64", Uint32: "uint32", Uint64: "uint64",
	Float: "float", Double: "double", Bytes: "bytes", Timestamp: "timestamp", Duration: "duration",
	EnumKind: "enum", MessageKind: "message", Struct: "struct", Map: "map",
}

// String returns the name the schema uses, such as "int32" or "timestamp".
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Format is what a string is expected to look like. The schema itself only says
// string, so a value that does not look like its format earns a warning.
type Format uint8

// The formats.
const (
	NoFormat Format = iota
	IP
	MAC
	Hostname
	DomainName
	EmailAddress
	URL
	MD5
	SHA1
	SHA256
)

var formatNames = [...]string{"", "ip", "mac", "hostname", "domain", "email", "url", "md5", "sha1", "sha256"}

// String returns a short name such as "ip", or "" for NoFormat.
func (f Format) String() string {
	if int(f) >= len(formatNames) {
		return ""
	}
	return formatNames[f]
}

// Field is one field of a message. Fields are shared and must not be changed.
type Field struct {
	Name       string // as in the schema: email_addresses
	JSONName   string // lowerCamelCase: emailAddresses; equal to Name where that is one word
	Number     int    // in the protocol buffer; 0 where it is not public
	Index      int    // position in Message.Fields, which is schema order
	Kind       Kind
	Format     Format
	Repeated   bool
	Deprecated bool
	Oneof      string // name of the group of which at most one field may be set, or ""
	Limit      *Limit // nil where nothing is known

	ref       uint8 // index of the message or enum, by Kind
	emptySets bool  // an empty object still counts as present
	free      bool  // any string is right, and no rule asks which
}

// Message returns the message that values of f consist of, or nil unless Kind
// is MessageKind or Map.
func (f *Field) Message() *Message {
	if f.Kind != MessageKind && f.Kind != Map {
		return nil
	}
	return &messages[f.ref]
}

// Enum returns the enum of f, or nil unless Kind is EnumKind.
func (f *Field) Enum() *Enum {
	if f.Kind != EnumKind {
		return nil
	}
	return &enums[f.ref]
}

// Limit is what the documentation allows of a field. A zero member is no limit.
type Limit struct {
	MaxBytes int // size of the unescaped string
	MaxChars int // code points of the unescaped string
	Range    bool
	Min, Max float64 // both inclusive, if Range

	// VendorID asks for "vendor:id", each side of at most so many bytes.
	VendorID               bool
	MaxVendorLen, MaxIDLen int

	// OneIfPort allows a single item once the port of the same message is set.
	OneIfPort bool
}

// Message is one message of the schema. Messages are shared and must not be
// changed.
type Message struct {
	Name   string // without package: Noun, SecurityResult.Association
	Fields []Field

	names nameTable
	guess uint16 // index in Validator.guesses of what comes first; fields follow
}

// Field returns the field of m called name, in either spelling, or nil.
func (m *Message) Field(name string) *Field {
	f, _ := m.find([]byte(name))
	return f
}

// find returns the field that key names in either spelling. It does not keep key.
func (m *Message) find(key []byte) (f *Field, jsonName bool) {
	slot := m.names.slot(key)
	if slot < 0 {
		return nil, false
	}
	f = &m.Fields[slot]
	if string(key) == f.Name {
		return f, false
	}
	if string(key) == f.JSONName {
		return f, true
	}
	return nil, false
}

// EnumValue is one value of an enum.
type EnumValue struct {
	Name       string
	Number     int32
	Deprecated bool
}

// Enum is one enumeration of the schema. Enums are shared and must not be
// changed.
type Enum struct {
	Name   string // without package: Metadata.EventType
	Values []EnumValue

	names nameTable
}

// Value returns the value of e called name, or nil. Names are compared exactly.
func (e *Enum) Value(name string) *EnumValue {
	if at := e.find([]byte(name)); at >= 0 {
		return &e.Values[at]
	}
	return nil
}

// Number returns the first value of e with the given number, or nil.
func (e *Enum) Number(n int32) *EnumValue {
	if at := e.findNumber(n); at >= 0 {
		return &e.Values[at]
	}
	return nil
}

func (e *Enum) findNumber(n int32) int {
	return slices.IndexFunc(e.Values, func(v EnumValue) bool { return v.Number == n })
}

// find returns the index of the value called name, or -1.
func (e *Enum) find(name []byte) int {
	slot := e.names.slot(name)
	if slot < 0 || e.Values[slot].Name != string(name) {
		return -1
	}
	return slot
}

// nameTable is a perfect hash of the names of one message or enum: a name is at
// its slot or nowhere. The slots hold index+1, and 0 where there is none.
type nameTable struct {
	seed  uint64
	slots string
	shift uint8
}

// slot returns the index of the only entry that key can be, or -1.
func (t *nameTable) slot(key []byte) int {
	return int(t.slots[keyhash.Sum(key, t.seed, t.shift)]) - 1
}

// Event returns the message of a whole event, UDM.
func Event() *Message { return &messages[0] }
