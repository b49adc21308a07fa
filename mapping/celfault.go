package mapping

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"

	"github.com/asa2udm/asa2udm/udm"
)

// syntaxIssue reports where an expression cannot be read. What CEL finds behind the
// first such place mostly follows from it.
func (cc *celCompiler) syntaxIssue(t Text, iss *cel.Issues) {
	e := iss.Errors()[0]
	msg, hint := celMessage(e.Message)
	cc.c.errorf(t.At(byteOffset(t.Value, e.Location)), "%s", msg).Hint = hint
}

// issues reports what CEL says of the types in an expression.
func (cc *celCompiler) issues(t Text, iss *cel.Issues) {
	for _, e := range iss.Errors() {
		at := byteOffset(t.Value, e.Location)
		word, undeclared := quotedAfter(e.Message, "undeclared reference to ")
		function, overload := quotedAfter(e.Message, "found no matching overload for ")
		switch {
		case undeclared && strings.HasPrefix(t.Value[at:], "(") && strings.HasSuffix(t.Value[:at], word):
			if near := cc.unknownFunction(t, at-len(word), word); slices.Contains(macros, near) {
				return // the names that the macro defines would come next
			}
		case undeclared:
			cc.unknownName(t, at, word)
		case overload:
			cc.badOperands(t, at, function, e.Message)
		case strings.HasPrefix(e.Message, "expected type 'bool' but found "):
			got := strings.Trim(strings.TrimPrefix(e.Message, "expected type 'bool' but found "), "'")
			cc.c.errorf(t.At(at), "true or false is wanted here, got %s", got).Hint = operandHint("(" + got + ")")
		default:
			cc.c.errorf(t.At(at), "%s", strings.TrimSuffix(e.Message, "."))
		}
	}
}

func (cc *celCompiler) unknownName(t Text, at int, word string) {
	known := append([]string{"log", "udm", "event_type"}, cc.names...)
	e := cc.c.errorf(t.At(at), "unknown name %q", word)
	e.Hint = hintOf(word, known, "names: ")
	if strings.HasPrefix(t.Value[at:], word+".") {
		// What a path begins with.
		e.Hint = hintOf(word, []string{"log", "udm", "item"}, "paths begin with: ")
	} else if near := udm.Nearest(word, cc.names); len(near) == 0 && isIdentifier(word) {
		e.Hint = fmt.Sprintf("a field of the record is written log.%s; names: %s", word, strings.Join(known, ", "))
	}
}

// macros are the functions that name their elements.
var macros = []string{"all", "exists", "exists_one", "filter", "map"}

// unknownFunction reports a function that is none and answers the nearest.
func (cc *celCompiler) unknownFunction(t Text, at int, word string) string {
	known := append([]string{"has"}, macros...)
	for name := range cc.env.Functions() {
		if isIdentifier(name) {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	cc.c.errorf(t.At(at), "unknown function %q", word).Hint = hintOf(word, known, "functions: ")
	return append(udm.Nearest(word, known), "")[0]
}

// badOperands reports a function or operator that does not take what it is given.
func (cc *celCompiler) badOperands(t Text, at int, function, msg string) {
	if symbol, ok := operators.FindReverse(function); ok && symbol != "" {
		function = symbol
	}
	if function == operators.Conditional {
		function = "?:"
	}
	_, given, _ := strings.Cut(msg, " applied to ")
	given = strings.Trim(given, "'")
	cc.c.errorf(t.At(at), "%s does not take %s", function, given).Hint = operandHint(given)
}

// operandHint says what to do about operands of the wrong types, such as
// (string, int).
func operandHint(given string) string {
	types := strings.Split(strings.NewReplacer("(", "", ")", "").Replace(given), ", ")
	switch {
	case types[0] == "string" && slices.Contains(types, "null"):
		return "what is absent reads as the empty text: ask has(...)"
	case types[0] == "string" && (len(types) == 1 || types[1] == "bool"):
		return `values of the record are text: ... == "true"`
	case types[0] == "string":
		return `values of the record are text: compare with quotes (log.port == "22"), or convert: int(log.port) > 22`
	case strings.HasPrefix(given, "(list"):
		return `to look for an element: "..." in udm.principal.ip`
	case len(types) == 2 && types[1] == "string":
		return fmt.Sprintf("a value of type %s stands without quotes", types[0])
	}
	return ""
}

// celMessage puts a syntax error of CEL into the house's form, with a hint.
func celMessage(msg string) (_, hint string) {
	msg = strings.TrimPrefix(msg, "Syntax error: ")
	msg, _, _ = strings.Cut(msg, " expecting ")
	if strings.HasSuffix(msg, "'<EOF>'") {
		return "the expression ends too early", ""
	}
	if strings.HasPrefix(msg, "invalid argument to has()") {
		return "has() wants a path that ends in a name", `has(log.some.field), has(udm.principal.ip); for a position or a key in brackets: log.list[0] != ""`
	}
	for _, prefix := range []string{"token recognition error at: ", "mismatched input ", "extraneous input ", "no viable alternative at input "} {
		word, ok := strings.CutPrefix(msg, prefix)
		if !ok {
			continue
		}
		word = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(word, "'"), "'"))
		if strings.HasPrefix(prefix, "token") && strings.ContainsAny(word[:min(1, len(word))], `"'`) {
			return "a text that does not end, or has an unknown escape", `in a text, a backslash is written \\`
		}
		return fmt.Sprintf("unexpected %q", word), syntaxHints[word]
	}
	return strings.TrimSuffix(msg, "."), ""
}

// syntaxHints are for those who come from another language.
var syntaxHints = map[string]string{
	"=": "equality is written ==", "&": "and is written &&", "|": "or is written ||",
	"and": "and is written &&", "or": "or is written ||", "not": "not is written !",
}

// quotedAfter answers what stands in single quotes behind a prefix of msg.
func quotedAfter(msg, prefix string) (word string, ok bool) {
	rest, ok := strings.CutPrefix(msg, prefix+"'")
	word, _, _ = strings.Cut(rest, "'")
	return word, ok
}
