package rulefmt

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// A text over several lines stays so, its line ends where the author put them: a
// literal one literal, any other one folded.

// blockText writes a text over several lines, with its header.
func (p *printer) blockText(it *item, indent int) {
	lines := p.blockLines(it.value)
	p.b.WriteString(anchorOf(it.value, "", " ") + blockHeader(it.value.yaml, lines))
	p.end(it)
	for _, line := range lines {
		if line != "" {
			p.indent(indent + 2)
		}
		p.b.WriteString(line + "\n")
	}
}

func blockHeader(y *yaml.Node, lines []string) string {
	header := ">"
	if y.Style&yaml.LiteralStyle != 0 {
		header = "|"
	}
	for _, line := range lines {
		if line != "" {
			if line[0] == ' ' {
				header += "2" // what further lines are indented by cannot be seen from this one
			}
			break
		}
	}
	if !strings.HasSuffix(y.Value, "\n") {
		header += "-"
	}
	return header
}

// blockLines answers the lines of a text that is written over several, without
// their indentation; nil for a text that goes on one line.
func (p *printer) blockLines(n *node) []string {
	if n.yaml.Kind != yaml.ScalarNode || n.owner.key == n || strings.IndexFunc(n.yaml.Value, notInBlock) >= 0 {
		return nil
	}
	if n.blockText() {
		return p.blockTextLines(n)
	}
	return p.foldedLines(n)
}

func notInBlock(r rune) bool { return unprintable(r) && r != '\n' && r != '\t' }

// blockTextLines reads the lines of a literal or folded text.
func (p *printer) blockTextLines(n *node) []string {
	value := n.yaml.Value
	if strings.Trim(value, " \t\n") == "" || strings.HasSuffix(value, "\n\n") {
		return nil
	}
	first := p.lineEnd(n.start) + 1
	indent := p.blockTextIndent(n)
	lines := strings.Split(p.between(first, n.end), "\n")
	for i, line := range lines {
		lines[i] = line[min(indent, leadingSpaces(line)):]
	}
	return lines
}

// foldedLines reads the lines of a plain or quoted text that goes over several.
func (p *printer) foldedLines(n *node) []string {
	raw := p.between(n.start, n.end)
	if n.yaml.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		raw = raw[1 : len(raw)-1]
	}
	lines := strings.Split(raw, "\n")
	if len(lines) < 2 {
		return nil
	}
	for i, line := range lines {
		lines[i] = strings.Trim(line, " \t")
	}
	// Blank lines and escapes make a text that folding does not give back.
	if strings.Join(lines, " ") != n.yaml.Value {
		return nil
	}
	return lines
}

func (p *printer) between(start, end int) string { return p.source.text[start:max(start, end)] }
