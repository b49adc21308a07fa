package lint

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/asa2udm/asa2udm/mapping"
)

// expr is a condition as logic sees it: and, or and not over leaves, with named
// conditions in place. Anything else CEL has is a leaf.
type expr struct {
	op    op
	sub   []*expr
	name  string      // the named condition it stands for, or ""
	text  string      // of a leaf, in one spelling for one meaning
	value *equality   // of a leaf that compares with a fixed text
	reads []read      // of a leaf
	calls []call      // of a leaf: functions that look into a text
	risky bool        // of a leaf: it may fail when it runs, and then is false either way
	pos   mapping.Pos // where it begins
}

type op uint8

const (
	opLeaf op = iota
	opTrue
	opFalse
	opNot
	opAnd
	opOr
)

// equality is operand == "value".
type equality struct{ operand, value string }

// read is one path that an expression reads.
type read struct {
	root     string   // log, item, udm, event_type, or a condition's name
	segments []string // behind the root
	present  bool     // only whether it is there: has(...)
	text     mapping.Text
	at       int // offset in text
}

func (r read) path() string { return strings.Join(r.segments, ".") }

// call is a function on a text with a fixed text as its argument.
type call struct {
	function string // matches, contains, startsWith, endsWith
	argument string
	text     mapping.Text
	at       int // offset of the argument in text
}

// exprParser reads conditions.
type exprParser struct {
	env   *cel.Env
	named map[string]mapping.Text
	done  map[mapping.Pos]*expr
}

func newExprParser(conditions []mapping.Pair) (*exprParser, error) {
	env, err := cel.NewEnv(ext.Strings())
	if err != nil {
		return nil, err
	}
	p := &exprParser{env, make(map[string]mapping.Text), make(map[mapping.Pos]*expr)}
	for _, c := range conditions {
		p.named[c.Key.Value] = c.Value
	}
	return p, nil
}

// parse reads a condition. What is no CEL cannot come here, because the file
// compiles; it would be a leaf nothing is known of. A condition that depends on
// itself does not compile either, so the recursion through names ends. The
// answer is kept, and must not be changed.
func (p *exprParser) parse(t mapping.Text) *expr {
	if e := p.done[t.Pos]; e != nil {
		return e
	}
	e := &expr{text: t.Value, risky: true, pos: t.Pos}
	if parsed, issues := p.env.Parse(t.Value); issues.Err() == nil {
		b := builder{p, t, parsed.NativeRep().SourceInfo()}
		e = b.build(parsed.NativeRep().Expr())
	}
	p.done[t.Pos] = e
	return e
}

// builder turns one expression into an expr.
type builder struct {
	*exprParser
	text mapping.Text
	info *ast.SourceInfo
}

func (b *builder) build(e ast.Expr) *expr {
	out := b.shape(e)
	out.pos = b.text.At(b.start(e))
	return out
}

func (b *builder) shape(e ast.Expr) *expr {
	switch e.Kind() {
	case ast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Bool); ok {
			return &expr{op: truthOp(bool(v))}
		}
	case ast.IdentKind:
		if t, ok := b.named[e.AsIdent()]; ok {
			named := *b.parse(t)
			named.name = e.AsIdent()
			return &named
		}
	case ast.CallKind:
		if out := b.operator(e.AsCall()); out != nil {
			return out
		}
	}
	return b.leaf(e)
}

func truthOp(v bool) op {
	if v {
		return opTrue
	}
	return opFalse
}

// operator builds what is no leaf, or answers nil.
func (b *builder) operator(c ast.CallExpr) *expr {
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		out := &expr{op: opAnd}
		if c.FunctionName() == operators.LogicalOr {
			out.op = opOr
		}
		for _, a := range args {
			s := b.build(a)
			if s.op == out.op && s.name == "" {
				out.sub = append(out.sub, s.sub...)
			} else {
				out.sub = append(out.sub, s)
			}
		}
		return out
	case operators.LogicalNot:
		return &expr{op: opNot, sub: []*expr{b.build(args[0])}}
	case operators.Equals:
		return b.equals(args[0], args[1])
	case operators.NotEquals:
		if eq := b.equals(args[0], args[1]); eq != nil {
			return &expr{op: opNot, sub: []*expr{eq}}
		}
	case operators.In:
		return b.oneOf(args[0], args[1])
	}
	return nil
}

// equals builds a comparison with a fixed text, or answers nil.
func (b *builder) equals(x, y ast.Expr) *expr {
	if _, ok := stringOf(x); ok {
		x, y = y, x
	}
	value, ok := stringOf(y)
	if !ok {
		return nil
	}
	if fixed, ok := stringOf(x); ok {
		return &expr{op: truthOp(fixed == value), pos: b.text.At(b.start(x))}
	}
	operand := b.print(x)
	out := b.leaf(x)
	out.text = operand + " == " + strconv.Quote(value)
	out.value = &equality{operand, value}
	out.pos = b.text.At(b.start(x))
	return out
}

// oneOf builds x in ["a", "b"], or answers nil.
func (b *builder) oneOf(x, list ast.Expr) *expr {
	if list.Kind() != ast.ListKind {
		return nil
	}
	out := &expr{op: opOr}
	for _, el := range list.AsList().Elements() {
		eq := b.equals(x, el)
		if eq == nil || eq.value == nil {
			return nil
		}
		out.sub = append(out.sub, eq)
	}
	if len(out.sub) == 0 {
		return &expr{op: opFalse}
	}
	return out
}

func stringOf(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

func (b *builder) leaf(e ast.Expr) *expr {
	out := &expr{text: b.print(e)}
	b.walk(e, nil, out)
	return out
}

// print answers an expression in canonical form.
func (b *builder) print(e ast.Expr) string {
	s, err := cel.ExprToString(e, b.info)
	if err != nil {
		return strconv.FormatInt(e.ID(), 10) + "@" + b.text.Pos.String()
	}
	return s
}

// walk gathers what a leaf reads and calls. bound holds the names that macros
// define.
func (b *builder) walk(e ast.Expr, bound []string, out *expr) {
	if root, segments, test, ok := chain(e); ok && !slices.Contains(bound, root.AsIdent()) {
		if name := root.AsIdent(); b.known(name) {
			out.reads = append(out.reads, read{name, segments, test, b.text, b.start(root)})
			return
		}
	}
	switch e.Kind() {
	case ast.SelectKind:
		b.walk(e.AsSelect().Operand(), bound, out)
	case ast.CallKind:
		b.walkCall(e.AsCall(), bound, out)
	case ast.ListKind:
		for _, el := range e.AsList().Elements() {
			b.walk(el, bound, out)
		}
	case ast.MapKind:
		for _, en := range e.AsMap().Entries() {
			b.walk(en.AsMapEntry().Key(), bound, out)
			b.walk(en.AsMapEntry().Value(), bound, out)
		}
	case ast.ComprehensionKind:
		x := e.AsComprehension()
		b.walk(x.IterRange(), bound, out)
		inner := append(slices.Clone(bound), x.IterVar(), x.AccuVar(), x.IterVar2())
		for _, part := range []ast.Expr{x.AccuInit(), x.LoopCondition(), x.LoopStep(), x.Result()} {
			b.walk(part, inner, out)
		}
	}
}

func (b *builder) known(name string) bool {
	_, condition := b.named[name]
	return condition || slices.Contains([]string{"log", "item", "udm", "event_type"}, name)
}

func (b *builder) walkCall(c ast.CallExpr, bound []string, out *expr) {
	name := c.FunctionName()
	if c.IsMemberFunction() {
		b.walk(c.Target(), bound, out)
	}
	lookup := slices.Contains([]string{"matches", "contains", "startsWith", "endsWith"}, name)
	out.risky = out.risky || !lookup && !slices.Contains([]string{"size", "lowerAscii", "upperAscii", "trim"}, name)
	for i, a := range c.Args() {
		b.walk(a, bound, out)
		if s, ok := stringOf(a); ok && lookup && i == len(c.Args())-1 {
			out.calls = append(out.calls, call{name, s, b.text, b.start(a)})
		}
	}
}

// chain takes a path such as log.a["b"][0].c apart. test says that it stands in
// has().
func chain(e ast.Expr) (root ast.Expr, segments []string, test, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e, nil, false, true
	case ast.SelectKind:
		s := e.AsSelect()
		root, segments, inner, ok := chain(s.Operand())
		return root, append(segments, s.FieldName()), s.IsTestOnly(), ok && !inner
	case ast.CallKind:
		c := e.AsCall()
		if c.FunctionName() != operators.Index || c.Args()[1].Kind() != ast.LiteralKind {
			return nil, nil, false, false
		}
		root, segments, inner, ok := chain(c.Args()[0])
		switch k := c.Args()[1].AsLiteral().(type) {
		case types.String:
			return root, append(segments, string(k)), false, ok && !inner
		case types.Int:
			return root, append(segments, strconv.FormatInt(int64(k), 10)), false, ok && !inner
		}
	}
	return nil, nil, false, false
}

// start answers the byte offset in the text at which an expression begins. CEL
// keeps the place of an operator, so the operands are asked, too, and the place
// of the parenthesis of a call, so its name is sought before that.
func (b *builder) start(e ast.Expr) int {
	first := -1
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(x ast.Expr) {
		if r, ok := b.info.GetOffsetRange(x.ID()); ok && r.Stop > 0 && (first < 0 || int(r.Start) < first) {
			first = int(r.Start)
		}
	}))
	at := byteOffset(b.text.Value, max(first, 0))
	if at < len(b.text.Value) && b.text.Value[at] == '(' {
		at = len(strings.TrimRightFunc(b.text.Value[:at], func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }))
	}
	return at
}

// byteOffset turns an offset in characters into one in bytes.
func byteOffset(text string, characters int) int {
	at := 0
	for range characters {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}

// ownReads answers what an expression reads, named conditions as reads of their
// own.
func (e *expr) ownReads() []read {
	var out []read
	e.visit(func(x *expr) bool {
		if x.name != "" {
			return false
		}
		out = append(out, x.reads...)
		return true
	})
	return out
}

// visit calls f for e and what is in it, for as long as f answers true.
func (e *expr) visit(f func(*expr) bool) {
	if !f(e) {
		return
	}
	for _, s := range e.sub {
		s.visit(f)
	}
}
