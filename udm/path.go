package udm

import (
	"fmt"
	"strings"
)

// Path is a field and the way to it, outermost field first. It is never empty.
type Path []Step

// Step is one segment of a Path.
type Step struct {
	Field *Field
	// Key is the member that the path names below a Struct (all the rest of the
	// path, dots included) or a Map (one segment), and empty elsewhere.
	Key string
}

// Leaf returns the last field of p.
func (p Path) Leaf() *Field { return p[len(p)-1].Field }

// Repeated returns the first field of p that holds a list, or nil.
func (p Path) Repeated() *Field {
	for _, s := range p {
		if s.Field.Repeated {
			return s.Field
		}
	}
	return nil
}

// Deprecated returns the first field of p that is deprecated, or nil.
func (p Path) Deprecated() *Field {
	for _, s := range p {
		if s.Field.Deprecated {
			return s.Field
		}
	}
	return nil
}

// String returns p in the names of the schema, joined by dots.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.Field.Name)
		if s.Key != "" {
			b.WriteByte('.')
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

// PathError says which part of a path is not in the schema.
type PathError struct {
	Path    string
	Segment string   // the first segment that is wrong; may be empty, as in "a..b"
	Offset  int      // of Segment in Path, in bytes
	Parent  *Message // the message that has no such field; nil below a field without fields
	// Suggestions are full paths of the schema that may be meant, best first, at
	// most three. They start where Path does.
	Suggestions []string

	parentField *Field
}

// Error says what is wrong in one line, without the suggestions.
func (e *PathError) Error() string {
	switch {
	case e.Segment == "":
		return fmt.Sprintf("empty segment in path %q", e.Path)
	case e.Parent == nil:
		return fmt.Sprintf("unknown field %q: %s is a %s and has no fields", e.Path, e.parentField.Name, e.parentField.Kind)
	}
	return fmt.Sprintf("unknown field %q: %s has no field %q", e.Path, e.Parent.Name, e.Segment)
}

// Lookup resolves a dotted path from the event, such as
// "principal.user.email_addresses". Each segment may be in either spelling. Below
// a Struct (additional.team_name) any name is right. The error is a *PathError.
func Lookup(path string) (Path, error) { return Event().Lookup(path) }

// Lookup resolves a dotted path relative to m, as the function Lookup does for
// the whole event.
func (m *Message) Lookup(path string) (Path, error) {
	p, err := m.resolve(path)
	if err != nil {
		err.Suggestions = m.suggest(path, p, err)
		return nil, err
	}
	return p, nil
}

// resolve is Lookup without suggestions. With an error it returns the part of
// the path that it did resolve.
func (m *Message) resolve(path string) (Path, *PathError) {
	var p Path
	var parent *Field
	for at := 0; ; {
		segment, _, more := strings.Cut(path[at:], ".")
		f := (*Field)(nil)
		if m != nil {
			f = m.Field(segment)
		}
		if f == nil {
			return p, &PathError{Path: path, Segment: segment, Offset: at, Parent: m, parentField: parent}
		}
		step := Step{Field: f}
		at += len(segment) + 1
		if more && f.Kind == Struct {
			step.Key, more = path[at:], false
		}
		if more && f.Kind == Map {
			step.Key, _, more = strings.Cut(path[at:], ".")
			at += len(step.Key) + 1
		}
		p = append(p, step)
		if !more {
			return p, nil
		}
		m, parent = f.Message(), f
	}
}
