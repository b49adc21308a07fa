package mapping

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WritePlan writes, for people, what Map runs for each record: the places it
// looks at, the decisions it may ask for, and the fields it writes, in the order
// in which it writes them. A step that has a shortcut is marked with "=", one
// that goes the general way with "~". The form is not fixed.
func (p *Parser) WritePlan(w io.Writer) error {
	d := describer{w: w, plan: p.plan}
	d.printf("places of the record\n")
	d.layout(p.plan.root, 1)
	d.printf("decisions\n")
	for _, dec := range p.plan.decisions {
		d.decision(dec)
	}
	d.printf("fields of the event\n")
	d.program(p.plan.event, 1)
	return d.err
}

// describer writes the parts of a plan.
type describer struct {
	w    io.Writer
	plan *plan
	err  error
}

func (d *describer) printf(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, format, args...)
	}
}

func (d *describer) line(depth int, format string, args ...any) {
	d.printf("%s"+format+"\n", append([]any{strings.Repeat("  ", depth)}, args...)...)
}

func (d *describer) layout(l *layout, depth int) {
	var visit func(n *node)
	visit = func(n *node) {
		if n.read || n.list != nil {
			d.line(depth, "slot %-3d %s", n.slot, n.path)
		}
		for _, c := range n.keys.children {
			visit(c.node)
		}
		if n.list != nil {
			d.layout(n.list, depth+1)
		}
	}
	visit(l.node)
}

func (d *describer) decision(dec *decision) {
	for i, a := range dec.arms {
		what, gives := "", ""
		if i == 0 {
			what = dec.what
		}
		if dec == d.plan.eventType {
			gives = " -> " + d.plan.types[i].text
		}
		text := a.text.Value
		if !a.text.given() {
			text = "always"
		}
		d.line(1, "%-28s %s%s", what, strings.Join(strings.Fields(text), " "), gives)
	}
}

func (d *describer) program(p *program, depth int) {
	for i := range p.fields {
		f := &p.fields[i]
		d.line(depth, "%s%s", f.path, f.shape.suffix())
		if f.inner != nil {
			d.program(f.inner, depth+1)
		}
		for k := range f.ops {
			st, mark := f.ops[k].step, "~"
			if st == nil {
				continue
			}
			if f.ops[k].kind != opStep {
				mark = "="
			}
			d.line(depth+1, "%s %s  (%s)", mark, st.describe(d.plan), st.rule.Pos)
			if st.run != nil {
				d.program(st.run, depth+2)
			}
		}
	}
}

// suffix marks the fields that hold several values.
func (s shape) suffix() string {
	switch s {
	case shapeSingle:
		return ""
	case shapeMembers:
		return " {}"
	}
	return " []"
}

// describe answers what a step does, in the order in which it does it.
func (st *step) describe(pl *plan) string {
	var parts []string
	for _, l := range st.loops {
		part := "each " + l.node.path
		if l.skip > 0 {
			part += " from " + strconv.Itoa(int(l.skip))
		}
		parts = append(parts, part)
	}
	for _, g := range st.guards {
		parts = append(parts, "when "+strings.Join(strings.Fields(g.when.arms[0].text.Value), " "))
	}
	parts = append(parts, st.from.describe()...)
	if len(st.label.before) > 0 || st.label.index {
		label := string(st.label.before)
		if st.label.index {
			label += "{index}" + string(st.label.after)
		}
		parts = append(parts, "label "+label)
	}
	return strings.Join(parts, ", ")
}

func (s *source) describe() []string {
	var parts []string
	switch {
	case s.eventType:
		parts = append(parts, "the type of the event")
	case s.constant != nil:
		parts = append(parts, "constant "+string(s.constant.json))
	case len(s.nodes) > 0:
		var paths []string
		for i, n := range s.nodes {
			paths = append(paths, fmt.Sprintf("%s [%d]", n.path, s.slots[i]))
		}
		parts = append(parts, "take "+strings.Join(paths, ", else "))
	}
	switch s.extract.kind {
	case extractIP:
		parts = append(parts, "extract ip")
	case extractVersion:
		parts = append(parts, "extract version")
	case extractRegex:
		parts = append(parts, "extract "+s.extract.regex.describe())
	}
	for _, a := range s.arms {
		parts = append(parts, a.describe())
	}
	if s.prefix != nil || s.suffix != nil {
		parts = append(parts, fmt.Sprintf("format %q", string(s.prefix)+"{value}"+string(s.suffix)))
	}
	return parts
}

func (a *arm) describe() string {
	switch {
	case a.any:
		return "else " + a.value.text
	case a.regex != nil:
		return a.regex.describe() + " is " + a.value.text
	}
	return fmt.Sprintf("%q is %s", a.equals, a.value.text)
}

// describe answers how a pattern is looked for.
func (p *pattern) describe() string {
	switch {
	case p.literals != nil:
		return "text /" + p.re.String() + "/"
	case len(p.required) > 0:
		texts := make([]string, len(p.required))
		for i, l := range p.required {
			texts[i] = strconv.Quote(l.text)
			if l.fold {
				texts[i] = strconv.Quote(strings.ToLower(l.text))
			}
		}
		return fmt.Sprintf("pattern /%s/ if it holds %s", p.re, strings.Join(texts, " or "))
	}
	return "pattern /" + p.re.String() + "/"
}
