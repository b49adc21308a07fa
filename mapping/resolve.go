package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/asa2udm/asa2udm/udm"
)

// resolver replaces the paths in one expression by variables.
type resolver struct {
	cc    *celCompiler
	text  Text
	scope scope
	info  *ast.SourceInfo
	vars  []*variable
}

// expr resolves the paths in e. bound holds the names that macros define, and
// list says that e is used as a list.
func (r *resolver) expr(e ast.Expr, bound []string, list bool) {
	if root, segments, test, ok := chain(e); ok && !slices.Contains(bound, root.AsIdent()) && !indexesEvent(e, root) {
		if r.path(e, root, segments, test, list) {
			return
		}
	}
	switch e.Kind() {
	case ast.SelectKind:
		r.expr(e.AsSelect().Operand(), bound, false)
	case ast.CallKind:
		r.call(e.AsCall(), bound)
	case ast.ListKind:
		for _, el := range e.AsList().Elements() {
			r.expr(el, bound, false)
		}
	case ast.MapKind:
		for _, en := range e.AsMap().Entries() {
			r.expr(en.AsMapEntry().Key(), bound, false)
			r.expr(en.AsMapEntry().Value(), bound, false)
		}
	case ast.ComprehensionKind:
		x := e.AsComprehension()
		r.expr(x.IterRange(), bound, true)
		inner := append(slices.Clone(bound), x.IterVar(), x.AccuVar())
		if x.HasIterVar2() {
			inner = append(inner, x.IterVar2())
		}
		for _, part := range []ast.Expr{x.AccuInit(), x.LoopCondition(), x.LoopStep(), x.Result()} {
			r.expr(part, inner, false)
		}
	}
}

// indexesEvent reports whether e is an element of a list of the event: the list is
// a path then, and the position is not part of it.
func indexesEvent(e, root ast.Expr) bool {
	return root.AsIdent() == "udm" && e.Kind() == ast.CallKind && e.AsCall().Args()[1].AsLiteral().Type() == types.IntType
}

func (r *resolver) call(call ast.CallExpr, bound []string) {
	if call.FunctionName() == "matches" && len(call.Args()) > 0 {
		r.pattern(call.Args()[len(call.Args())-1])
	}
	if call.IsMemberFunction() {
		r.sized(call.Target(), bound, call.FunctionName())
	}
	for i, arg := range call.Args() {
		switch {
		case call.FunctionName() == operators.In && i == 1:
			r.expr(arg, bound, true)
		default:
			r.sized(arg, bound, call.FunctionName())
		}
	}
}

// pattern checks a pattern that is written out.
func (r *resolver) pattern(e ast.Expr) {
	if e.Kind() != ast.LiteralKind {
		return
	}
	text, ok := e.AsLiteral().(types.String)
	if !ok {
		return
	}
	if _, err := regexp.Compile(string(text)); err != nil {
		from := r.offset(e)
		if i := strings.Index(r.text.Value[from:], string(text)); i >= 0 && i <= len(`r"""`) {
			from += i
			r.cc.c.regexError(err, string(text), func(i int) Pos { return r.text.At(from + i) })
			return
		}
		// With escapes in it, no byte of the pattern has a place of its own.
		r.cc.c.regexError(err, string(text), func(int) Pos { return r.text.At(from) })
	}
}

// sized resolves an operand of a function. What size() is taken of may be a text
// or a list.
func (r *resolver) sized(e ast.Expr, bound []string, function string) {
	root, segments, test, ok := chain(e)
	if function == "size" && ok && !test && len(segments) > 0 && !slices.Contains(bound, root.AsIdent()) &&
		(root.AsIdent() == "log" || root.AsIdent() == "item") {
		r.record(e, root, segments, readAny, types.DynType)
		return
	}
	r.expr(e, bound, false)
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
		call := e.AsCall()
		if call.FunctionName() != operators.Index {
			return nil, nil, false, false
		}
		key := call.Args()[1]
		if key.Kind() != ast.LiteralKind {
			return nil, nil, false, false
		}
		root, segments, inner, ok := chain(call.Args()[0])
		switch k := key.AsLiteral().(type) {
		case types.String:
			return root, append(segments, string(k)), false, ok && !inner
		case types.Int:
			return root, append(segments, strconv.FormatInt(int64(k), 10)), false, ok && !inner && k >= 0
		}
	}
	return nil, nil, false, false
}

// path replaces one path by a variable. It reports whether there is nothing more
// to resolve in it.
func (r *resolver) path(e, root ast.Expr, segments []string, test, list bool) bool {
	name := root.AsIdent()
	switch name {
	case "item":
		// An element that is a scalar has no path: it is the item itself.
	case "log", "udm":
		if len(segments) == 0 {
			r.errorf(root, "%s needs a path", name).Hint = name + ".some.field"
			return true
		}
	case "event_type":
		if len(segments) > 0 {
			return false
		}
		r.eventType(e)
		return true
	default:
		if d := r.cc.conditions[name]; d != nil && len(segments) == 0 {
			r.use(e, &variable{shown: name, kind: readCondition, typ: types.BoolType, inner: d})
			return true
		}
		return false
	}
	if name == "udm" {
		r.event(e, root, segments, test)
		return true
	}
	switch {
	case test:
		r.record(e, root, segments, readPresence, types.BoolType)
	case list:
		r.record(e, root, segments, readList, types.NewListType(types.DynType))
	default:
		r.record(e, root, segments, readText, types.StringType)
	}
	return true
}

// record makes a variable of a path of the record, or of the item at hand.
func (r *resolver) record(e, root ast.Expr, segments []string, kind variableKind, typ *cel.Type) {
	v := &variable{shown: strings.Join(slices.Insert(slices.Clone(segments), 0, root.AsIdent()), "."), kind: kind, typ: typ}
	if root.AsIdent() == "log" {
		l := r.cc.c.plan.root
		n := l.find(l.node, segments)
		n.read, v.slot = true, n.slot
		r.use(e, v)
		return
	}
	if !r.scope.item {
		r.errorf(root, "no item here").Hint = "item is the element of a rule with each, or the object a block is used on"
		return
	}
	n := r.scope.layout.find(r.scope.node, segments)
	n.read = true
	v.item, v.slot = true, n.slot
	r.use(e, v)
}

// event makes a variable of a path of the event.
func (r *resolver) event(e, root ast.Expr, segments []string, test bool) {
	path := strings.Join(segments, ".")
	p, err := udm.Lookup(path)
	if err != nil {
		r.cc.c.pathError(r.text, r.offset(root)+len("udm."), err)
		return
	}
	for i := range p {
		// additional.fields.k is the member k, as in the rules.
		p[i].Key = strings.TrimSuffix(strings.TrimPrefix(p[i].Key+".", "fields."), ".")
	}
	v := &variable{shown: "udm." + path, kind: readUDMHas, typ: types.BoolType, path: p.String()}
	if !test {
		if v.typ = eventType(p); v.typ == nil {
			r.errorf(root, "%s has no single value", path).Hint = fmt.Sprintf("ask for it with has(udm.%s)", path)
			return
		}
		v.kind = readUDM
	}
	r.use(e, v)
}

// eventType answers the CEL type of a field of the event, or nil where it can
// only be asked for with has().
func eventType(p udm.Path) *cel.Type {
	leaf := p.Leaf()
	if p[:len(p)-1].Repeated() != nil {
		return nil
	}
	var t *cel.Type
	switch leaf.Kind {
	case udm.MessageKind, udm.Struct, udm.Map:
		return nil
	case udm.Bool:
		t = types.BoolType
	case udm.Int32, udm.Int64, udm.Uint32, udm.Uint64:
		t = types.IntType
	case udm.Float, udm.Double:
		t = types.DoubleType
	default:
		t = types.StringType
	}
	if leaf.Repeated {
		return types.NewListType(t)
	}
	return t
}

func (r *resolver) eventType(e ast.Expr) {
	// The decision is known once the whole file is read; finish links it.
	r.use(e, &variable{shown: "event_type", kind: readEventType, typ: types.StringType})
}

// use puts a variable in the place of e.
func (r *resolver) use(e ast.Expr, v *variable) {
	cc := r.cc
	key := fmt.Sprintf("%d %s %t %d", v.kind, v.shown, v.item, v.slot)
	known := cc.vars[key]
	if known == nil || v.item {
		v.name = fmt.Sprintf("@%d", len(cc.order))
		cc.vars[key], known = v, v
		cc.order = append(cc.order, v)
	}
	r.vars = append(r.vars, known)
	e.SetKindCase(ast.NewExprFactory().NewIdent(e.ID(), known.name))
}

func (r *resolver) offset(e ast.Expr) int {
	return byteOffset(r.text.Value, r.info.GetStartLocation(e.ID()))
}

func (r *resolver) errorf(e ast.Expr, format string, args ...any) *Error {
	return r.cc.c.errorf(r.text.At(r.offset(e)), format, args...)
}
