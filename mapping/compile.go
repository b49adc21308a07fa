package mapping

import (
	"fmt"
	"io/fs"
	"path"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping/rules"
	"github.com/asa2udm/asa2udm/udm"
)

// Options changes what Compile makes of a rule file. The zero value is right for
// most.
type Options struct {
	// JSONNames writes lowerCamelCase names (eventType), as Google's own output
	// has them. The default is the names of the schema (event_type).
	JSONNames bool
	// ReadFile finds the file that extends names. The default knows the shipped
	// rule packs only.
	ReadFile func(name string) ([]byte, error)
}

// Compile gives a rule file its sense: it checks every path against the UDM
// schema and every expression against its types, and makes the plan that Map
// runs. name stands in messages. All faults of the file are found in one run;
// the error is then an ErrorList.
func Compile(name string, src []byte, opts Options) (*Parser, error) {
	c := &compiler{opts: opts}
	rs := c.load(name, src)
	if c.broken() {
		// What could be read is compiled all the same, for the faults in it.
		c.compile(rs, newLayout(""))
		errs, _ := c.split()
		return nil, errs
	}
	pl := c.compile(rs, newLayout(""))
	errs, warnings := c.split()
	if len(errs) > 0 {
		return nil, errs
	}
	return &Parser{plan: pl, ruleset: rs, warnings: warnings, jsonNames: opts.JSONNames}, nil
}

// ReadPack answers a shipped rule pack by its file name, such as "asa.yaml".
func ReadPack(name string) ([]byte, error) {
	b, err := fs.ReadFile(rules.FS, name)
	if err != nil {
		return nil, fmt.Errorf("no shipped rule pack %q: %w", name, fs.ErrNotExist)
	}
	return b, nil
}

// Packs answers the file names of the shipped rule packs, sorted.
func Packs() []string {
	names, _ := fs.Glob(rules.FS, "*.yaml")
	return names
}

// compiler holds what is known while a rule file is compiled.
type compiler struct {
	faults
	opts   Options
	plan   *plan
	out    *outMessage // the event
	blocks map[string]*Block
	used   map[string]bool // blocks some rule uses
	inUse  []string        // blocks being expanded, to refuse recursion
	cel    *celCompiler
	fields int
	memos  map[memoKey]int
}

func (c *compiler) broken() bool {
	for _, e := range c.list {
		if !e.Warning {
			return true
		}
	}
	return false
}

// maxExtends bounds a chain of files that extend each other.
const maxExtends = 16

// load reads a rule file and, below it, the files it extends.
func (c *compiler) load(name string, src []byte) *Ruleset {
	return c.loadChain(name, src, maxExtends)
}

func (c *compiler) loadChain(name string, src []byte, depth int) *Ruleset {
	rs := parse(&c.faults, name, src)
	if !rs.Extends.given() {
		return rs
	}
	if depth == 0 {
		c.errorf(rs.Extends.Pos, "more than %d files extend each other", maxExtends)
		return rs
	}
	file, base, err := c.readBase(name, rs.Extends.Value)
	if err != nil {
		c.errorf(rs.Extends.Pos, "cannot read the file to extend: %v", err).Hint =
			hintOf(rs.Extends.Value, Packs(), "a path relative to this file, or one of: ")
		return rs
	}
	return c.extend(c.loadChain(file, base, depth-1), rs)
}

// readBase finds the file an extends names: beside the file that says so, or
// among the shipped packs.
func (c *compiler) readBase(from, name string) (file string, src []byte, err error) {
	if c.opts.ReadFile != nil {
		file = name
		if !path.IsAbs(name) {
			file = path.Join(path.Dir(from), name)
		}
		if src, err = c.opts.ReadFile(file); err == nil {
			return file, src, nil
		}
	}
	packed, packErr := ReadPack(name)
	if packErr != nil && err != nil {
		return file, nil, err
	}
	return name, packed, packErr
}

// extend answers the rules of base with those of ext on top.
func (c *compiler) extend(base, ext *Ruleset) *Ruleset {
	rs := *base
	rs.Name, rs.Extends = ext.Name, Text{}
	if ext.LogType.given() {
		rs.LogType = ext.LogType
	}
	rs.Constants = mergePairs(base.Constants, ext.Constants)
	rs.Conditions = mergePairs(base.Conditions, ext.Conditions)
	rs.Blocks = slices.Clone(base.Blocks)
	for _, b := range ext.Blocks {
		if i := slices.IndexFunc(rs.Blocks, func(o *Block) bool { return o.Name.Value == b.Name.Value }); i >= 0 {
			rs.Blocks[i] = b
		} else {
			rs.Blocks = append(rs.Blocks, b)
		}
	}
	if len(ext.EventType) > 0 {
		rs.EventType, rs.EventTypes = ext.EventType, ext.EventTypes
	}
	rs.Mappings = c.extendRules(base.Mappings, ext)
	return &rs
}

func mergePairs(base, ext []Pair) []Pair {
	out := slices.Clone(base)
	for _, p := range ext {
		if i := slices.IndexFunc(out, func(o Pair) bool { return o.Key.Value == p.Key.Value }); i >= 0 {
			out[i] = p
		} else {
			out = append(out, p)
		}
	}
	return out
}

// extendRules answers the base's rules without those that ext removes, with
// those that ext replaces in their old place, and with ext's others at the end.
func (c *compiler) extendRules(base []*Rule, ext *Ruleset) []*Rule {
	gone := make(map[*Rule]bool)
	instead := make(map[*Rule]*Rule)
	for _, name := range ext.Remove {
		if r := c.baseRule(base, name); r != nil {
			gone[r] = true
		}
	}
	var added []*Rule
	for _, r := range ext.Mappings {
		if len(r.Replaces) == 0 {
			added = append(added, r)
		}
		for i, name := range r.Replaces {
			old := c.baseRule(base, name)
			switch {
			case old == nil:
			case instead[old] != nil || gone[old]:
				c.errorf(name.Pos, "the rule %q is replaced or removed twice", name.Value)
			case i == 0:
				instead[old] = r
			default:
				gone[old] = true
			}
		}
	}
	var out []*Rule
	for _, r := range base {
		if n := instead[r]; n != nil {
			out = append(out, n)
		} else if !gone[r] {
			out = append(out, r)
		}
	}
	return append(out, added...)
}

// baseRule finds the one rule that name stands for.
func (c *compiler) baseRule(base []*Rule, name Text) *Rule {
	var found []*Rule
	var ids []string
	for _, r := range base {
		ids = append(ids, r.ID())
		if r.ID() == name.Value {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		c.errorf(name.Pos, "the extended file has no rule %q", name.Value).Hint = hintOf(name.Value, ids, "")
		return nil
	case 1:
		return found[0]
	}
	c.errorf(name.Pos, "the extended file has %d rules %q", len(found), name.Value).Hint =
		fmt.Sprintf("give them names of their own; the second is at %s", found[1].Pos)
	return nil
}

// compile makes the plan of a rule set, which looks at records through a layout.
// What is wrong is added to the faults.
func (c *compiler) compile(rs *Ruleset, root *layout) *plan {
	c.plan = &plan{root: root}
	c.out = &outMessage{typ: udm.Event()}
	c.memos = make(map[memoKey]int)
	c.blocks, c.used = make(map[string]*Block), make(map[string]bool)
	for _, b := range rs.Blocks {
		c.blocks[b.Name.Value] = b
	}
	c.cel = newCELCompiler(c, rs.Conditions)
	top := scope{layout: c.plan.root, node: c.plan.root.node, out: c.out}
	c.constants(rs, top)
	for _, r := range rs.Mappings {
		c.rule(r, top)
	}
	c.eventTypes(rs, top)
	c.unusedBlocks(rs)
	c.timestampRule(rs)
	c.conflicts(c.out)
	c.plan.event = c.program(c.out)
	c.plan.fields = c.fields
	for _, f := range fieldsBelow(c.plan.event, timestampPath, nil) {
		c.plan.timestamp = f
	}
	c.cel.finish()
	c.plan.root.node.freeze(new(int32))
	return c.plan
}

// scope is where a rule stands: which value its source paths start from and
// which message its target paths start from.
type scope struct {
	layout *layout
	node   *node
	loops  []loop
	guards []guard
	out    *outMessage
	item   bool    // an element or the object of a block is at hand
	uses   []*Rule // the rules that use the blocks at hand, outermost first
}

func (c *compiler) constants(rs *Ruleset, top scope) {
	for _, p := range rs.Constants {
		c.rule(&Rule{Pos: p.Key.Pos, Value: p.Value, To: []Text{p.Key}}, top)
	}
}

// rule compiles one rule.
func (c *compiler) rule(r *Rule, sc scope) {
	if !c.form(r) {
		return
	}
	if r.Each.given() {
		n := c.source(r.Each, sc)
		if n == nil {
			return
		}
		elements := n.elements()
		sc.loops = append(slices.Clone(sc.loops), loop{list: n.slot, skip: int32(r.Skip), node: n})
		sc.layout, sc.node, sc.item = elements, elements.node, true
	}
	if r.Use.given() && len(r.From) > 0 {
		// The block's object: its rules see the paths below it.
		if n := c.source(r.From[0], sc); n != nil {
			sc.node, sc.item = n, true
		}
	}
	if r.When.given() {
		d := c.cel.when(r.When, sc)
		sc.guards = append(slices.Clone(sc.guards), guard{level: len(sc.loops), when: d})
	}
	if r.Use.given() {
		c.use(r, sc)
		return
	}
	for _, to := range r.To {
		c.target(r, to, sc)
	}
}

// form checks which keys of a rule go together. It reports whether the rule can
// be compiled any further.
func (c *compiler) form(r *Rule) bool {
	before := len(c.list)
	sources := 0
	for _, has := range []bool{len(r.From) > 0 || r.Each.given(), r.Value.given()} {
		if has {
			sources++
		}
	}
	switch {
	case sources == 0 && !r.Use.given():
		c.errorf(r.Pos, "the rule has no source").Hint = "give it from, each or value"
	case r.Value.given() && len(r.From) > 0:
		c.errorf(r.Value.Pos, "value and from exclude each other").Hint = "write two rules, the second with a when"
	}
	if len(r.To) == 0 && !r.Use.given() {
		c.errorf(r.Pos, "the rule has no target").Hint = "give it to: with a UDM path"
	}
	if r.Skip > 0 && !r.Each.given() {
		c.errorf(r.Pos, "skip without each")
	}
	if r.Use.given() {
		c.formUse(r)
	}
	if r.Value.given() {
		for _, t := range []struct {
			key string
			pos Pos
		}{{"extract", r.Extract.Pos}, {"match", firstArm(r)}, {"format", r.Format.Pos}} {
			if t.pos.Line > 0 {
				c.errorf(t.pos, "%s on a constant value", t.key)
			}
		}
	}
	return len(c.list) == before
}

func (c *compiler) formUse(r *Rule) {
	for _, t := range []struct {
		key string
		pos Pos
	}{{"value", r.Value.Pos}, {"extract", r.Extract.Pos}, {"match", firstArm(r)}, {"format", r.Format.Pos},
		{"time", r.Time.Pos}, {"label", r.Label.Pos}} {
		if t.pos.Line > 0 {
			c.errorf(t.pos, "%s does not go with use", t.key).Hint = "put it on the rules of the block"
		}
	}
	if len(r.From) > 1 {
		c.errorf(r.From[1].Pos, "use takes one from").Hint = "write a rule for each"
	}
	if len(r.To) > 1 {
		c.errorf(r.To[1].Pos, "use takes one to").Hint = "write a rule for each"
	}
}

func firstArm(r *Rule) Pos {
	if len(r.Match) == 0 {
		return Pos{}
	}
	return r.Match[0].Pos
}

// source finds the node for a source path.
func (c *compiler) source(t Text, sc scope) *node {
	segments, at, ok := splitPath(t.Value)
	if !ok {
		c.errorf(t.At(at), "empty segment in source path %q", t.Value).Hint = `a dot inside a key is written \.`
		return nil
	}
	return sc.layout.find(sc.node, segments)
}

// use compiles the rules of a block in the place where it is used.
func (c *compiler) use(r *Rule, sc scope) {
	name := r.Use.Value
	b := c.blocks[name]
	if b == nil {
		var names []string
		for n := range c.blocks {
			names = append(names, n)
		}
		slices.Sort(names)
		c.errorf(r.Use.Pos, "unknown block %q", name).Hint = hintOf(name, names, "blocks: ")
		return
	}
	c.used[name] = true
	if slices.Contains(c.inUse, name) {
		c.errorf(r.Use.Pos, "the block %q uses itself", name)
		return
	}
	c.inUse = append(c.inUse, name)
	defer func() { c.inUse = c.inUse[:len(c.inUse)-1] }()
	sc.uses = append(slices.Clone(sc.uses), r)
	if len(r.To) == 0 {
		c.blockRules(b, sc)
		return
	}
	p := c.lookup(r.To[0], sc.out)
	if p == nil {
		return
	}
	leaf := p.Leaf()
	if leaf.Kind != udm.MessageKind {
		c.errorf(r.To[0].Pos, "use wants a message, and %s is a %s", p, leaf.Kind)
		return
	}
	if !leaf.Repeated {
		sc.out = sc.out.message(p)
		c.blockRules(b, sc)
		return
	}
	list := sc.out.message(p[:len(p)-1]).leaf(leaf)
	element := &outMessage{typ: leaf.Message(), path: list.path}
	list.runs = append(list.runs, contribution{rule: r, element: element,
		step: &step{rule: r, uses: sc.uses[:len(sc.uses)-1], first: true, loops: sc.loops, guards: sc.guards}})
	sc.out, sc.loops, sc.guards = element, nil, nil
	c.blockRules(b, sc)
	c.conflicts(element)
}

func (c *compiler) blockRules(b *Block, sc scope) {
	for _, r := range b.Rules {
		c.rule(r, sc)
	}
}

func (c *compiler) unusedBlocks(rs *Ruleset) {
	for _, b := range rs.Blocks {
		if !c.used[b.Name.Value] {
			c.errorf(b.Name.Pos, "the block %q is never used", b.Name.Value).Hint = "remove it, or name it in a use"
		}
	}
}

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
	pe, ok := err.(*udm.PathError)
	if !ok {
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
	if p.String() == "metadata.event_type" && sc.out == c.out {
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

// sourceOf compiles where a rule's value comes from, for one target.
func (c *compiler) sourceOf(r *Rule, leaf *udm.Field, sh shape, list bool, sc scope, s *source) bool {
	before := len(c.list)
	s.list, s.time = list, r.Time.Value
	if sh == shapeSingle || sh == shapeList {
		s.convert = conversionOf(leaf)
	}
	if r.Time.given() && s.convert != toTimestamp {
		c.errorf(r.Time.Pos, "time on a %s", leaf.Kind).Hint = "time goes with a timestamp target"
	}
	switch {
	case r.Value.given():
		s.constant = c.constant(r.Value, leaf, s.convert, r.Time.Value)
	case len(r.From) == 0:
		// The element is the value; an element that is a list itself is none.
		s.list, sc.node.read = false, true
		s.slots, s.nodes = []int32{sc.node.slot}, []*node{sc.node}
	default:
		for _, from := range r.From {
			if n := c.source(from, sc); n != nil {
				n.read = true
				s.slots, s.nodes = append(s.slots, n.slot), append(s.nodes, n)
			}
		}
	}
	s.extract = c.extractor(r)
	s.arms = c.arms(r, leaf, s.convert)
	c.format(r, s)
	s.plain = s.constant == nil && s.extract.kind == extractNone && len(s.arms) == 0 && !r.Format.given() && s.convert == toString
	if !s.plain && s.constant == nil {
		s.memo = c.memo(r, s.convert, leaf)
	}
	return !c.brokenSince(before)
}

// memoKey is what the outcome of a rule's transforms depends on beside the value.
type memoKey struct {
	rule    *Rule
	convert conversion
	kind    udm.Kind
	enum    *udm.Enum
}

// memo gives the steps of one rule that come to the same outcome a place to keep
// it.
func (c *compiler) memo(r *Rule, conv conversion, leaf *udm.Field) int {
	key := memoKey{r, conv, leaf.Kind, leaf.Enum()}
	id, ok := c.memos[key]
	if !ok {
		id = len(c.memos)
		c.memos[key] = id
		c.plan.memos = len(c.memos)
	}
	return id
}

func (c *compiler) brokenSince(n int) bool {
	return slices.ContainsFunc(c.list[n:], func(e *Error) bool { return !e.Warning })
}

func conversionOf(f *udm.Field) conversion {
	switch f.Kind {
	case udm.Int32, udm.Uint32, udm.Float, udm.Double:
		return toNumber
	case udm.Int64, udm.Uint64:
		return toWideNumber
	case udm.Bool:
		return toBool
	case udm.Bytes:
		return toBytes
	case udm.EnumKind:
		return toEnum
	case udm.Timestamp:
		return toTimestamp
	case udm.Duration:
		return toDuration
	}
	return toString
}

// constant checks a fixed value against its field's type.
func (c *compiler) constant(t Text, leaf *udm.Field, conv conversion, timeFormat string) *constant {
	text := strings.ToValidUTF8(t.Value, "\uFFFD")
	json, ok := appendConverted(nil, []byte(text), conv, leaf, timeFormat)
	if !ok {
		e := c.errorf(t.Pos, "%q is no %s", t.Value, typeName(leaf))
		if conv == toEnum {
			e.Msg = fmt.Sprintf("%q is no value of %s", t.Value, leaf.Enum().Name)
			e.Hint = enumHint(t.Value, leaf.Enum())
		}
	}
	return &constant{text, json}
}

func typeName(f *udm.Field) string {
	switch f.Kind {
	case udm.Timestamp:
		return "timestamp (RFC 3339 with a zone)"
	case udm.Duration:
		return "duration (seconds with s, as in 3.5s)"
	}
	return f.Kind.String()
}

func enumHint(word string, e *udm.Enum) string {
	names := make([]string, len(e.Values))
	for i, v := range e.Values {
		names[i] = v.Name
	}
	if len(names) > 12 {
		return hintOf(word, names, "")
	}
	return hintOf(word, names, "values: ")
}

func (c *compiler) regex(t Text) *pattern {
	p, err := newPattern(t.Value)
	if err == nil {
		return p
	}
	e := c.errorf(t.Pos, "bad regexp: %v", err)
	if se, ok := err.(*syntax.Error); ok {
		e.Msg = fmt.Sprintf("bad regexp: %s", se.Code)
		if i := strings.Index(t.Value, se.Expr); i >= 0 && se.Expr != "" {
			e.Pos = t.At(i)
			e.Msg = fmt.Sprintf("bad regexp: %s: %q", se.Code, se.Expr)
		}
		if strings.HasPrefix(se.Expr, "(?") {
			e.Hint = "patterns are RE2: no look-around, no back-references"
		}
	}
	return nil
}

func (c *compiler) extractor(r *Rule) extractor {
	switch r.Extract.Kind {
	case "ip":
		return extractor{kind: extractIP}
	case "version":
		return extractor{kind: extractVersion}
	case "regex":
		re := c.regex(r.Extract.Regex)
		if re == nil {
			return extractor{}
		}
		groups := re.re.NumSubexp()
		if groups > 1 {
			c.errorf(r.Extract.Regex.Pos, "the pattern has %d groups, and at most one is taken", groups).Hint =
				"write (?:...) for a group that is not taken"
		}
		return extractor{kind: extractRegex, regex: re, group: min(1, groups)}
	}
	return extractor{}
}

func (c *compiler) arms(r *Rule, leaf *udm.Field, conv conversion) []arm {
	var out []arm
	for i, a := range r.Match {
		compiled := arm{id: c.plan.arms, index: i, any: !a.Regex.given() && !a.Equals.given(), equals: a.Equals.Value}
		if a.Regex.given() {
			compiled.regex = c.regex(a.Regex)
		}
		if a.Value.given() && !r.Format.given() {
			compiled.value = *c.constant(a.Value, leaf, conv, r.Time.Value)
		} else {
			compiled.value.text = a.Value.Value
		}
		if why := unreachable(r.Match[:i], a); why != "" {
			c.errorf(a.Pos, "the match arm is never reached: %s", why).Hint = "first match wins; move it up, or remove it"
		}
		out = append(out, compiled)
		c.plan.arms++
	}
	return out
}

func (c *compiler) format(r *Rule, s *source) {
	if !r.Format.given() {
		return
	}
	before, after, ok := strings.Cut(r.Format.Value, "{value}")
	if !ok || strings.Contains(after, "{value}") {
		c.errorf(r.Format.Pos, "format %q wants {value} once", r.Format.Value)
	}
	s.prefix, s.suffix = []byte(before), []byte(after)
}

// eventTypeRule stands for event_type where a rule is asked for.
func (c *compiler) eventTypeRule(rs *Ruleset) *Rule {
	return &Rule{Pos: rs.EventTypes, Name: Text{Value: "event_type", Pos: rs.EventTypes}}
}

const timestampPath = "metadata.event_timestamp"

// timestampRule asks for a rule that gives every event its time.
func (c *compiler) timestampRule(rs *Ruleset) {
	m := c.out.messages["metadata"]
	if m == nil || m.leaves["event_timestamp"] == nil {
		pos := Pos{rs.Name, 1, 1}
		if len(rs.Mappings) > 0 {
			pos = rs.Mappings[0].Pos
		}
		c.errorf(pos, "no rule writes metadata.event_timestamp").Hint = "{from: timestamp, to: metadata.event_timestamp}"
	}
}

// eventTypes compiles the arms that give the event its type.
func (c *compiler) eventTypes(rs *Ruleset, top scope) {
	if len(rs.EventType) == 0 {
		if rs.EventTypes.Line > 0 {
			c.errorf(rs.EventTypes, "event_type has no arm")
		}
		return
	}
	p, _ := udm.Lookup("metadata.event_type")
	leaf := p.Leaf()
	var whens []Text
	for i, a := range rs.EventType {
		last := i == len(rs.EventType)-1
		switch {
		case !a.When.given() && !last:
			c.errorf(a.Pos, "the arm without when is not the last one").Hint = "the arms after it are never reached"
		case a.When.given() && last:
			c.errorf(a.Pos, "the last arm of event_type has a when").Hint = "end with {is: GENERIC_EVENT}, so that every event has a type"
		}
		if a.Is.given() {
			c.plan.types = append(c.plan.types, *c.constant(a.Is, leaf, toEnum, ""))
		}
		whens = append(whens, a.When)
	}
	c.plan.eventType = c.cel.eventType(whens, top)
	out := c.out.message(p[:1]).leaf(leaf)
	out.shape = shapeSingle
	out.writes = append(out.writes, contribution{step: &step{rule: c.eventTypeRule(rs)}})
}
