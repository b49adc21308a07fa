package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/udm"
)

// lookup resolves a target path and reports what is wrong with it.
func (c *compiler) lookup(to Text, out *outMessage) udm.Path {
	name := to.Value
	struc, fields := strings.CutSuffix(name, ".fields")
	if fields {
		if p, err := out.typ.Lookup(struc); err == nil && p.Leaf().Kind == udm.Struct {
			name = struc
		}
	}
	p, err := out.typ.Lookup(name)
	if err != nil {
		c.pathError(to, 0, err)
		return nil
	}
	leaf := p.Leaf()
	switch {
	case leaf.Kind == udm.Struct && (name == to.Value || p[len(p)-1].Key != ""):
		p[len(p)-1].Key = ""
		c.errorf(to.Pos, "%s holds free members", p).Hint = fmt.Sprintf("write to: %s.fields, with label: for the member's name", p)
		return nil
	case slices.ContainsFunc(p, func(s udm.Step) bool { return s.Field.Kind == udm.Map }):
		c.errorf(to.Pos, "%s is a map, which rules cannot write", p)
		return nil
	}
	if d := p.Deprecated(); d != nil {
		c.warnf(to.Pos, "%s is deprecated in UDM", to.Value)
	}
	return p
}

// pathError reports a path that is not in the schema, at the segment that is
// wrong; the path begins at byte base of the text.
func (c *compiler) pathError(t Text, base int, err error) {
	var pe *udm.PathError
	if !errors.As(err, &pe) {
		c.errorf(t.Pos, "%v", err)
		return
	}
	e := c.errorf(t.At(base+pe.Offset), "%v", pe)
	if len(pe.Suggestions) > 0 {
		e.Hint = fmt.Sprintf("did you mean %q?", pe.Suggestions[0])
		if len(pe.Suggestions) > 1 {
			e.Hint = "did you mean one of: " + strings.Join(pe.Suggestions, ", ")
		}
	}
}

// target compiles one target of a rule.
func (c *compiler) target(r *Rule, to Text, sc scope) {
	p := c.lookup(to, sc.out)
	if p == nil {
		return
	}
	if below(sc.out.path, p.String()) == eventTypePath {
		c.errorf(to.Pos, "metadata.event_type is written by event_type").Hint = "event_type: [{when: ..., is: ...}]"
		return
	}
	sh, ok := c.shapeOf(r, to, p)
	if !ok {
		return
	}
	leaf := p.Leaf()
	st := &step{rule: r, uses: sc.uses, first: to == r.To[0], loops: sc.loops, guards: sc.guards}
	if r.Label.given() {
		st.label = c.label(r, len(sc.loops) > 0)
	}
	list := sh == shapeList || sh == shapeLabels || sh == shapeRoles
	if !c.sourceOf(r, leaf, sh, list, sc, &st.from) {
		return
	}
	out := sc.out.message(p[:len(p)-1]).leaf(leaf)
	out.shape = sh
	out.writes = append(out.writes, contribution{rule: r, step: st, to: to, key: r.Label.Value,
		guarded: len(sc.guards) > 0})
}

// shapeOf answers how the values of a target stand in the JSON, and refuses
// what a rule cannot write.
func (c *compiler) shapeOf(r *Rule, to Text, p udm.Path) (shape, bool) {
	leaf := p.Leaf()
	labels := leaf.Kind == udm.MessageKind && leaf.Message().Name == "Label"
	switch {
	case leaf.Kind == udm.Struct || labels && leaf.Repeated:
		if !r.Label.given() {
			c.errorf(to.Pos, "%s wants a label", to.Value).Hint = "label: the key under which the value stands"
			return 0, false
		}
		if labels {
			return shapeLabels, true
		}
		return shapeMembers, true
	case r.Label.given():
		c.errorf(r.Label.Pos, "label on %s, which holds no labels", to.Value).Hint = c.labelHint(p)
		return 0, false
	case leaf.Kind == udm.MessageKind && leaf.Message().Name == "Role" && leaf.Repeated:
		return shapeRoles, true
	case leaf.Kind == udm.MessageKind:
		c.errorf(to.Pos, "%s is a message (%s)", to.Value, leaf.Message().Name).Hint = messageHint(to.Value, leaf.Message())
		return 0, false
	case leaf.Repeated:
		return shapeList, true
	}
	return shapeSingle, true
}

// labelHint names the labels nearest to a field that has none.
func (c *compiler) labelHint(p udm.Path) string {
	for i := len(p) - 1; i > 0; i-- {
		m := p[i-1].Field.Message()
		if m == nil {
			continue
		}
		if a := m.Field("attribute"); a != nil {
			return fmt.Sprintf("labels nearby: %s.attribute.labels", p[:i])
		}
		if f := m.Field("detection_fields"); f != nil {
			return fmt.Sprintf("labels nearby: %s.detection_fields", p[:i])
		}
	}
	return "remove label"
}

func messageHint(to string, m *udm.Message) string {
	var names []string
	for i := range m.Fields {
		if f := &m.Fields[i]; !f.Deprecated && len(names) < 6 {
			names = append(names, f.Name)
		}
	}
	return fmt.Sprintf("name one of its fields, such as %s.%s (also: %s), or use a block", to, names[0], strings.Join(names[1:], ", "))
}

func (c *compiler) label(r *Rule, loops bool) label {
	before, after, index := strings.Cut(r.Label.Value, "{index}")
	l := label{before: quotedBody(before), after: quotedBody(after), index: index}
	if index && !loops {
		c.errorf(r.Label.At(len(before)), "{index} without each").Hint = "only a rule with each has positions"
	}
	if strings.Contains(after, "{index}") {
		c.errorf(r.Label.At(len(before)+1+strings.LastIndex(r.Label.Value[len(before)+1:], "{index}")), "{index} twice in a label")
	}
	return l
}

func quotedBody(s string) []byte {
	q := appendQuoted(nil, []byte(strings.ToValidUTF8(s, "\uFFFD")))
	return q[1 : len(q)-1]
}
