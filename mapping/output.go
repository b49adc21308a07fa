package mapping

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/asa2udm/asa2udm/udm"
)

// outMessage gathers, while a rule file is compiled, what rules write into one
// message: fields of its own and messages below it.
type outMessage struct {
	typ      *udm.Message
	path     string
	messages map[string]*outMessage
	leaves   map[string]*outField
}

// outField gathers what rules write into one field.
type outField struct {
	field  *udm.Field
	path   string
	shape  shape
	writes []contribution // values
	runs   []contribution // whole elements of a list of messages
	inner  *outMessage    // the element of a list of messages that rules share
}

// contribution is one rule's part in a field.
type contribution struct {
	rule    *Rule
	step    *step
	to      Text
	key     string // of a label or member
	guarded bool
	element *outMessage // what one element is made of
}

// message gives the message at a path below m. On the way through a list of
// messages it gives the one element that all such rules share.
func (m *outMessage) message(p udm.Path) *outMessage {
	for _, s := range p {
		f := s.Field
		if f.Repeated {
			list := m.leaf(f)
			if list.inner == nil {
				list.inner = &outMessage{typ: f.Message(), path: list.path}
			}
			m = list.inner
			continue
		}
		next := m.messages[f.Name]
		if next == nil {
			next = &outMessage{typ: f.Message(), path: below(m.path, f.Name)}
			if m.messages == nil {
				m.messages = make(map[string]*outMessage)
			}
			m.messages[f.Name] = next
		}
		m = next
	}
	return m
}

func (m *outMessage) leaf(f *udm.Field) *outField {
	if m.leaves == nil {
		m.leaves = make(map[string]*outField)
	}
	if m.leaves[f.Name] == nil {
		m.leaves[f.Name] = &outField{field: f, path: below(m.path, f.Name), shape: shapeMessages}
	}
	return m.leaves[f.Name]
}

func below(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// conflicts reports pairs of rules that can write the same single value.
func (c *compiler) conflicts(m *outMessage) {
	for i := range m.typ.Fields {
		name := m.typ.Fields[i].Name
		if next := m.messages[name]; next != nil {
			c.conflicts(next)
		}
		l := m.leaves[name]
		if l == nil {
			continue
		}
		if l.inner != nil {
			c.conflicts(l.inner)
		}
		c.fieldConflicts(l)
	}
}

func (c *compiler) fieldConflicts(l *outField) {
	if l.shape != shapeSingle && l.shape != shapeMembers {
		return
	}
	for i, w := range l.writes {
		if w.step.label.index {
			continue
		}
		j := slices.IndexFunc(l.writes[:i], func(o contribution) bool {
			return o.key == w.key && !o.step.label.index && !(o.guarded && w.guarded)
		})
		if j < 0 {
			continue
		}
		what := l.path
		if l.shape == shapeMembers {
			what = fmt.Sprintf("%s.fields[%q]", l.path, w.key)
		}
		other := l.writes[j]
		if w.to.Pos.File != c.file && other.to.Pos.File == c.file {
			w, other = other, w // the fault is in the file that extends
		}
		at, first := w.to.Pos, other.to.Pos
		if at == first {
			// One rule of a block that is used twice.
			at, first = w.step.top().Pos, other.step.top().Pos
		}
		c.errorf(at, "two rules can write %s: this one and that in %s", what, first.from(at)).Hint = conflictHint(w, other)
	}
}

// constant reports whether the contribution stands under constants.
func (w contribution) constant() bool { return w.rule.Pos == w.to.Pos }

// conflictHint says how to make one rule of two.
func conflictHint(w, other contribution) string {
	base := other.to.Pos.File != w.to.Pos.File
	switch {
	case base && w.constant():
		return fmt.Sprintf("write it as a rule with value: and replaces: %s, or add remove: [%s]", other.rule.ID(), other.rule.ID())
	case w.constant() || other.constant():
		return "keep one of them: a constant is always there"
	}
	if base {
		return fmt.Sprintf("add replaces: %s to put this rule in the other's place", other.rule.ID())
	}
	if len(w.rule.From) == 1 && len(other.rule.From) == 1 && !w.rule.Use.given() {
		return fmt.Sprintf("write one rule with from: [%s, %s], or give both a when", other.rule.From[0].Value, w.rule.From[0].Value)
	}
	return "give both a when, or keep one of them"
}

// group numbers the paths of the event that rules write.
func (c *compiler) group(path string) int {
	if i := slices.Index(c.plan.paths, path); i >= 0 {
		return i
	}
	c.plan.paths = append(c.plan.paths, path)
	return len(c.plan.paths) - 1
}

// program turns what was gathered for a message into the program that writes it.
func (c *compiler) program(m *outMessage) *program {
	b := programBuilder{c: c, p: &program{}}
	b.message(m, nil, nil)
	for i := range b.p.fields {
		f := &b.p.fields[i]
		first := len(b.p.ops)
		if f.inner != nil {
			b.p.ops = append(b.p.ops, op{field: f})
		}
		for _, st := range f.steps {
			st.field = f
			b.p.ops = append(b.p.ops, op{field: f, step: st, later: f.shape == shapeSingle && len(b.p.ops) > first})
		}
	}
	rest := b.p.ops
	for i := range b.p.fields {
		f := &b.p.fields[i]
		n := len(f.steps)
		if f.inner != nil {
			n++
		}
		f.ops, rest = rest[:n:n], rest[n:]
		for k := range f.ops {
			f.ops[k].shorten()
			f.ops[k].texts = f.ops[k].fixedTexts()
		}
	}
	return b.p
}

// programBuilder flattens one message and the messages in it into a program.
type programBuilder struct {
	c    *compiler
	p    *program
	next int32
}

// message adds the fields of m in schema order. into and keys name the messages
// around it.
func (b *programBuilder) message(m *outMessage, into []int32, keys []string) {
	for i := range m.typ.Fields {
		f := &m.typ.Fields[i]
		if next := m.messages[f.Name]; next != nil {
			b.next++
			b.message(next, append(slices.Clone(into), b.next), append(slices.Clone(keys), b.c.name(f)))
		}
		if l := m.leaves[f.Name]; l != nil {
			b.field(l, into, keys)
		}
	}
}

// name answers a field's name in the spelling asked for, ready for the JSON.
func (c *compiler) name(f *udm.Field) string {
	return strconv.Quote(c.spelling(f)) + ":"
}

func (c *compiler) spelling(f *udm.Field) string {
	if c.opts.JSONNames {
		return f.JSONName
	}
	return f.Name
}

// site answers where the values of the field stand.
func (l *outField) site() *udm.Site {
	path := l.path
	switch l.shape {
	case shapeMessages:
		return nil
	case shapeLabels:
		path = below(path, "value")
	case shapeRoles:
		path = below(path, "name")
	}
	p, err := udm.Lookup(path)
	if err != nil {
		return nil
	}
	return p.Site()
}

func (b *programBuilder) field(l *outField, into []int32, keys []string) {
	c := b.c
	f := field{
		id: c.fields, path: l.path, group: c.group(l.path), into: into, shape: l.shape, typ: l.field,
		dedup: l.field.Repeated && l.field.Format == udm.IP,
		site:  l.site(),
	}
	for d := range len(keys) + 1 {
		open := ""
		for _, k := range keys[d:] {
			open += k + "{"
		}
		f.open = append(f.open, open+c.name(l.field))
	}
	c.fields++
	if l.inner != nil {
		f.inner = c.program(l.inner)
	}
	for _, w := range slices.Concat(l.writes, l.runs) {
		if w.element != nil {
			w.step.run = c.program(w.element)
		}
		w.step.id = len(c.plan.steps)
		c.plan.steps = append(c.plan.steps, w.step)
		f.steps = append(f.steps, w.step)
	}
	b.p.fields = append(b.p.fields, f)
}
