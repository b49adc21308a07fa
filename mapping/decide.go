package mapping

import (
	"encoding/binary"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/tidwall/gjson"
)

// decide answers which arm of a decision holds, or -1. What does not read the item
// at hand is decided once per record; answers to the same question are remembered
// from record to record.
func (m *Mapper) decide(d *decision, frame int) int {
	if d.item && frame != 0 {
		return m.lookUp(d, frame)
	}
	if a := m.decided[d.id]; a != 0 {
		return int(a) - 2
	}
	a := m.lookUp(d, 0)
	m.decided[d.id] = int16(a) + 2
	return a
}

// eventType answers the event's type.
func (m *Mapper) eventType() *constant {
	return &m.plan.types[m.decide(m.plan.eventType, 0)]
}

// lastType answers the arm that gave the last record's event its type.
func (m *Mapper) lastType() int { return int(m.decided[m.plan.eventType.id]) - 2 }

// memo remembers the answers to a decision by all that they depend on.
type memo map[string]int16

const (
	maxMemo    = 1024 // answers per decision
	maxMemoKey = 256  // bytes a question may have to be remembered
)

// lookUp answers a decision from memory, or evaluates it.
func (m *Mapper) lookUp(d *decision, frame int) int {
	if m.plain {
		return m.evaluate(d, frame)
	}
	// Finding out what a decision depends on may ask for other decisions, which
	// write their questions behind this one.
	start := len(m.questions)
	worth := m.question(d, frame)
	known := m.memos[d.id]
	a, ok := known[string(m.questions[start:])]
	if !worth || !ok {
		question := m.questions[start:len(m.questions):len(m.questions)]
		a = int16(m.evaluate(d, frame))
		if worth {
			m.remember(d, question, a)
		}
	}
	m.questions = m.questions[:start]
	return int(a)
}

func (m *Mapper) remember(d *decision, question []byte, arm int16) {
	if known := m.memos[d.id]; known == nil || len(known) >= maxMemo {
		m.memos[d.id] = make(memo)
	}
	m.memos[d.id][string(question)] = arm
}

// question appends all that the answer depends on to m.questions. It reports
// whether that is worth remembering.
func (m *Mapper) question(d *decision, frame int) bool {
	start := len(m.questions)
	var flags uint64 // answers of has(), the first one highest
	count := 0
	for _, v := range d.reads {
		switch v.kind {
		case readText:
			if !m.questionText(&m.spans[m.frameOf(v, frame)+int(v.slot)]) {
				return false
			}
			continue
		case readEventType:
			arm := m.decide(m.plan.eventType, 0)
			m.questions = append(m.questions, byte(arm), byte(arm>>8))
			continue
		case readPresence, readUDMHas:
			flags = flags<<1 | m.flag(v, frame)
		default:
			return false
		}
		if count++; count%64 == 0 {
			m.questions = binary.LittleEndian.AppendUint64(m.questions, flags)
		}
	}
	m.questions = binary.LittleEndian.AppendUint64(m.questions, flags)
	return len(m.questions)-start <= maxMemoKey
}

// questionText appends a text of the record, unless it is too long.
func (m *Mapper) questionText(sp *span) bool {
	if !sp.scalar() {
		m.questions = append(m.questions, 0)
		return true
	}
	n := int(sp.end - sp.beg)
	if n > maxMemoKey {
		return false
	}
	// The token itself stands for its text, behind its length.
	m.questions = append(append(m.questions, byte(sp.kind), byte(n), byte(n>>8)), m.rec[sp.beg:sp.end]...)
	return true
}

// flag answers has() of a place of the record or the event: 1 or 0.
func (m *Mapper) flag(v *variable, frame int) uint64 {
	var has bool
	switch {
	case v.kind == readPresence:
		has = m.recordHas(v, frame)
	case v.kept == 0:
		has = m.eventHas(v)
	default:
		has = m.read(v, frame) == types.True
	}
	if has {
		return 1
	}
	return 0
}

func (m *Mapper) frameOf(v *variable, frame int) int {
	if v.item {
		return frame
	}
	return 0
}

// recordHas answers has() of a place in the record: something to copy, or a
// container that is not empty.
func (m *Mapper) recordHas(v *variable, frame int) bool {
	sp := &m.spans[m.frameOf(v, frame)+int(v.slot)]
	if sp.kind == spanObject || sp.kind == spanArray {
		first := byteAt(m.rec, space(m.rec, int(sp.beg)+1))
		return first != '}' && first != ']'
	}
	return sp.scalar()
}

// eventHas answers has() of a field or message of the event. Mostly it is enough
// to see that a value is there that is only copied.
func (m *Mapper) eventHas(v *variable) bool {
	fields := v.fields
	if !m.plain {
		for _, slot := range v.copies {
			if m.spans[slot].scalar() {
				return true
			}
		}
		fields = v.others
	}
	for _, f := range fields {
		if m.fieldState(f) == yes {
			return true
		}
	}
	for _, p := range v.parts {
		if holds(m.fieldValue(p.field), p.names) {
			return true
		}
	}
	return false
}

// holds reports whether a value, or an element of it, has something at the end
// of some names.
func holds(value gjson.Result, names []string) bool {
	found := false
	if value.IsArray() {
		value.ForEach(func(_, el gjson.Result) bool { found = holds(el, names); return !found })
		return found
	}
	if len(names) == 0 {
		return value.Exists()
	}
	value.ForEach(func(key, member gjson.Result) bool {
		found = key.String() == names[0] && holds(member, names[1:])
		return !found
	})
	return found
}

// evaluate asks CEL. An expression that fails counts as false.
func (m *Mapper) evaluate(d *decision, frame int) int {
	for i := range d.arms {
		arm := &d.arms[i]
		if arm.program == nil {
			return i
		}
		got, _, err := arm.program.Eval(&activation{m: m, arm: arm, frame: frame})
		if err == nil && got == types.True {
			return i
		}
	}
	return -1
}

// activation gives CEL the values of an arm's variables.
type activation struct {
	m     *Mapper
	arm   *decisionArm
	frame int
}

// Parent answers nil: there is nothing around an expression.
func (a *activation) Parent() cel.Activation { return nil }

// ResolveName answers the value of a variable.
func (a *activation) ResolveName(name string) (any, bool) {
	for _, v := range a.arm.vars {
		if v.name == name {
			return a.m.read(v, a.frame), true
		}
	}
	return nil, false
}

// read answers the value of a variable as CEL has it.
func (m *Mapper) read(v *variable, frame int) ref.Val {
	if v.kept == 0 || m.plain {
		return m.readNew(v, frame)
	}
	value := &m.readings[v.kept-1]
	if *value == nil {
		*value = m.readNew(v, frame)
	}
	return *value
}

func (m *Mapper) readNew(v *variable, frame int) ref.Val {
	switch v.kind {
	case readText:
		return types.String(m.spanText(m.frameOf(v, frame) + int(v.slot)))
	case readList:
		return m.recordList(m.frameOf(v, frame) + int(v.slot))
	case readAny:
		slot := m.frameOf(v, frame) + int(v.slot)
		if m.spans[slot].kind == spanArray {
			return m.recordList(slot)
		}
		return types.String(m.spanText(slot))
	case readPresence:
		return types.Bool(m.recordHas(v, frame))
	case readUDMHas:
		return types.Bool(m.eventHas(v))
	case readCondition:
		return types.Bool(m.decide(v.inner, 0) == 0)
	case readEventType:
		return types.String(m.eventType().text)
	}
	return m.readEvent(v)
}

func (m *Mapper) spanText(slot int) string {
	if sp := &m.spans[slot]; sp.scalar() {
		return string(m.text(sp).bytes)
	}
	return ""
}

// recordList answers a list of the record: scalars as text, objects as maps.
func (m *Mapper) recordList(slot int) ref.Val {
	sp := &m.spans[slot]
	if sp.kind != spanArray {
		return types.DefaultTypeAdapter.NativeToValue([]any{})
	}
	return types.DefaultTypeAdapter.NativeToValue(native(gjson.ParseBytes(m.rec[sp.beg:sp.end])))
}

// native turns a JSON value into what CEL adapts, by the rules for texts.
func native(r gjson.Result) any {
	switch {
	case r.IsArray():
		list := []any{}
		r.ForEach(func(_, el gjson.Result) bool { list = append(list, native(el)); return true })
		return list
	case r.IsObject():
		members := map[string]any{}
		r.ForEach(func(k, el gjson.Result) bool { members[k.String()] = native(el); return true })
		return members
	case r.Type == gjson.String && len(r.Raw) >= 2:
		return string(appendDecoded(nil, []byte(r.Raw[1:len(r.Raw)-1])))
	case r.Type == gjson.Null:
		return ""
	}
	return r.Raw
}

// readEvent answers the value of a field of the event.
func (m *Mapper) readEvent(v *variable) ref.Val {
	var value gjson.Result
	if len(v.fields) > 0 {
		value = m.fieldValue(v.fields[0])
	}
	return typed(value, v.typ)
}

// fieldValue answers the value of a field of the event.
func (m *Mapper) fieldValue(f *field) gjson.Result { return gjson.ParseBytes(m.fieldJSON(f)) }

// fieldJSON answers the JSON of a field of the event, nil where there is none. The
// field is written behind the event and taken off again, so the answer is good
// until something is written.
func (m *Mapper) fieldJSON(f *field) (value []byte) {
	mark := len(m.dst)
	if m.only(f) {
		value = m.dst[mark+len("{")+len(f.open[0]):]
	}
	m.dst = m.dst[:mark]
	return value
}

// typed turns a value of the event into the CEL value of its type; an absent one
// is the type's zero value.
func typed(r gjson.Result, t *cel.Type) ref.Val {
	switch t.Kind() {
	case types.BoolKind:
		return types.Bool(r.Bool())
	case types.IntKind:
		n, _ := strconv.ParseInt(r.String(), 10, 64)
		return types.Int(n)
	case types.DoubleKind:
		return types.Double(r.Float())
	case types.ListKind:
		elements := []ref.Val{}
		r.ForEach(func(_, el gjson.Result) bool {
			elements = append(elements, typed(el, t.Parameters()[0]))
			return true
		})
		return types.DefaultTypeAdapter.NativeToValue(elements)
	}
	return types.String(native(r).(string))
}
