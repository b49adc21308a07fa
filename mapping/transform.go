package mapping

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/udm"
)

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
	if err != nil {
		c.regexError(err, t.Value, t.At)
		return nil
	}
	return p
}

// regexError reports a bad pattern at its place in the pattern; at answers the
// place of a byte of it.
func (c *compiler) regexError(err error, pattern string, at func(int) Pos) {
	var bad *syntax.Error
	if !errors.As(err, &bad) {
		c.errorf(at(0), "bad regexp: %v", err)
		return
	}
	e := c.errorf(at(max(0, strings.Index(pattern, bad.Expr))), "bad regexp: %s", bad.Code)
	if bad.Expr != "" {
		e.Msg += fmt.Sprintf(": %q", bad.Expr)
	}
	switch {
	case strings.HasPrefix(bad.Expr, "(?"):
		e.Hint = "patterns are RE2: no look-around, no back-references"
	case bad.Code == syntax.ErrInvalidEscape && strings.Trim(bad.Expr, `\123456789`) == "":
		e.Hint = "patterns are RE2: no back-references"
	}
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
