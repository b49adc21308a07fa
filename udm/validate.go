package udm

import (
	"fmt"
	"strconv"
	"strings"
)

// Violation is one thing wrong with an event.
type Violation struct {
	// Path is where it is, in the names of the schema with list indexes from 0,
	// such as "security_result[0].action"; "" is the event as a whole.
	Path     string
	Severity Severity
	// Code is a short stable name of what is wrong. The errors: json, depth,
	// object, encoding, wrong-type, scalar-for-list, enum-value, timestamp,
	// oneof, not-usable. The warnings: unknown-field, duplicate-key,
	// mixed-spelling, deprecated, limit, format, and enum-value for a number.
	// Either, by the Requirement that is broken: required, forbidden.
	Code    string
	Message string // one line for people, lower case, no full stop
}

// String returns "error: metadata.event_type: required: ...".
func (v Violation) String() string {
	path := v.Path
	if path == "" {
		path = "event"
	}
	return v.Severity.String() + ": " + path + ": " + v.Code + ": " + v.Message
}

// maxViolations bounds how many violations of one severity an event is charged
// with, so that a hostile event cannot fill the memory.
const maxViolations = 100

// Validator checks events one after another: those it reads, by Validate, and those
// that their writer tells it of, by Begin, Add and Finish. Its zero value is ready.
// It keeps scratch memory between calls; for an event without violations it
// allocates nothing. Use one for each goroutine.
type Validator struct {
	scanner
	steps      []step
	violations []Violation
	counts     [Error + 1]int
	decoded    []byte            // the last unescaped string
	line       []byte            // a path or message being put together
	interned   map[string]string // paths and messages seen before
	spellings  spelling
	items      int // of the list read last
	eventType  int // index in its enum, or -1

	// guesses has, for each message and field, the field that followed it the
	// last time; see guessedKey.
	guesses [guessCount]uint8

	told told
	site *Site // of the value being told
}

const deprecatedField = "the field is deprecated"

// spelling is the set of ways to write names that an event has used.
type spelling uint8

const (
	protoNames spelling = 1 << iota
	jsonNames
)

// Validate checks one event in JSON, given as the bare UDM message, against the
// schema and against the rules of its event type. It answers all violations in
// the order of the text, rules last, but at most 100 errors and 100 warnings; of
// a text that is no JSON it answers that alone. It does not keep event.
func Validate(event []byte) []Violation {
	return new(Validator).Validate(event)
}

// Validate is the function Validate with reuse of memory: the slice it returns
// is overwritten by the next call. The strings in it may be kept.
func (v *Validator) Validate(event []byte) []Violation {
	v.reset(event)
	start := v.space(0)
	if v.peek(start) != '{' {
		return v.notObject(start)
	}
	end, bits, _ := v.object(start, Event(), rootWatch, 1)
	if !v.ended(end) {
		return v.broken()
	}
	v.checkRequirements(commonRequirements(), bits)
	v.checkRequirements(requirementsOf(v.eventType), bits)
	return v.violations
}

func (v *Validator) reset(event []byte) {
	v.scanner = scanner{b: event}
	v.steps, v.violations = v.steps[:0], v.violations[:0]
	v.counts = [Error + 1]int{}
	v.spellings = 0
	v.eventType = -1
}

func (v *Validator) notObject(start int) []Violation {
	kind := jsonKind(v.peek(start))
	if end := v.skip(start, 1); !v.ended(end) {
		return v.broken()
	}
	v.violations = v.violations[:0]
	v.report(Error, "object", "want an object, got "+kind)
	return v.violations
}

// ended reports whether nothing but space follows the value that ends at end.
func (v *Validator) ended(end int) bool {
	if end < 0 {
		return false
	}
	if end = v.space(end); end < len(v.b) {
		v.fail(end, "more text after the event")
		return false
	}
	return true
}

// broken answers the fault of a text that could not be read, and drops all that
// was found before: it says nothing of an event that is not one.
func (v *Validator) broken() []Violation {
	v.steps, v.violations = v.steps[:0], v.violations[:0]
	v.counts = [Error + 1]int{}
	code := "json"
	if v.deep {
		code = "depth"
	}
	v.report(Error, code, fmt.Sprintf("%s, at byte %d", v.fault, v.at))
	return v.violations
}

// checkRequirements reports the rules that an event with the given paths breaks.
func (v *Validator) checkRequirements(rules []Requirement, bits uint64) {
	for i := range rules {
		r := &rules[i]
		if !r.decidable || bits&r.when != r.when || bits&r.unless != 0 {
			continue
		}
		met := bits&r.paths != 0
		switch {
		case r.Kind == NotUsable:
			v.append(Violation{r.where, r.Severity, "not-usable", r.text})
		case r.Kind == Forbidden && met:
			v.append(Violation{r.where, r.Severity, "forbidden", r.text})
		case r.Kind != Forbidden && !met:
			v.append(Violation{r.where, r.Severity, "required", r.text})
		}
	}
}

// step is one part of the path to the value being read.
type step struct {
	field *Field
	index int    // in a list, else -1
	key   string // of a Map or an unknown field
}

// report adds a violation at the current path.
func (v *Validator) report(severity Severity, code, message string) {
	if v.counts[severity] < maxViolations {
		v.append(Violation{v.path(), severity, code, message})
	}
}

// reportUnder adds a violation at a field of the object being read.
func (v *Validator) reportUnder(f *Field, severity Severity, code, message string) {
	v.push(f)
	v.report(severity, code, message)
	v.pop()
}

func (v *Validator) append(violation Violation) {
	if v.counts[violation.Severity] < maxViolations {
		v.counts[violation.Severity]++
		v.violations = append(v.violations, violation)
	}
}

func (v *Validator) push(f *Field) { v.steps = append(v.steps, step{field: f, index: -1}) }
func (v *Validator) pop()          { v.steps = v.steps[:len(v.steps)-1] }

// path returns the current path.
func (v *Validator) path() string {
	if v.site != nil {
		return v.site.path
	}
	line := v.line[:0]
	for i, s := range v.steps {
		if i > 0 && s.field != nil {
			line = append(line, '.')
		}
		switch {
		case s.field != nil:
			line = append(line, s.field.Name...)
		case i > 0 && s.index < 0:
			line = append(append(line, '.'), s.key...)
		default:
			line = append(line, s.key...)
		}
		if s.index >= 0 {
			line = append(strconv.AppendInt(append(line, '['), int64(s.index), 10), ']')
		}
	}
	v.line = line
	return v.intern(line)
}

// intern returns text as a string. Events of one log break the same rules again
// and again, so the strings are kept, but not more of them than is worth it.
func (v *Validator) intern(text []byte) string {
	if s, ok := v.interned[string(text)]; ok {
		return s
	}
	s := string(text)
	if v.interned == nil {
		v.interned = map[string]string{}
	}
	if len(v.interned) < 1000 && len(s) <= 256 {
		v.interned[s] = s
	}
	return s
}

// forget drops the violations from first on that are at or below a field of the
// object being read: the field comes a second time, and the last one counts.
func (v *Validator) forget(f *Field, first int) {
	v.push(f)
	path := v.path()
	v.pop()
	kept := v.violations[:first]
	for _, violation := range v.violations[first:] {
		rest, below := strings.CutPrefix(violation.Path, path)
		if below && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			v.counts[violation.Severity]--
			continue
		}
		kept = append(kept, violation)
	}
	v.violations = kept
}
