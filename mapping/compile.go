package mapping

import (
	"fmt"
	"io/fs"
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
	return &Parser{plan: pl, ruleset: rs, warnings: warnings}, nil
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
	file   string // being compiled; those it extends are other ones
	opts   Options
	plan   *plan
	out    *outMessage // the event
	blocks map[string]*Block
	inUse  []string // blocks being expanded, to refuse recursion
	uses   int      // blocks that have been expanded
	cel    *celCompiler
	fields int
	memos  map[memoKey]int
	// A file to extend could not be read, so what is missing may stand there.
	incomplete bool
}

func (c *compiler) broken() bool {
	for _, e := range c.list {
		if !e.Warning {
			return true
		}
	}
	return false
}

// compile makes the plan of a rule set, which looks at records through a layout.
// What is wrong is added to the faults.
func (c *compiler) compile(rs *Ruleset, root *layout) *plan {
	c.plan = &plan{root: root}
	c.file = rs.Name
	c.out = &outMessage{typ: udm.Event()}
	c.memos = make(map[memoKey]int)
	c.blocks = make(map[string]*Block)
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
	c.plan.number(c.plan.event, true)
	c.plan.findDue()
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
	c.form(r)
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

// form checks which keys of a rule go together. A rule at fault is compiled all
// the same, for the other faults in it.
func (c *compiler) form(r *Rule) {
	sources := 0
	for _, has := range []bool{len(r.From) > 0 || r.Each.given(), r.Value.given()} {
		if has {
			sources++
		}
	}
	switch {
	case sources == 0 && !r.Use.given() && !r.faulty:
		c.errorf(r.Pos, "the rule has no source").Hint = "give it from, each or value"
	case r.Value.given() && len(r.From) > 0:
		c.errorf(r.Value.Pos, "value and from exclude each other").Hint = "write two rules, the second with a when"
	}
	if len(r.To) == 0 && !r.Use.given() && !r.faulty {
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
	switch {
	case !ok && at < len(t.Value) && t.Value[at] == '\\':
		c.errorf(t.At(at), "the source path %q ends in a backslash", t.Value).Hint = `a backslash inside a key is written \\`
		return nil
	case !ok:
		c.errorf(t.At(at), "empty segment in source path %q", t.Value).Hint = `a dot inside a key is written \.`
		return nil
	}
	if at, hint := oddPath(t.Value); hint != "" {
		c.errorf(t.At(at), "%q is no source path", t.Value).Hint = hint
		return nil
	}
	return sc.layout.find(sc.node, segments)
}

// oddPath finds what is of another path language, where it would only ever look
// for a key of that very name. A backslash makes it one.
func oddPath(path string) (at int, hint string) {
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '\\':
			i++
		case '[', ']':
			return i, `a position is written a.0.b; a bracket inside a key \[`
		}
	}
	if i := strings.Index("."+path+".", ".*."); i >= 0 {
		return i, `each: goes through a list; a key that is a star is written \*`
	}
	switch trimmed := strings.TrimSpace(path); {
	case strings.HasPrefix(path, "$."):
		return 0, `a path begins with its first key; a key that is a dollar sign is written \$`
	case trimmed != path:
		return 0, "remove the space around it"
	}
	return 0, ""
}

// maxUses bounds how often blocks are expanded: a few that use each other twice
// would come to millions.
const maxUses = 10_000

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
		if !c.incomplete {
			c.errorf(r.Use.Pos, "unknown block %q", name).Hint = hintOf(name, names, "blocks: ")
		}
		return
	}
	if slices.Contains(c.inUse, name) {
		c.errorf(r.Use.Pos, "the block %q uses itself", name)
		return
	}
	if c.uses++; c.uses >= maxUses {
		if c.uses == maxUses {
			c.errorf(r.Use.Pos, "blocks that use blocks come to more than %d uses", maxUses)
		}
		return
	}
	c.inUse = append(c.inUse, name)
	defer func() { c.inUse = c.inUse[:len(c.inUse)-1] }()
	sc.item, sc.uses = true, append(slices.Clone(sc.uses), r)
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
	used := make(map[string]bool)
	c.markUsed(rs.Mappings, used)
	for _, b := range rs.Blocks {
		if !used[b.Name.Value] {
			c.errorf(b.Name.Pos, "the block %q is never used", b.Name.Value).Hint = "remove it, or name it in a use"
		}
	}
}

// markUsed notes the blocks that rules name, whatever else may be wrong with
// the rules.
func (c *compiler) markUsed(rules []*Rule, used map[string]bool) {
	for _, r := range rules {
		name := r.Use.Value
		if b := c.blocks[name]; b != nil && !used[name] {
			used[name] = true
			c.markUsed(b.Rules, used)
		}
	}
}
