package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/asa2udm/asa2udm/udm"
)

// Parse reads a rule file as written, without giving it sense: paths,
// expressions and patterns are not looked at. name stands in messages. The
// error is an ErrorList.
func Parse(name string, src []byte) (*Ruleset, error) {
	var f faults
	rs := parse(&f, name, src)
	if errs, _ := f.split(); len(errs) > 0 {
		return nil, errs
	}
	return rs, nil
}

// parse reads src and adds what is wrong with it to f. What could be read is in
// the answer, so that later stages may find more faults in the same run.
func parse(f *faults, name string, src []byte) *Ruleset {
	f.addSource(name, src)
	p := &fileParser{faults: f, rs: &Ruleset{Name: name}, lines: f.files[name]}
	var doc yaml.Node
	if err := yaml.Load(src, &doc, yaml.WithV4Defaults()); err != nil {
		p.yamlError(err)
		p.rs.unread = true
		return p.rs
	}
	p.file(doc.Content[0])
	return p.rs
}

// fileParser turns the YAML nodes of one file into a Ruleset.
type fileParser struct {
	*faults
	rs    *Ruleset
	lines []string
}

// yamlError reports where the YAML itself is broken.
func (p *fileParser) yamlError(err error) {
	pos := Pos{File: p.rs.Name, Line: 1, Col: 1}
	var list *yaml.LoadErrors
	if errors.As(err, &list) && len(list.Errors) > 0 {
		err = list.Errors[0]
	}
	var one *yaml.LoadError
	if !errors.As(err, &one) {
		p.errorf(pos, "not YAML: %v", err)
		return
	}
	if one.Mark.Line > 0 {
		pos.Line, pos.Col = one.Mark.Line, p.byteCol(one.Mark.Line, one.Mark.Column)
	}
	switch msg := strings.TrimPrefix(one.Message, "yaml: "); msg {
	case "no documents in stream":
		p.errorf(pos, "the rule file is empty").Hint = "a rule file has log_type, mappings and event_type; see docs/rules.md"
	case "expected single document, found multiple":
		p.errorf(p.secondDocument(), "more than one YAML document").Hint = "remove the line ---"
	default:
		p.errorf(pos, "not YAML: %s", msg)
	}
}

// secondDocument answers the place of the line that starts the second document.
func (p *fileParser) secondDocument() Pos {
	content := false
	for i, line := range p.lines {
		if strings.HasPrefix(line, "---") && content {
			return Pos{p.rs.Name, i + 1, 1}
		}
		trimmed := strings.TrimSpace(line)
		content = content || trimmed != "" && !strings.HasPrefix(trimmed, "#")
	}
	return Pos{p.rs.Name, 1, 1}
}

// byteCol turns a column counted in characters into one counted in bytes.
func (p *fileParser) byteCol(line, col int) int {
	if line < 1 || line > len(p.lines) {
		return col
	}
	b := 0
	for range col - 1 {
		_, size := utf8.DecodeRuneInString(p.lines[line-1][b:])
		b += size
	}
	return b + 1
}

func (p *fileParser) pos(n *yaml.Node) Pos {
	return Pos{p.rs.Name, n.Line, p.byteCol(n.Line, n.Column)}
}

// resolve follows an alias to the node it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// kindName names what a node is, for messages.
func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "nothing"
	}
	return "a text"
}

// text reads a scalar.
func (p *fileParser) text(n *yaml.Node, what string) Text {
	n = resolve(n)
	pos := p.pos(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.errorf(pos, "%s wants a text, got %s", what, kindName(n))
		return Text{}
	}
	return Text{n.Value, pos, &scalar{p.rs.Name, p.lines, n, pos.Line, pos.Col}}
}

// nonEmpty reads a scalar that may not be the empty text.
func (p *fileParser) nonEmpty(n *yaml.Node, what string) Text {
	t := p.text(n, what)
	if t.given() && t.Value == "" {
		p.errorf(t.Pos, "%s is empty", what)
		return Text{}
	}
	return t
}

// texts reads a scalar or a list of scalars.
func (p *fileParser) texts(n *yaml.Node, what string) []Text {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		return given(p.nonEmpty(n, what))
	}
	if len(n.Content) == 0 {
		p.errorf(p.pos(n), "%s is an empty list", what)
	}
	var out []Text
	for _, c := range n.Content {
		out = append(out, given(p.nonEmpty(c, what))...)
	}
	return out
}

func given(t Text) []Text {
	if !t.given() {
		return nil
	}
	return []Text{t}
}

// list reads a list and hands each element to each.
func (p *fileParser) list(n *yaml.Node, what string, each func(*yaml.Node)) {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		p.errorf(p.pos(n), "%s wants a list, got %s", what, kindName(n))
		return
	}
	for _, c := range n.Content {
		each(resolve(c))
	}
}

// member is one key of a mapping and what reads its value.
type member struct {
	key  string
	read func(key, value *yaml.Node)
}

// members reads a mapping with a fixed set of keys.
func (p *fileParser) members(n *yaml.Node, what string, set []member) {
	known := make([]string, len(set))
	for i, m := range set {
		known[i] = m.key
	}
	p.pairs(n, what, func(key Text, kn, vn *yaml.Node) {
		i := slices.Index(known, key.Value)
		if i < 0 {
			p.errorf(key.Pos, "unknown key %q in %s", key.Value, what).Hint = hintOf(key.Value, known, "keys here: ")
			return
		}
		set[i].read(kn, vn)
	})
}

// hintOf answers "did you mean", or all that is known where nothing is near.
func hintOf(word string, known []string, otherwise string) string {
	if near := udm.Nearest(word, known); len(near) > 0 {
		return fmt.Sprintf("did you mean %q?", near[0])
	}
	if len(known) == 0 || otherwise == "" {
		return ""
	}
	return otherwise + strings.Join(known, ", ")
}

// pairs reads a mapping with any keys; a repeated key is a fault.
func (p *fileParser) pairs(n *yaml.Node, what string, read func(key Text, kn, vn *yaml.Node)) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		p.errorf(p.pos(n), "%s wants a mapping, got %s", what, kindName(n))
		return
	}
	first := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := p.text(n.Content[i], "a key")
		if !key.given() {
			continue
		}
		if line, dup := first[key.Value]; dup {
			p.errorf(key.Pos, "%s has the key %q twice", what, key.Value).Hint = fmt.Sprintf("it stands in line %d already", line)
			continue
		}
		first[key.Value] = key.Pos.Line
		read(key, n.Content[i], n.Content[i+1])
	}
}

// file reads the whole document.
func (p *fileParser) file(n *yaml.Node) {
	rs := p.rs
	p.members(n, "a rule file", []member{
		{"extends", func(_, v *yaml.Node) { rs.Extends = p.nonEmpty(v, "extends") }},
		{"remove", func(_, v *yaml.Node) { rs.Remove = p.texts(v, "remove") }},
		{"log_type", func(_, v *yaml.Node) { rs.LogType = p.nonEmpty(v, "log_type") }},
		{"constants", func(_, v *yaml.Node) { rs.Constants = p.textPairs(v, "constants") }},
		{"mappings", func(_, v *yaml.Node) { rs.Mappings = p.rules(v, "mappings") }},
		{"blocks", func(_, v *yaml.Node) { p.blocks(v) }},
		{"conditions", func(_, v *yaml.Node) { rs.Conditions = p.textPairs(v, "conditions") }},
		{"event_type", func(k, v *yaml.Node) { rs.EventTypes = p.pos(k); p.eventType(v) }},
	})
	rs.unread = n.Kind != yaml.MappingNode
	if rs.unread || rs.Extends.given() || hasKey(n, "extends") {
		return
	}
	start := Pos{rs.Name, 1, 1}
	if !hasKey(n, "log_type") {
		p.errorf(start, "log_type is missing").Hint = "log_type: OKTA_SCALEFT, or whatever Google SecOps calls the log"
	}
	if rs.EventTypes.Line == 0 {
		p.errorf(start, "event_type is missing").Hint = "event_type: GENERIC_EVENT is the least"
	}
	p.noBase(rs)
}

// noBase refuses what only makes sense on top of another file.
func (p *fileParser) noBase(rs *Ruleset) {
	const hint = "add extends: with the file to build on"
	if len(rs.Remove) > 0 {
		p.errorf(rs.Remove[0].Pos, "remove without extends").Hint = hint
	}
	for _, r := range rs.Mappings {
		if len(r.Replaces) > 0 {
			p.errorf(r.Replaces[0].Pos, "replaces without extends").Hint = hint
		}
	}
}

func (p *fileParser) textPairs(n *yaml.Node, what string) []Pair {
	var out []Pair
	p.pairs(n, what, func(key Text, _, vn *yaml.Node) {
		if value := p.nonEmpty(vn, key.Value); value.given() {
			out = append(out, Pair{key, value})
		}
	})
	return out
}

func (p *fileParser) blocks(n *yaml.Node) {
	p.pairs(n, "blocks", func(key Text, _, vn *yaml.Node) {
		b := &Block{key, p.rules(vn, "a block")}
		p.rs.Blocks = append(p.rs.Blocks, b)
		for _, r := range b.Rules {
			if len(r.Replaces) > 0 {
				p.errorf(r.Replaces[0].Pos, "replaces in a block").Hint = "write the whole block anew: it replaces the one of the extended file"
			}
		}
	})
}

func (p *fileParser) rules(n *yaml.Node, what string) []*Rule {
	var out []*Rule
	p.list(n, what, func(c *yaml.Node) {
		r := &Rule{Pos: p.pos(c)}
		before := len(p.faults.list)
		p.rule(c, r)
		r.faulty = len(p.faults.list) > before
		out = append(out, r)
	})
	return out
}

func (p *fileParser) rule(n *yaml.Node, r *Rule) {
	p.members(n, "a rule", []member{
		{"name", func(_, v *yaml.Node) { r.Name = p.nonEmpty(v, "name") }},
		{"replaces", func(_, v *yaml.Node) { r.Replaces = p.texts(v, "replaces") }},
		{"row", func(_, v *yaml.Node) { r.Row = p.texts(v, "row") }},
		{"from", func(_, v *yaml.Node) { r.From = p.texts(v, "from") }},
		{"each", func(_, v *yaml.Node) { r.Each = p.nonEmpty(v, "each") }},
		{"skip", func(_, v *yaml.Node) { r.Skip = p.count(v, "skip") }},
		{"value", func(_, v *yaml.Node) { r.Value = p.nonEmpty(v, "value") }},
		{"extract", func(_, v *yaml.Node) { r.Extract = p.extract(v) }},
		{"match", func(_, v *yaml.Node) { r.Match = p.match(v) }},
		{"format", func(_, v *yaml.Node) { r.Format = p.nonEmpty(v, "format") }},
		{"time", func(_, v *yaml.Node) { r.Time = p.oneOf(v, "time", timeFormats) }},
		{"to", func(_, v *yaml.Node) { r.To = p.texts(v, "to") }},
		{"label", func(_, v *yaml.Node) { r.Label = p.nonEmpty(v, "label") }},
		{"use", func(_, v *yaml.Node) { r.Use = p.nonEmpty(v, "use") }},
		{"when", func(_, v *yaml.Node) { r.When = p.nonEmpty(v, "when") }},
	})
}

// oneOf reads a word out of a fixed set.
func (p *fileParser) oneOf(n *yaml.Node, what string, words []string) Text {
	t := p.nonEmpty(n, what)
	if t.given() && !slices.Contains(words, t.Value) {
		p.errorf(t.Pos, "unknown %s %q", what, t.Value).Hint = hintOf(t.Value, words, "one of: ")
		return Text{}
	}
	return t
}

func (p *fileParser) count(n *yaml.Node, what string) int {
	t := p.text(n, what)
	if !t.given() {
		return 0
	}
	i, err := strconv.Atoi(t.Value)
	if err != nil || i < 0 {
		p.errorf(t.Pos, "%s wants a number from 0, got %q", what, t.Value)
		return 0
	}
	return i
}

func (p *fileParser) extract(n *yaml.Node) Extract {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		t := p.oneOf(n, "extract", []string{"ip", "version"})
		return Extract{Pos: t.Pos, Kind: t.Value}
	}
	x := Extract{Pos: p.pos(n)}
	p.members(n, "extract", []member{
		{"regex", func(_, v *yaml.Node) { x.Regex = p.nonEmpty(v, "regex") }},
	})
	if x.Regex.given() {
		x.Kind = "regex"
	} else if len(n.Content) == 0 {
		p.errorf(x.Pos, "extract is empty").Hint = "extract: ip, extract: version, or extract: {regex: '...'}"
	}
	return x
}

func (p *fileParser) match(n *yaml.Node) []MatchArm {
	var out []MatchArm
	p.list(n, "match", func(c *yaml.Node) {
		arm := MatchArm{Pos: p.pos(c)}
		p.members(c, "a match arm", []member{
			{"regex", func(_, v *yaml.Node) { arm.Regex = p.nonEmpty(v, "regex") }},
			{"equals", func(_, v *yaml.Node) { arm.Equals = p.nonEmpty(v, "equals") }},
			{"value", func(_, v *yaml.Node) { arm.Value = p.nonEmpty(v, "value") }},
		})
		out = append(out, arm)
		if arm.Regex.given() && arm.Equals.given() {
			p.errorf(arm.Pos, "a match arm has regex and equals").Hint = "write two arms"
		}
		if c.Kind == yaml.MappingNode && !arm.Value.given() && !hasKey(c, "value") {
			p.errorf(arm.Pos, "a match arm has no value").Hint = "{regex: '...', value: X}"
		}
	})
	if len(out) == 0 && resolve(n).Kind == yaml.SequenceNode {
		p.errorf(p.pos(n), "match is an empty list")
	}
	return out
}

func hasKey(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (p *fileParser) eventType(n *yaml.Node) {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode {
		p.rs.EventType = []EventTypeArm{{Pos: p.pos(n), Is: p.nonEmpty(n, "event_type")}}
		return
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.errorf(p.pos(n), "event_type is an empty list").Hint = "event_type: GENERIC_EVENT is the least"
	}
	p.list(n, "event_type", func(c *yaml.Node) {
		arm := EventTypeArm{Pos: p.pos(c)}
		p.members(c, "an event_type arm", []member{
			{"when", func(_, v *yaml.Node) { arm.When = p.nonEmpty(v, "when") }},
			{"is", func(_, v *yaml.Node) { arm.Is = p.nonEmpty(v, "is") }},
			{"row", func(_, v *yaml.Node) { arm.Row = p.texts(v, "row") }},
		})
		if c.Kind != yaml.MappingNode {
			return
		}
		p.rs.EventType = append(p.rs.EventType, arm)
		if !hasKey(c, "is") {
			p.errorf(arm.Pos, "an event_type arm has no is").Hint = "{when: ..., is: USER_LOGIN}"
		}
	})
}
