package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

// ignore is one lint:ignore comment.
type ignore struct {
	line, col  int // of the #
	id, reason string
	own        bool // it has the line to itself
	target     int  // the line it speaks of
	used       bool
}

var ignorePattern = regexp.MustCompile(`(^|[ \t])#[ \t]*lint:ignore(?:[ \t]+(\S+))?(?:[ \t]+(.*?))?[ \t\r]*$`)

// ignores takes away what lint:ignore comments silence, and reports comments
// that are wrong or silence nothing.
func (l *linter) ignores() {
	spans := spansOf(l.own)
	list := l.findIgnores()
	for i := range list {
		ig := &list[i]
		if !l.wellFormed(ig) {
			continue
		}
		end := spans.end(ig.target)
		l.found = slices.DeleteFunc(l.found, func(f Finding) bool {
			gone := f.ID == ig.id && f.Pos.File == l.name && f.Pos.Line >= ig.target && f.Pos.Line <= end
			ig.used = ig.used || gone
			return gone
		})
	}
	for _, ig := range list {
		if _, ok := kindOf(ig.id); ok && ig.reason != "" && !ig.used {
			f := l.report(idUnusedIgnore, ig.pos(l.name), "the comment silences no %s", ig.id)
			f.Hint = "it speaks of its own line, or of the rule on the next one; remove it if that is mended"
			f.Fix = l.cutComment(ig)
		}
	}
}

func (ig *ignore) pos(file string) mapping.Pos {
	return mapping.Pos{File: file, Line: ig.line, Col: ig.col}
}

// wellFormed reports a comment without a known id or without a reason.
func (l *linter) wellFormed(ig *ignore) bool {
	if _, ok := kindOf(ig.id); !ok {
		f := l.report(idBadIgnore, ig.pos(l.name), "unknown id %q in lint:ignore", ig.id)
		f.Hint = "# lint:ignore ID reason; asa2udm check --list names the ids"
		if near := udm.Nearest(ig.id, kindIDs()); len(near) > 0 {
			f.Hint = "did you mean " + near[0] + "?"
		}
		return false
	}
	if ig.reason == "" {
		l.report(idBadIgnore, ig.pos(l.name), "lint:ignore %s without a reason", ig.id).Hint =
			"say why it is right: # lint:ignore " + ig.id + " the vendor's table has it so"
		return false
	}
	return true
}

func kindIDs() []string {
	var out []string
	for _, k := range Kinds() {
		out = append(out, k.ID)
	}
	return out
}

// findIgnores reads the comments. A text in the file that looks like one is none.
func (l *linter) findIgnores() []ignore {
	var out []ignore
	inText := textLines(l.own)
	for i, line := range l.lines {
		m := ignorePattern.FindStringSubmatchIndex(line)
		if m == nil || inText[i+1] {
			continue
		}
		ig := ignore{line: i + 1, col: m[3] + 1, target: i + 1}
		if m[4] >= 0 {
			ig.id = line[m[4]:m[5]]
		}
		if m[6] >= 0 {
			ig.reason = line[m[6]:m[7]]
		}
		if ig.own = strings.TrimSpace(line[:m[3]]) == ""; ig.own {
			ig.target = l.nextContent(i + 1)
		}
		out = append(out, ig)
	}
	return out
}

// nextContent answers the number of the first line from index i on that is more
// than a comment.
func (l *linter) nextContent(i int) int {
	for ; i < len(l.lines); i++ {
		if line := strings.TrimSpace(l.lines[i]); line != "" && !strings.HasPrefix(line, "#") {
			break
		}
	}
	return i + 1
}

// spans is which lines the rules, arms and conditions of a file take.
type spans []span

type span struct{ start, end int }

// end answers the last line of what begins at a line.
func (s spans) end(line int) int {
	last := line
	for _, sp := range s {
		if sp.start == line {
			last = max(last, sp.end)
		}
	}
	return last
}

func spansOf(rs *mapping.Ruleset) spans {
	var out spans
	eachItem(rs, func(start mapping.Pos, texts []mapping.Text) {
		sp := span{start.Line, start.Line}
		for _, t := range texts {
			if has(t) {
				sp.end = max(sp.end, t.At(len(t.Value)).Line)
			}
		}
		out = append(out, sp)
	})
	return out
}

// textLines answers the lines that are part of a text in which lint:ignore
// stands.
func textLines(rs *mapping.Ruleset) map[int]bool {
	out := make(map[int]bool)
	eachItem(rs, func(_ mapping.Pos, texts []mapping.Text) {
		for _, t := range texts {
			if !strings.Contains(t.Value, "lint:ignore") {
				continue
			}
			for line := t.Pos.Line; line <= t.At(len(t.Value)).Line; line++ {
				out[line] = true
			}
		}
	})
	return out
}

// eachItem hands every rule, arm, constant and condition of a file to f, with the
// texts in it.
func eachItem(rs *mapping.Ruleset, f func(mapping.Pos, []mapping.Text)) {
	rules := slices.Clone(rs.Mappings)
	for _, b := range rs.Blocks {
		rules = append(rules, b.Rules...)
	}
	for _, r := range rules {
		texts := []mapping.Text{r.Name, r.Each, r.Value, r.Extract.Regex, r.Format, r.Time, r.Label, r.Use, r.When}
		texts = slices.Concat(texts, r.Replaces, r.Row, r.From, r.To)
		for _, a := range r.Match {
			arm := []mapping.Text{a.Regex, a.Equals, a.Value}
			f(a.Pos, arm)
			texts = append(texts, arm...)
		}
		f(r.Pos, texts)
	}
	for _, p := range slices.Concat(rs.Constants, rs.Conditions) {
		f(p.Key.Pos, []mapping.Text{p.Key, p.Value})
	}
	for _, a := range rs.EventType {
		f(a.Pos, append([]mapping.Text{a.When, a.Is}, a.Row...))
	}
}
