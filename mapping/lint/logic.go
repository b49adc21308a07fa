package lint

import (
	"slices"
	"strings"
)

// same reports whether two expressions are written alike.
func same(x, y *expr) bool {
	if x.op != y.op || len(x.sub) != len(y.sub) || x.text != y.text {
		return false
	}
	for i := range x.sub {
		if !same(x.sub[i], y.sub[i]) {
			return false
		}
	}
	return true
}

// implies reports whether y is certainly true where x is. False means that
// nothing is known.
func implies(x, y *expr) bool {
	if x.op == opFalse || y.op == opTrue || same(x, y) {
		return true
	}
	each := func(s *expr) bool { return implies(x, s) }
	switch {
	case x.op == opOr:
		return all(x.sub, func(s *expr) bool { return implies(s, y) })
	case y.op == opAnd:
		return all(y.sub, each)
	case y.op == opOr && slices.ContainsFunc(y.sub, each):
		return true
	case x.op == opAnd:
		return slices.ContainsFunc(x.sub, func(s *expr) bool { return implies(s, y) })
	case y.op == opNot:
		return exclusive(x, y.sub[0]) && !y.sub[0].fails()
	}
	return impliesLeaf(x, y)
}

// impliesLeaf knows what a leaf says about has().
func impliesLeaf(x, y *expr) bool {
	if x.op != opLeaf || y.op != opLeaf {
		return false
	}
	want, ok := y.presence()
	if !ok {
		return false
	}
	if got, ok := x.presence(); ok {
		return got.root == want.root && got.root == "udm" && within(got.path(), want.path())
	}
	return x.value != nil && x.value.value != "" && len(x.reads) == 1 &&
		x.value.operand == x.reads[0].root+"."+x.reads[0].path() &&
		x.reads[0].root == want.root && x.reads[0].path() == want.path()
}

// presence answers the path of a leaf that is has(path).
func (e *expr) presence() (read, bool) {
	if e.op == opLeaf && e.value == nil && len(e.reads) == 1 && e.reads[0].present && strings.HasPrefix(e.text, "has(") {
		return e.reads[0], true
	}
	return read{}, false
}

// exclusive reports whether x and y are certainly never both true.
func exclusive(x, y *expr) bool {
	switch {
	case x.op == opFalse || y.op == opFalse:
		return true
	case x.op == opNot && implies(y, x.sub[0]), y.op == opNot && implies(x, y.sub[0]):
		return true
	case x.op == opOr:
		return all(x.sub, func(s *expr) bool { return exclusive(s, y) })
	case y.op == opOr:
		return all(y.sub, func(s *expr) bool { return exclusive(x, s) })
	case x.op == opAnd && slices.ContainsFunc(x.sub, func(s *expr) bool { return exclusive(s, y) }):
		return true
	case y.op == opAnd:
		return slices.ContainsFunc(y.sub, func(s *expr) bool { return exclusive(x, s) })
	}
	return x.value != nil && y.value != nil && x.value.operand == y.value.operand && x.value.value != y.value.value
}

// fails reports whether something in e may fail when it runs. It then counts as
// false, and so does its negation.
func (e *expr) fails() bool {
	risky := false
	e.visit(func(x *expr) bool { risky = risky || x.risky; return true })
	return risky
}

func all(list []*expr, f func(*expr) bool) bool {
	return !slices.ContainsFunc(list, func(e *expr) bool { return !f(e) })
}

// truth is what is known of a condition before any record is seen.
type truth uint8

const (
	unknown truth = iota
	always
	never
)

func (t truth) not() truth {
	switch t {
	case always:
		return never
	case never:
		return always
	}
	return unknown
}

// decide answers what is known of e, given what is known of its leaves.
func decide(e *expr, leaf func(*expr) truth) truth {
	switch e.op {
	case opTrue:
		return always
	case opFalse:
		return never
	case opNot:
		return decide(e.sub[0], leaf).not()
	case opAnd:
		return decideAnd(e, leaf)
	case opOr:
		return decideOr(e, leaf)
	}
	return leaf(e)
}

func decideAnd(e *expr, leaf func(*expr) truth) truth {
	out := always
	for i, s := range e.sub {
		switch decide(s, leaf) {
		case never:
			return never
		case unknown:
			out = unknown
		}
		if slices.ContainsFunc(e.sub[:i], func(o *expr) bool { return exclusive(o, s) }) {
			return never
		}
	}
	return out
}

func decideOr(e *expr, leaf func(*expr) truth) truth {
	out := never
	for i, s := range e.sub {
		switch decide(s, leaf) {
		case always:
			return always
		case unknown:
			out = unknown
		}
		if slices.ContainsFunc(e.sub[:i], func(o *expr) bool { return complement(o, s) }) {
			return always
		}
	}
	return out
}

// complement reports whether one of x and y is certainly true.
func complement(x, y *expr) bool {
	return !x.fails() && !y.fails() && (x.op == opNot && same(x.sub[0], y) || y.op == opNot && same(y.sub[0], x))
}

// ensures reports whether e can only be true where a leaf that satisfies f is.
// Otherwise way is one way to make e true without such a leaf.
func ensures(e *expr, f func(*expr) bool) (way []*expr, ok bool) {
	switch e.op {
	case opAnd:
		for _, s := range e.sub {
			w, ok := ensures(s, f)
			if ok {
				return nil, true
			}
			way = append(way, w...)
		}
	case opOr:
		for _, s := range e.sub {
			if way, ok = ensures(s, f); !ok {
				break
			}
		}
		if ok {
			return nil, true
		}
	default:
		if f(e) {
			return nil, true
		}
		way = []*expr{e}
	}
	if e.name != "" {
		return []*expr{e}, false
	}
	return way, false
}

// string answers an expression as people write it.
func (e *expr) string() string {
	switch {
	case e.name != "":
		return e.name
	case e.op == opTrue:
		return "true"
	case e.op == opFalse:
		return "false"
	case e.op == opNot:
		return "!" + e.sub[0].string()
	case e.op == opAnd:
		return joined(e.sub, " && ")
	case e.op == opOr:
		return "(" + joined(e.sub, " || ") + ")"
	}
	return e.text
}

func joined(list []*expr, sep string) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = e.string()
	}
	return strings.Join(texts, sep)
}
