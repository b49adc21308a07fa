package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Explanation says where everything in the event of one record comes from.
type Explanation struct {
	Event     []byte  // the event, unless the record was rejected
	Reject    *Reject // why there is none
	Values    []Explained
	Decisions []ExplainedDecision
	Unread    []UnreadValue
}

// Explained is one value of the event and its origin.
type Explained struct {
	Path       string // in the event, such as principal.user.attribute.labels[0]
	Value      string // its JSON
	Rule       *Rule  // that wrote it
	Via        *Rule  // the rule of mappings that uses the block Rule is in; else Rule
	Source     string // path in the record; empty for a constant
	Raw        string // the JSON there
	Transforms []Transform
	Lost       []Lost // what another rule, or a later source of the rule, would have given
}

// Transform is one change to a text on its way into the event.
type Transform struct {
	Name          string // extract, match, format, or the type it became
	Before, After string
}

// Lost is a value that lost against the one written.
type Lost struct {
	Rule   *Rule
	Source string // empty for a constant
	Raw    string
	Value  string // its JSON, had it won
	Why    string
}

// UnreadValue is a value of the record that no rule reads.
type UnreadValue struct{ Path, Raw string }

// ExplainedDecision is what became of the conditions of one decision.
type ExplainedDecision struct {
	What  string // event_type, "condition NAME" or "when"
	Pos   Pos    // of its first expression
	Arms  []ExplainedArm
	Taken int // index of the arm that held, or -1
}

// ExplainedArm is one condition and what it read.
type ExplainedArm struct {
	Expression string // empty for the arm that always holds
	Pos        Pos
	Result     string // true, false, "not asked", or the error that counts as false
	Operands   []Operand
	Gives      string // the event type, for event_type
}

// Operand is one thing a condition read.
type Operand struct{ Name, Value string }

// trace notes the origin of each value while one record is mapped.
type trace struct {
	values     []Explained
	unread     []UnreadValue
	places     []place  // of the messages around the field being written
	frames     []string // paths of the list elements around the source being read
	frameAt    []int    // and where their slots begin
	span       span     // of the value being tried
	alt        int      // which of the step's sources it is
	element    int      // and which element of the list there; -1 for the value itself
	transforms []Transform
}

// origin is what it takes to ask what else a field could have got.
type origin struct {
	field *field
	step  *step
	alt   int
	frame int
}

// place is an element of a list of messages in the event.
type place struct{ path, shown string }

func (t *trace) source(alternative, element int, sp span) {
	t.alt, t.element, t.span, t.transforms = alternative, element, sp, nil
}

func (t *trace) unreadMember(m *Mapper, n *node, key []byte, beg, end int) {
	t.unread = append(t.unread, UnreadValue{joinPath(t.recordPath(n.path), string(key)), string(m.rec[beg:end])})
}

// recordPath answers a node's path with the positions of the elements at hand
// for [].
func (t *trace) recordPath(path string) string {
	if len(t.frames) == 0 {
		return path
	}
	around := t.frames[len(t.frames)-1]
	at := 0
	for range len(t.frames) {
		next := strings.Index(path[at:], "[]")
		if next < 0 {
			break
		}
		at += next + len("[]")
	}
	return around + path[at:]
}

func (t *trace) enterElement(n *node, index, frame int) {
	t.frames = append(t.frames, t.recordPath(n.path)+"["+strconv.Itoa(index)+"]")
	t.frameAt = append(t.frameAt, frame)
}

func (t *trace) leaveElement() {
	t.frames = t.frames[:len(t.frames)-1]
	t.frameAt = t.frameAt[:len(t.frameAt)-1]
}

func (t *trace) frame() int {
	if len(t.frameAt) == 0 {
		return 0
	}
	return t.frameAt[len(t.frameAt)-1]
}

func (t *trace) enterMessage(f *field, item int) {
	t.places = append(t.places, place{f.path, t.eventPath(f.path) + "[" + strconv.Itoa(item) + "]"})
}

func (t *trace) leaveMessage() { t.places = t.places[:len(t.places)-1] }

// eventPath answers a field's path with the positions of the messages it is in.
func (t *trace) eventPath(path string) string {
	if len(t.places) == 0 {
		return path
	}
	p := t.places[len(t.places)-1]
	return p.shown + strings.TrimPrefix(path, p.path)
}

// wrote notes a value whose item begins at an offset of the event.
func (t *trace) wrote(m *Mapper, o *op, item, beg int) {
	f, st := o.field, o.step
	e := Explained{Path: t.eventPath(f.path), Value: string(m.dst[beg:]) + o.texts.tail, Rule: st.rule, Via: st.top()}
	switch f.shape {
	case shapeSingle:
	case shapeMembers:
		end, _ := str([]byte(e.Value), 1)
		e.Path, e.Value = e.Path+"["+e.Value[:end+1]+"]", e.Value[end+len(`":`):]
	default:
		e.Path += "[" + strconv.Itoa(item) + "]"
	}
	if e.Source, e.Raw = t.from(m, st); e.Source != "" {
		e.Transforms = t.transforms
	}
	e.Lost = m.lost(origin{f, st, t.alt, t.frame()})
	t.values = append(t.values, e)
}

// from answers where in the record the value being tried stands, and its JSON there.
// Both are empty for what does not come from the record.
func (t *trace) from(m *Mapper, st *step) (path, raw string) {
	if len(st.from.nodes) == 0 {
		return "", ""
	}
	path = t.recordPath(st.from.nodes[t.alt].path)
	if t.element >= 0 {
		path += "[" + strconv.Itoa(t.element) + "]"
	}
	return path, rawOf(m, &t.span)
}

// repeated is told of a value that its list holds already: it lost against the
// one that stands there.
func (t *trace) repeated(m *Mapper, f *field, st *step, value string) {
	list := t.eventPath(f.path) + "["
	source, raw := t.from(m, st)
	for i := range t.values {
		if v := &t.values[i]; strings.HasPrefix(v.Path, list) && v.Value == value {
			v.Lost = append(v.Lost, Lost{st.rule, source, raw, value, "the list has the value already"})
		}
	}
}

// rawOf answers the JSON of a value as it stands in the record.
func rawOf(m *Mapper, sp *span) string {
	if sp.kind == spanString {
		return string(m.rec[sp.beg-1 : sp.end+1])
	}
	return string(m.rec[sp.beg:sp.end])
}

// Explain maps one record and says where everything in its event comes from. It
// runs the plan that Map runs.
func (p *Parser) Explain(record []byte) *Explanation {
	m := p.NewMapper()
	t := &trace{}
	m.watch = &watch{trace: t}
	event, err := m.Map(nil, record)
	x := &Explanation{Event: event, Unread: t.unread}
	m.rec = record
	if err != nil {
		errors.As(err, &x.Reject)
		if x.Reject.Code != CodeTimestamp {
			return x
		}
		// All else that the event would have held is worth knowing.
		m.run(m.plan.event, 0)
	}
	x.Values, m.watch = t.values, nil
	for _, d := range p.plan.decisions {
		if len(d.arms) > 0 && !d.item {
			x.Decisions = append(x.Decisions, m.explainDecision(d))
		}
	}
	return x
}

// lost answers what the field could have got instead. It must be asked while the
// value is written: the slots of an element that is read again are gone after.
func (m *Mapper) lost(o origin) []Lost {
	if o.field.shape != shapeSingle {
		return nil
	}
	watched := m.watch
	m.watch = nil
	defer func() { m.watch = watched }()
	var out []Lost
	past := false
	for _, st := range o.field.steps {
		if len(st.loops) != len(o.step.loops) {
			continue
		}
		for i, slot := range st.from.slots {
			sp := m.spans[o.frame+int(slot)]
			if st == o.step && i == o.alt {
				past = true
				continue
			}
			if !past || !sp.scalar() || !m.guardsHold(st, o.frame) {
				continue
			}
			if v, ok := m.wouldGive(st, &sp); ok {
				why := "an earlier source of the rule has a value"
				if st != o.step {
					why = "an earlier rule has a value"
				}
				out = append(out, Lost{st.rule, st.from.nodes[i].path, rawOf(m, &sp), v, why})
			}
		}
	}
	return out
}

func (m *Mapper) guardsHold(st *step, frame int) bool {
	for _, g := range st.guards {
		if m.decide(g.when, frame) != 0 {
			return false
		}
	}
	return true
}

// wouldGive answers the JSON that a step makes of a value.
func (m *Mapper) wouldGive(st *step, sp *span) (string, bool) {
	t := m.text(sp)
	if !st.from.plain {
		var ok bool
		if t, ok = m.transform(st, t); !ok {
			return "", false
		}
	}
	mark := len(m.dst)
	m.write(t)
	v := string(m.dst[mark:])
	m.dst = m.dst[:mark]
	return v, true
}

func (m *Mapper) explainDecision(d *decision) ExplainedDecision {
	x := ExplainedDecision{What: d.what, Pos: d.arms[0].text.Pos, Taken: m.decide(d, 0)}
	for i := range d.arms {
		arm := &d.arms[i]
		a := ExplainedArm{Expression: arm.text.Value, Pos: arm.text.Pos, Result: "true"}
		if d == m.plan.eventType {
			a.Gives = m.plan.types[i].text
		}
		if x.Taken >= 0 && i > x.Taken {
			a.Result = "not asked"
		} else if arm.program != nil {
			a.Result = m.result(arm)
		}
		for _, v := range arm.vars {
			a.Operands = appendOperand(a.Operands, Operand{v.label(), shown(m.read(v, 0).Value())})
		}
		x.Arms = append(x.Arms, a)
	}
	return x
}

func (m *Mapper) result(arm *decisionArm) string {
	got, _, err := arm.program.Eval(&activation{m: m, arm: arm})
	if err != nil {
		return "false (" + err.Error() + ")"
	}
	return strconv.FormatBool(got == types.True)
}

func appendOperand(all []Operand, o Operand) []Operand {
	for _, known := range all {
		if known == o {
			return all
		}
	}
	return append(all, o)
}

// label answers a variable as it is written in an expression.
func (v *variable) label() string {
	if v.kind == readPresence || v.kind == readUDMHas {
		return "has(" + v.shown + ")"
	}
	return v.shown
}

// shown writes a value as an expression would have it: texts are quoted, those in
// lists and maps too.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case ref.Val:
		return shown(v.Value())
	case []any:
		return shownList(v)
	case []ref.Val:
		return shownList(v)
	case map[string]any:
		var members []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			members = append(members, strconv.Quote(key)+": "+shown(v[key]))
		}
		return "{" + strings.Join(members, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func shownList[T any](all []T) string {
	var elements []string
	for _, v := range all {
		elements = append(elements, shown(v))
	}
	return "[" + strings.Join(elements, ", ") + "]"
}
