package rulefmt

import (
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// isText reports whether n is a scalar or an alias.
func (n *node) isText() bool { return !n.collection() }

// key answers the key of a member as it is written. It is quoted as in a flow
// mapping everywhere, so that it looks the same in both.
func (p *printer) key(it *item) string {
	if it.key.yaml.Kind == yaml.AliasNode {
		return "*" + it.key.yaml.Value + " "
	}
	return anchorOf(it.key, "", " ") + quote(it.key.yaml, true)
}

// text answers a scalar or alias on one line, and false for one that its author
// wrote over several.
func (p *printer) text(n *node, inFlow bool) (string, bool) {
	switch {
	case n.yaml.Kind == yaml.AliasNode:
		return "*" + n.yaml.Value, true
	case p.blockLines(n) != nil:
		return "", false
	case n.owner.name() == "regex" && quotable(n.yaml.Value):
		// Patterns are quoted one and all: whether one needs it is hard to see.
		return singleQuoted(n.yaml.Value), true
	}
	return quote(n.yaml, inFlow), true
}

// quotable reports whether single quotes can hold a text.
func quotable(s string) bool { return strings.IndexFunc(s, unprintable) < 0 }

// quote answers a scalar on one line, in quotes only where it needs them.
func quote(y *yaml.Node, inFlow bool) string {
	s := y.Value
	quoted := y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 ||
		y.Style&yaml.TaggedStyle != 0
	switch {
	case y.Tag == "!!null" && !quoted:
		return "null"
	case strings.IndexFunc(s, unprintable) >= 0:
		return doubleQuoted(s)
	case canBePlain(s, inFlow) && !(quoted && otherType(s)):
		return s
	case strings.Contains(s, "'") && !strings.ContainsAny(s, `"\`):
		return `"` + s + `"`
	}
	return singleQuoted(s)
}

func singleQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// canBePlain reports whether YAML reads s back as it is without quotes. It errs
// on the side of quotes.
func canBePlain(s string, inFlow bool) bool {
	switch {
	case s == "" || strings.TrimSpace(s) != s:
		return false
	case strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":"):
		return false
	case inFlow && strings.ContainsAny(s, ",[]{}"):
		return false
	case strings.Contains(s, `"`) && strings.Contains(s, `\`):
		// A CEL literal with escapes: without quotes one wonders whose they are.
		return false
	case strings.HasPrefix(s, "---") || strings.HasPrefix(s, "..."):
		return false
	case strings.IndexByte("-?:", s[0]) >= 0:
		return len(s) > 1 && s[0] == '-' && (s[1] >= '0' && s[1] <= '9' || s[1] >= 'a' && s[1] <= 'z')
	}
	return strings.IndexByte(",[]{}#&*!|>'\"%@`", s[0]) < 0
}

// otherType reports whether s without quotes is a number, a truth value, a date
// or nothing to some reader of YAML. The rule language takes it for text anyway,
// but an editor that checks the file may not.
func otherType(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	var doc yaml.Node
	err := yaml.Load([]byte(s), &doc, yaml.WithV4Defaults())
	return err != nil || doc.Content[0].ShortTag() != "!!str"
}

// unprintable reports whether a character is only possible in double quotes.
func unprintable(r rune) bool {
	switch r {
	case '\u00a0', '\u2028', '\u2029', '\ufeff', unicode.ReplacementChar:
		return true
	}
	return !unicode.IsPrint(r)
}

// doubleQuoted answers s with escapes.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case !unprintable(r):
			b.WriteRune(r)
		case r <= 0xff:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Quote answers a text as the canonical form has it inside a flow mapping, in
// quotes where it needs them.
func Quote(s string) string {
	return quote(&yaml.Node{Kind: yaml.ScalarNode, Value: s, Style: yaml.SingleQuotedStyle}, true)
}
