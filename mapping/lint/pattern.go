package lint

import (
	"regexp/syntax"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// pattern is a regular expression of the file.
type pattern struct {
	mapping.Text
	test bool // it is only asked whether it matches, not where
	call bool // it stands in a CEL expression, where offsets are not known
	at   int  // of a call: offset in Text
	re   string
}

// patterns looks at every regular expression.
func (l *linter) patterns() {
	for _, r := range l.allRules() {
		if has(r.Extract.Regex) {
			l.pattern(pattern{Text: r.Extract.Regex, re: r.Extract.Regex.Value})
		}
		for _, a := range r.Match {
			if has(a.Regex) {
				l.pattern(pattern{Text: a.Regex, test: true, re: a.Regex.Value})
			}
		}
	}
	l.eachCall(func(c call) {
		if c.function == "matches" {
			l.pattern(pattern{Text: c.text, test: true, call: true, at: c.at, re: c.argument})
		}
	})
}

// allRules answers the rules of the file as written, those of blocks, too.
func (l *linter) allRules() []*mapping.Rule {
	out := append([]*mapping.Rule(nil), l.rules.Mappings...)
	for _, b := range l.rules.Blocks {
		out = append(out, b.Rules...)
	}
	return out
}

// allConditions answers every text of the file that is a condition.
func (l *linter) allConditions() []mapping.Text {
	var out []mapping.Text
	for _, r := range l.allRules() {
		out = append(out, r.When)
	}
	for _, c := range l.rules.Conditions {
		out = append(out, c.Value)
	}
	for _, a := range l.rules.EventType {
		out = append(out, a.When)
	}
	return out
}

// eachCall hands every call in a condition with a fixed text to f, once.
func (l *linter) eachCall(f func(call)) {
	for _, t := range l.allConditions() {
		if !has(t) {
			continue
		}
		l.exprs.parse(t).visit(func(e *expr) bool {
			for _, c := range e.calls {
				if e.name == "" {
					f(c)
				}
			}
			return e.name == ""
		})
	}
}

// find reports something about the bytes from..to of a pattern.
func (l *linter) find(id string, p pattern, from, to int, format string, args ...any) *Finding {
	if p.call {
		return l.report(id, p.At(p.at), format, args...)
	}
	return l.reportText(id, p.Text, from, to, format, args...)
}

// pattern looks at one regular expression.
func (l *linter) pattern(p pattern) {
	re := parsed(p.re)
	if re == nil {
		return
	}
	if p.test && matchesAll(re) {
		f := l.find(idMatchAll, p, 0, len(p.re), "the pattern %q matches every text", p.re)
		f.Hint = "for a default write {value: X} as the last arm; an alternative without text, as in a|, matches everything"
		return
	}
	if l.plain(p) {
		return
	}
	for i, list := range alternatives(p.re) {
		l.redundant(p, list, i == 0)
		if i == 0 && p.test {
			l.padding(p, list)
		}
	}
	l.nested(p, re)
}

// plain reports a pattern that stands for one whole text.
func (l *linter) plain(p pattern) bool {
	text, ok := wholeText(p.re)
	if !ok || !p.test {
		return false
	}
	f := l.find(idPlainPattern, p, 0, len(p.re), "the pattern %q is one fixed text", p.re)
	if p.call {
		f.Hint = "compare instead: == " + quoteCEL(text)
		return true
	}
	f.Hint = "equals: " + quoteYAML(text)
	f.Fix = l.equalsFix(p.Text, text)
	return true
}

// wholeText answers the one text a pattern such as ^linux$ matches.
func wholeText(pattern string) (string, bool) {
	re := parsed(pattern)
	if re == nil || re.Op != syntax.OpConcat || len(re.Sub) != 3 {
		return "", false
	}
	mid := re.Sub[1]
	if re.Sub[0].Op != syntax.OpBeginText || re.Sub[2].Op != syntax.OpEndText ||
		mid.Op != syntax.OpLiteral || mid.Flags&syntax.FoldCase != 0 {
		return "", false
	}
	return string(mid.Rune), true
}

// redundant reports alternatives that another one covers. Where it only matters
// whether the pattern matches, a longer text is covered by a shorter one in it;
// elsewhere only by itself.
func (l *linter) redundant(p pattern, list []alternative, top bool) {
	gone := make([]bool, len(list))
	for i := len(list) - 1; i >= 0 && len(list) > 1; i-- {
		by := coveredBy(p, list, gone, i, top && p.test)
		if by < 0 || list[i].group {
			continue
		}
		gone[i] = true
		a, b := list[i], list[by]
		f := l.find(idRedundant, p, a.start, a.end, "the alternative %q is never needed: %q matches all it does",
			p.re[a.start:a.end], p.re[b.start:b.end])
		f.Hint = "remove it"
		f.Fix = l.dropAlternative(p, list, i)
	}
}

// coveredBy answers the alternative that covers the i-th, or -1.
func coveredBy(p pattern, list []alternative, gone []bool, i int, contain bool) int {
	own := parsed(list[i].text(p.re))
	if own == nil || list[i].start == list[i].end {
		return -1
	}
	for j, other := range list {
		if j == i || gone[j] {
			continue
		}
		re := parsed(other.text(p.re))
		if re == nil {
			continue
		}
		if j < i && re.String() == own.String() {
			return j
		}
		if l, ok := literalOf(other.text(p.re)); ok && contain && alwaysHolds(own, []literal{l}) {
			return j
		}
	}
	return -1
}

// dropAlternative answers the edit that takes one alternative away, with a bar.
func (l *linter) dropAlternative(p pattern, list []alternative, i int) []Edit {
	if p.call {
		return nil
	}
	if i == 0 {
		return l.cut(p.Text, list[0].start, list[1].start)
	}
	return l.cut(p.Text, list[i-1].end, list[i].end)
}

// pads answers what changes nothing at an end of a pattern.
func pads() []string { return []string{".*?", ".*"} }

// padLen answers how long the pads at the two ends of an alternative are. A
// pattern that is nothing else has none.
func padLen(body string) (before, after int) {
	for _, pad := range pads() {
		if before == 0 && strings.HasPrefix(body, pad) {
			before = len(pad)
		}
	}
	for _, pad := range pads() {
		rest, ok := strings.CutSuffix(body[before:], pad)
		// An escaped dot is one of the text.
		if after == 0 && ok && !strings.HasSuffix(rest, `\`) {
			after = len(pad)
		}
	}
	if before+after == len(body) {
		return 0, 0
	}
	return before, after
}

func unpadded(body string) string {
	before, after := padLen(body)
	return body[before : len(body)-after]
}

// padding reports .* at the ends of a pattern of which it is only asked whether
// it matches.
func (l *linter) padding(p pattern, list []alternative) {
	for _, a := range list {
		before, after := padLen(p.re[a.start:a.end])
		if before > 0 {
			l.padded(p, a.start, a.start+before)
		}
		if after > 0 {
			l.padded(p, a.end-after, a.end)
		}
		l.anchored(p, a)
	}
}

func (l *linter) padded(p pattern, from, to int) {
	f := l.find(idSlowPattern, p, from, to, "%q at the end of a pattern costs time and changes nothing", p.re[from:to])
	f.Hint = "patterns match anywhere in the text: remove it"
	if !p.call {
		f.Fix = l.cut(p.Text, from, to)
	}
}

// anchored reports ^.* and .*$, which only matter in texts of several lines.
func (l *linter) anchored(p pattern, a alternative) {
	body := p.re[a.start:a.end]
	if strings.HasPrefix(body, "^.*") && len(body) > 3 && !strings.HasPrefix(body, "^.*$") {
		l.find(idSlowPattern, p, a.start, a.start+3, `"^.*" costs time and, but for texts of several lines, changes nothing`).Hint =
			"patterns match anywhere in the text: remove it"
	}
	if strings.HasSuffix(body, ".*$") && !strings.HasSuffix(body, `\.*$`) && len(body) > 3 && !strings.HasSuffix(body, "^.*$") {
		l.find(idSlowPattern, p, a.end-3, a.end, `".*$" costs time and, but for texts of several lines, changes nothing`).Hint =
			"patterns match anywhere in the text: remove it"
	}
}

// maxRepeat is how often a counted repeat may stand for its pattern before its
// size is worth a word: the pattern is written out so many times.
const maxRepeat = 200

// nested reports repeats of repeats, and repeats counted high.
func (l *linter) nested(p pattern, re *syntax.Regexp) {
	if repeats(re) && len(re.Sub) == 1 {
		inner := re.Sub[0]
		for inner.Op == syntax.OpCapture {
			inner = inner.Sub[0]
		}
		if unbounded(re) && unbounded(inner) {
			l.find(idSlowPattern, p, 0, len(p.re), "a repeat of a repeat: %q", re.String()).Hint = "one of them is enough: " + inner.String()
			return
		}
		if n := max(re.Min, re.Max); n > maxRepeat {
			l.find(idSlowPattern, p, 0, len(p.re), "the repeat in %q is written out %d times", re.String(), n).Hint = "use + or *, or a smaller number"
			return
		}
	}
	for _, s := range re.Sub {
		l.nested(p, s)
	}
}

func repeats(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat
}

func unbounded(re *syntax.Regexp) bool {
	return re.Op == syntax.OpStar || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Max < 0
}
