package lint

import (
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// write is one rule writing one field, blocks expanded.
type write struct {
	rule    *mapping.Rule
	to      mapping.Text
	path    string // from the event, in the names of the schema
	field   *udm.Field
	chain   udm.Path      // from the message of the block; from the event elsewhere
	guards  []*expr       // all must hold
	element *mapping.Rule // the use that opens a list element of its own; nil for the shared one
	sources []string      // of the record, in full
}

// place is where a list of rules stands.
type place struct {
	source  []string // segments of the record in front of source paths
	target  string   // path of the event in front of target paths, with its dot
	message *udm.Message
	guards  []*expr
	element *mapping.Rule
	blocks  []string // being expanded
}

// model expands the rules into writes and gathers what conditions read.
func (l *linter) model() {
	l.paths = &pathNode{}
	top := place{message: udm.Event()}
	for _, c := range l.rules.Constants {
		l.rule(&mapping.Rule{Pos: c.Key.Pos, Value: c.Value, To: []mapping.Text{c.Key}}, top)
	}
	for _, r := range l.rules.Mappings {
		l.rule(r, top)
	}
	for _, c := range l.rules.Conditions {
		l.readsOf(l.exprs.parse(c.Value), top)
	}
	for _, a := range l.rules.EventType {
		if has(a.When) {
			l.readsOf(l.exprs.parse(a.When), top)
		}
	}
}

// has reports whether a text stands in the file.
func has(t mapping.Text) bool { return t.Pos.Line > 0 }

func (l *linter) rule(r *mapping.Rule, at place) {
	if has(r.Each) {
		at.source = l.source(r.Each, at.source)
		at.source = append(slices.Clip(at.source), "*")
	}
	if has(r.Use) && len(r.From) > 0 {
		at.source = l.source(r.From[0], at.source)
	}
	if has(r.When) {
		e := l.exprs.parse(r.When)
		l.readsOf(e, at)
		at.guards = append(slices.Clip(at.guards), e)
	}
	if has(r.Use) {
		l.use(r, at)
		return
	}
	var sources []string
	for _, from := range r.From {
		sources = append(sources, strings.Join(l.source(from, at.source), "."))
	}
	if len(r.From) == 0 && has(r.Each) {
		sources = append(sources, strings.Join(at.source, "."))
	}
	for _, to := range r.To {
		if p := lookup(at.message, to.Value); p != nil {
			l.writes = append(l.writes, &write{rule: r, to: to, path: at.target + p.String(), field: p.Leaf(),
				chain: p, guards: at.guards, element: at.element, sources: sources})
		}
	}
}

// use expands a block.
func (l *linter) use(r *mapping.Rule, at place) {
	name := r.Use.Value
	i := slices.IndexFunc(l.rules.Blocks, func(b *mapping.Block) bool { return b.Name.Value == name })
	if i < 0 || slices.Contains(at.blocks, name) {
		return
	}
	at.blocks = append(slices.Clip(at.blocks), name)
	if len(r.To) > 0 {
		p := lookup(at.message, r.To[0].Value)
		if p == nil || p.Leaf().Message() == nil {
			return
		}
		at.target += p.String() + "."
		at.message = p.Leaf().Message()
		if p.Leaf().Repeated {
			at.element = r
		}
	}
	for _, rule := range l.rules.Blocks[i].Rules {
		l.rule(rule, at)
	}
}

// lookup resolves a target path, or answers nil.
func lookup(m *udm.Message, to string) udm.Path {
	if struc, ok := strings.CutSuffix(to, ".fields"); ok {
		if p, err := m.Lookup(struc); err == nil && p.Leaf().Kind == udm.Struct {
			return p
		}
	}
	p, err := m.Lookup(to)
	if err != nil {
		return nil
	}
	return p
}

// source answers the segments of a source path in full, and notes that it is
// read.
func (l *linter) source(t mapping.Text, before []string) []string {
	segments := slices.Concat(before, splitPath(t.Value))
	l.paths.add(segments, t, len(before))
	return segments
}

// splitPath takes a source path apart.
func splitPath(path string) []string {
	var segments []string
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path):
			i++
			b.WriteByte(path[i])
		case path[i] == '.':
			segments = append(segments, b.String())
			b.Reset()
		default:
			b.WriteByte(path[i])
		}
	}
	return append(segments, b.String())
}

// readsOf notes which paths an expression reads itself, named conditions left
// to themselves.
func (l *linter) readsOf(e *expr, at place) {
	for _, r := range e.ownReads() {
		l.reads = append(l.reads, r)
		switch r.root {
		case "log":
			l.paths.add(r.segments, r.text, 0)
		case "item":
			l.paths.add(slices.Concat(at.source, r.segments), r.text, len(at.source))
		}
	}
}

// covers reports whether a write fills the field at path, or something in it.
func (w *write) covers(path string) bool { return within(w.path, path) }

// within reports whether path is outer, or a field in it.
func within(path, outer string) bool {
	return path == outer || strings.HasPrefix(path, outer+".")
}

// constant reports whether the write gives every event its value.
func (w *write) constant() bool {
	return has(w.rule.Value) && len(w.guards) == 0 && w.element == nil && !has(w.rule.Each)
}
