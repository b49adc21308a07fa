package mapping

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/asa2udm/asa2udm/udm"
)

// A decision picks one of several arms, each with a CEL condition. A when is a
// decision with one arm; event_type is the one with many.
type decision struct {
	id    int
	what  string // for messages: "event_type", a condition's name, or "when"
	arms  []decisionArm
	reads []*variable // all that the answer depends on, named conditions resolved
	item  bool        // the answer depends on the item at hand
}

// decisionArm is one arm. No program means always.
type decisionArm struct {
	text    Text
	program cel.Program
	vars    []*variable
	ast     *cel.Ast
}

// variable is one thing an expression reads. Every path in an expression becomes
// a variable of its own while the file is compiled, so that CEL finds values by
// slot and never by name.
type variable struct {
	name   string // in the checked expression
	shown  string // as written
	kind   variableKind
	typ    *cel.Type
	item   bool // the slot is of the frame at hand, not of the record
	slot   int32
	path   string // udm: the field or message
	fields []*field
	copies []int32   // slots that are copied to the fields
	others []*field  // the fields that something else is written to
	parts  []part    // has() of what is within the values of a field
	kept   int       // index in Mapper.readings plus 1, if the value is kept for the record
	inner  *decision // a named condition, or event_type
}

type variableKind uint8

const (
	readText      variableKind = iota // a scalar of the record
	readList                          // a list of the record
	readAny                           // either
	readPresence                      // has() of the record
	readUDM                           // a field of the event
	readUDMHas                        // has() of the event
	readCondition                     // a named condition
	readEventType
)

// celCompiler turns the expressions of one rule file into decisions. Parsing and
// finding variables happens as expressions are met; types are checked at the end,
// when all variables are known.
type celCompiler struct {
	c          *compiler
	env        *cel.Env
	vars       map[string]*variable
	order      []*variable
	conditions map[string]*decision
	names      []string // of the conditions
	types      *decision
}

func newCELCompiler(c *compiler, conditions []Pair) *celCompiler {
	cc := &celCompiler{c: c, vars: make(map[string]*variable), conditions: make(map[string]*decision)}
	for _, p := range conditions {
		cc.conditions[p.Key.Value] = cc.newDecision(fmt.Sprintf("condition %s", p.Key.Value))
		cc.names = append(cc.names, p.Key.Value)
		if !isIdentifier(p.Key.Value) || slices.Contains(reserved, p.Key.Value) {
			c.errorf(p.Key.Pos, "%q cannot name a condition", p.Key.Value).Hint = "letters, digits and _, not " + strings.Join(reserved, ", ")
		}
	}
	top := scope{layout: c.plan.root, node: c.plan.root.node}
	for _, p := range conditions {
		d := cc.conditions[p.Key.Value]
		d.arms = []decisionArm{cc.parse(p.Value, top)}
	}
	return cc
}

var reserved = []string{"log", "udm", "item", "event_type", "true", "false", "null", "in"}

func isIdentifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

func (cc *celCompiler) newDecision(what string) *decision {
	d := &decision{id: len(cc.c.plan.decisions), what: what}
	cc.c.plan.decisions = append(cc.c.plan.decisions, d)
	return d
}

// when compiles the condition of a rule.
func (cc *celCompiler) when(t Text, sc scope) *decision {
	d := cc.newDecision("when")
	d.arms = []decisionArm{cc.parse(t, sc)}
	return d
}

// eventType compiles the conditions of the event_type arms.
func (cc *celCompiler) eventType(whens []Text, sc scope) *decision {
	d := cc.newDecision("event_type")
	for _, w := range whens {
		arm := decisionArm{}
		if w.given() {
			arm = cc.parse(w, sc)
		}
		d.arms = append(d.arms, arm)
	}
	cc.types = d
	return d
}

// baseEnv gives the CEL environment all expressions share.
func (cc *celCompiler) baseEnv() *cel.Env {
	if cc.env == nil {
		env, err := cel.NewEnv(ext.Strings(), cel.CrossTypeNumericComparisons(true))
		if err != nil {
			cc.c.errorf(Pos{}, "cannot set up CEL: %v", err)
			return nil
		}
		cc.env = env
	}
	return cc.env
}

// parse reads an expression and finds its variables.
func (cc *celCompiler) parse(t Text, sc scope) decisionArm {
	arm := decisionArm{text: t}
	env := cc.baseEnv()
	if env == nil {
		return arm
	}
	parsed, iss := env.Parse(t.Value)
	if iss.Err() != nil {
		cc.syntaxIssue(t, iss)
		return arm
	}
	before := len(cc.c.list)
	r := resolver{cc: cc, text: t, scope: sc, info: parsed.NativeRep().SourceInfo()}
	r.expr(parsed.NativeRep().Expr(), nil, false)
	arm.vars = r.vars
	if !cc.c.brokenSince(before) {
		arm.ast = parsed
	}
	return arm
}

// byteOffset turns a CEL location (line from 1, column in characters from 0)
// into a byte offset.
func byteOffset(text string, loc common.Location) int {
	at := 0
	for range loc.Line() - 1 {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	for range loc.Column() {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return min(at, len(text))
}

// finish checks the types of all expressions and links variables to fields.
func (cc *celCompiler) finish() {
	for _, v := range cc.order {
		cc.link(v)
	}
	if cc.env != nil {
		cc.check()
	}
	for _, d := range cc.c.plan.decisions {
		d.reads = leafVariables(d, map[*decision]bool{})
		d.item = slices.ContainsFunc(d.reads, func(v *variable) bool { return v.item })
	}
	cc.cycles()
}

func (cc *celCompiler) check() {
	var opts []cel.EnvOption
	for _, v := range cc.order {
		opts = append(opts, cel.Variable(v.name, v.typ))
	}
	env, err := cc.env.Extend(opts...)
	if err != nil {
		cc.c.errorf(Pos{}, "cannot set up CEL: %v", err)
		return
	}
	for _, d := range cc.c.plan.decisions {
		for i := range d.arms {
			cc.checkArm(env, &d.arms[i])
		}
	}
}

func (cc *celCompiler) checkArm(env *cel.Env, arm *decisionArm) {
	if arm.ast == nil {
		return
	}
	checked, iss := env.Check(arm.ast)
	if iss.Err() != nil {
		cc.issues(arm.text, iss)
		return
	}
	if t := checked.OutputType(); !t.IsExactType(types.BoolType) {
		cc.c.errorf(arm.text.At(0), "a condition wants true or false, got %s", t).Hint = "compare it: ... == \"...\""
		return
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		cc.c.errorf(arm.text.Pos, "%v", err)
		return
	}
	arm.ast, arm.program = checked, program
}

// link finds the fields of the event that a variable reads.
func (cc *celCompiler) link(v *variable) {
	switch v.kind {
	case readEventType:
		v.inner = cc.types
	case readUDM, readUDMHas:
		v.fields = fieldsBelow(cc.c.plan.event, v.path, nil)
		v.findCopies()
		if p, err := udm.Lookup(v.path); err == nil {
			v.parts = cc.parts(cc.c.plan.event, p, nil)
		}
	}
	// A list, and what takes writing a field to know, is made once for a record,
	// however many elements ask for it.
	if list := v.kind == readList || v.kind == readAny; list && !v.item || v.kind == readUDM || len(v.parts) > 0 {
		cc.c.plan.readings++
		v.kept = cc.c.plan.readings
	}
}

// part is a place within the values of a field that no step of its own writes: a
// member of additional, the name of a role, a field of the elements that a block
// fills.
type part struct {
	field *field
	names []string // from the value down, in the spelling of the event
}

// parts finds the fields of p that hold the end of a path within their values.
func (cc *celCompiler) parts(p *program, path udm.Path, out []part) []part {
	for i := range p.fields {
		f := &p.fields[i]
		names, ok := cc.namesBelow(path, f.path)
		if ok && f.inner != nil {
			out = cc.parts(f.inner, path, out)
		}
		if ok && (f.inner == nil || len(f.steps) > 0) {
			out = append(out, part{f, names})
		}
	}
	return out
}

// namesBelow answers what is left of a path behind the field at one of its
// steps. ok is false if the field is not on the path, or is its end.
func (cc *celCompiler) namesBelow(path udm.Path, field string) (names []string, ok bool) {
	at := ""
	for _, s := range path {
		if ok {
			names = append(names, cc.c.spelling(s.Field))
		}
		at = below(at, s.Field.Name)
		found := at == field
		if (ok || found) && s.Key != "" {
			names = append(names, s.Key)
		}
		ok = ok || found
	}
	return names, len(names) > 0
}

// findCopies notes the places of the record that are copied to the fields a
// variable reads, whatever else may be.
func (v *variable) findCopies() {
	rest := v.fields[:0:0]
	for _, f := range v.fields {
		all := true
		for i := range f.ops {
			o := &f.ops[i]
			if o.kind != opCopy || o.step.from.list {
				all = false
				continue
			}
			v.copies = append(append(v.copies, o.slot), o.more...)
		}
		if !all {
			rest = append(rest, f)
		}
	}
	v.others = rest
}

// fieldsBelow gathers the fields of p at or below a path of the event.
func fieldsBelow(p *program, path string, out []*field) []*field {
	for i := range p.fields {
		f := &p.fields[i]
		if f.path == path || strings.HasPrefix(f.path, path+".") {
			out = append(out, f)
		} else if f.inner != nil && strings.HasPrefix(path, f.path+".") {
			out = fieldsBelow(f.inner, path, out)
		}
	}
	return out
}

// leafVariables answers all that a decision depends on, with named conditions
// replaced by what they depend on themselves.
func leafVariables(d *decision, seen map[*decision]bool) []*variable {
	if seen[d] {
		return nil
	}
	seen[d] = true
	var out []*variable
	for _, a := range d.arms {
		for _, v := range a.vars {
			more := []*variable{v}
			if v.kind == readCondition {
				more = leafVariables(v.inner, seen)
			}
			for _, m := range more {
				if !slices.Contains(out, m) {
					out = append(out, m)
				}
			}
		}
	}
	return out
}

// cycles reports decisions that depend on their own answer.
func (cc *celCompiler) cycles() {
	var open []*decision
	done := make(map[*decision]bool)
	var visit func(d *decision, from Text)
	visit = func(d *decision, from Text) {
		if i := slices.Index(open, d); i >= 0 {
			cc.cycle(open[i:], from)
			return
		}
		if done[d] {
			return
		}
		open = append(open, d)
		for _, a := range d.arms {
			for _, v := range a.vars {
				for _, next := range v.decisions(cc.types) {
					visit(next, a.text)
				}
			}
		}
		open, done[d] = open[:len(open)-1], true
	}
	for _, d := range cc.c.plan.decisions {
		visit(d, Text{})
	}
}

// cycle reports decisions each of which depends on the next, and the last on the
// first, in the expression from.
func (cc *celCompiler) cycle(all []*decision, from Text) {
	msg := all[0].name() + " depends on itself"
	for i, d := range all[1:] {
		msg += []string{", by way of ", " and "}[min(i, 1)] + d.name()
	}
	cc.c.errorf(from.At(0), "%s", msg).Hint = "a field that a condition reads may not be written under that same condition"
}

// name answers what a decision is, for messages.
func (d *decision) name() string {
	if d.what == "when" && len(d.arms) > 0 {
		return fmt.Sprintf("the when in line %d", d.arms[0].text.Pos.Line)
	}
	return d.what
}

// decisions answers what must be decided before v has a value.
func (v *variable) decisions(eventType *decision) []*decision {
	if v.inner != nil {
		return []*decision{v.inner}
	}
	var out []*decision
	for _, f := range v.fields {
		out = f.decisions(eventType, out)
	}
	for _, p := range v.parts {
		out = p.field.decisions(eventType, out)
	}
	return out
}

func (f *field) decisions(eventType *decision, out []*decision) []*decision {
	for _, st := range f.steps {
		for _, g := range st.guards {
			out = append(out, g.when)
		}
		if st.run != nil {
			out = st.run.decisions(eventType, out)
		}
	}
	if f.path == eventTypePath && eventType != nil {
		out = append(out, eventType)
	}
	if f.inner != nil {
		out = f.inner.decisions(eventType, out)
	}
	return out
}

func (p *program) decisions(eventType *decision, out []*decision) []*decision {
	for i := range p.fields {
		out = p.fields[i].decisions(eventType, out)
	}
	return out
}

const eventTypePath = "metadata.event_type"
