package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/rulefmt"
)

// Options says what a Survey cannot know.
type Options struct {
	// LogType is the Chronicle log type. Without it the file says UNSPECIFIED,
	// and that this is to be replaced.
	LogType string
}

// placeholder stands for a log type that is not known.
const placeholder = "UNSPECIFIED"

// RuleFile answers the proposed rule file, in canonical form. The same records
// and options give the same bytes. Records without a time give a *NoTimeError.
func (s *Survey) RuleFile(opts Options) ([]byte, error) {
	moments := s.moments()
	if len(moments) == 0 {
		return nil, s.noTime()
	}
	w := &writer{survey: s, proposals: newProposals(false)}
	if s.joined {
		// What joining a page leaves behind are the opaque keys of the objects.
		w.skip = map[string]bool{"references": true, "_references": true}
	}
	w.find(&s.record)
	w.head(opts)
	w.mappings(moments)
	w.blockComments()
	w.eventType()
	out, err := rulefmt.Format("the proposed rule file", []byte(w.b.String()))
	if err != nil {
		return nil, fmt.Errorf("propose a rule file: %w", err)
	}
	return out, nil
}

// writer writes the proposed rule file.
type writer struct {
	survey *Survey
	b      strings.Builder
	proposals
}

func (w *writer) linef(format string, args ...any) { fmt.Fprintf(&w.b, format+"\n", args...) }

func (w *writer) head(opts Options) {
	w.linef("# Proposed from %s. What stands in comments is a guess: take away the \"# \" before the", plural(w.survey.records, "sample record"))
	w.linef("# rules that are right and run asa2udm check. Each source path is followed by what it holds and how often.")
	if w.survey.left() {
		w.linef("# The records have more paths than are listed here.")
	}
	logType := opts.LogType
	if logType == "" {
		logType = placeholder
		w.linef("log_type: %s # replace it by the log type of your feed", logType)
	} else {
		w.linef("log_type: %s", rulefmt.Quote(logType))
	}
	w.linef("\nconstants:\n  metadata.vendor_name: %s\n  metadata.product_name: %s", rulefmt.Quote(logType), rulefmt.Quote(logType))
}

// left reports whether some paths were not remembered.
func (s *Survey) left() bool {
	left := s.record.left > 0
	s.record.each(func(p *place) { left = left || p.left > 0 })
	return left
}

// mappings writes the rule for the time, and then all paths.
func (w *writer) mappings(moments []moment) {
	w.linef("\nmappings:")
	w.timeRule(moments)
	for _, m := range w.survey.record.members {
		w.linef("")
		w.place(m, scope{"  ", "", "record", w.survey.records})
	}
}

// timeRule writes the rule for the time of the event. Where some records have none
// at the best place, other places in the same format stand in.
func (w *writer) timeRule(moments []moment) {
	best := moments[0]
	places := []*place{best.place}
	for _, m := range moments[1:] {
		if best.good < w.survey.records && m.format == best.format && m.rank < otherTime && len(places) < maxExamples {
			places = append(places, m.place)
		}
	}
	switch missing := w.survey.records - best.good; {
	case missing > 0 && len(places) > 1:
		w.linef("  # %s no time in %s; the next one that has counts.", has(missing), rulefmt.Quote(best.place.path))
	case missing > 0:
		w.linef("  # %s no time here and would be rejected.", has(missing))
	}
	format := ""
	if best.format != rfc3339 {
		format = ", time: " + timeNames[best.format]
	}
	w.linef("  - {from: %s%s, to: metadata.event_timestamp}", sources(places), format)
	if others := otherMoments(moments, places); len(others) > 0 {
		w.linef("  # Other times: %s.", strings.Join(others, ", "))
	}
}

func otherMoments(moments []moment, taken []*place) []string {
	var others []string
	for _, m := range moments {
		if !slices.Contains(taken, m.place) && len(others) < 4 {
			others = append(others, fmt.Sprintf("%s (%s)", visible(m.place.path), timeNames[m.format]))
		}
	}
	return others
}

// scope is what paths are relative to, and where they are written.
type scope struct {
	indent string
	prefix string // before each path
	unit   string // that the places are counted in: record or element
	of     int    // how many of them there are
}

// place writes what a place holds, the rule it may have, and all below it.
func (w *writer) place(p *place, sc scope) {
	if p.scalars() > 0 || p.counts[list] > 0 || len(p.members) == 0 {
		w.linef("%s# %s", sc.indent, p.describe(sc))
		w.rule(p, sc.indent)
	}
	for _, m := range p.members {
		w.place(m, sc)
	}
	if p.left > 0 {
		w.linef("%s# %s: more keys than are listed here.", sc.indent, visible(sc.prefix+p.path))
	}
	// The elements of lists with a block are described there.
	if p.element != nil && w.byPlace[p] == nil {
		inner := scope{sc.indent, sc.prefix + p.path + "[].", "element", p.element.counts[object]}
		for _, m := range p.element.members {
			w.place(m, inner)
		}
	}
}

// rule writes the rule a place may have, at the first place of those that share
// it.
func (w *writer) rule(p *place, indent string) {
	r := w.byPlace[p]
	switch {
	case r == nil:
	case r.places[0] != p:
		w.linef("%s# %s: in the rule for %s above.", indent, visible(p.path), several(r.targets))
	default:
		for _, line := range r.lines() {
			w.linef("%s# %s", indent, line)
		}
	}
}

// describe says what a place holds, in one line.
func (p *place) describe(sc scope) string {
	name := visible(sc.prefix + p.path)
	if p.path == "" {
		name = fmt.Sprintf("%q (an empty key: no path leads here)", p.key)
	}
	filled := p.seen() - p.counts[blank]
	if filled == 0 {
		filled = p.counts[blank]
	}
	line := fmt.Sprintf("%s: %s in %d of %s", name, p.types(), filled, plural(sc.of, sc.unit))
	if p.element != nil {
		line += fmt.Sprintf(", up to %s (%s)", plural(p.longest, "element"), p.element.types())
	}
	examples := p.examples
	if len(examples) == 0 && p.element != nil {
		examples = p.element.examples
	}
	if len(examples) > 0 {
		line += ": " + strings.Join(examples, ", ")
	}
	return line
}

// types names the types of a place's values, "" where there are none.
func (p *place) types() string {
	names := [kinds]string{"text", "number", "boolean", "list", "object", "null or empty"}
	var seen []string
	for k, n := range p.counts {
		if n > 0 && kind(k) != blank {
			seen = append(seen, names[k])
		}
	}
	if len(seen) == 0 && p.counts[blank] > 0 {
		return names[blank]
	}
	return strings.Join(seen, " or ")
}

// visible answers a path fit for a comment: on one line, and quoted where it has
// characters that do not show, or begins as a rule does.
func visible(path string) string {
	quoted := fmt.Sprintf("%q", path)
	plain := strings.ReplaceAll(quoted[1:len(quoted)-1], `\\`, `\`) == path
	if plain && strings.TrimSpace(path) == path && !strings.HasPrefix(path, "-") {
		return path
	}
	return quoted
}

// blockComments writes the proposed blocks, all in comments.
func (w *writer) blockComments() {
	if len(w.blocks) == 0 {
		return
	}
	w.linef("\n# For the lists of objects above:\n#\n# blocks:")
	for _, b := range w.blocks {
		w.linef("#   %s:", rulefmt.Quote(b.name))
		inner := &writer{survey: w.survey, proposals: b.proposals}
		for _, m := range b.list.element.members {
			inner.place(m, scope{"#     ", "", "element", b.list.element.counts[object]})
		}
		w.b.WriteString(uncomment(inner.b.String()))
	}
}

// uncomment takes one level of comment off the rules of a block, which stand in a
// comment as a whole.
func uncomment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "#     # "); ok && (strings.HasPrefix(rest, "- ") || strings.HasPrefix(rest, "  ")) {
			line = "#     " + rest
		}
		b.WriteString(line)
	}
	return b.String()
}

// eventType writes the type of the event, and in comments what it may become.
func (w *writer) eventType() {
	w.linef("\nevent_type: GENERIC_EVENT")
	user, machine := w.has("principal.user.userid"), w.has("principal.hostname", "principal.ip")
	eventName := w.byField["metadata.product_event_type"]
	if user == "" && machine == "" {
		return
	}
	w.linef("# With the rules for a principal in place, the event may have a better type:\n#\n# event_type:")
	if user != "" && eventName != nil {
		w.linef(`#   - {when: %s && udm.metadata.product_event_type.matches("(?i)log ?in|log ?on|sign ?in|session.start"), is: USER_LOGIN}`, user)
	}
	if user != "" {
		w.linef("#   - {when: %s, is: USER_UNCATEGORIZED}", user)
	}
	if machine != "" {
		w.linef("#   - {when: %s, is: STATUS_UPDATE}", machine)
	}
	w.linef("#   - {is: GENERIC_EVENT}")
}

// has answers a CEL expression that says that one of the fields is there, for
// those that have a proposed rule; "" where none has.
func (w *writer) has(fields ...string) string {
	var terms []string
	for _, field := range fields {
		for _, r := range w.byPlace {
			if slices.Contains(r.targets, field) {
				terms = append(terms, "has(udm."+field+")")
				break
			}
		}
	}
	return strings.Join(terms, " || ")
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func has(n int) string {
	if n == 1 {
		return "1 record has"
	}
	return fmt.Sprintf("%d records have", n)
}
