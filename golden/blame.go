package golden

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/mapping"
)

// blame says which rules have to do with the fields of one record. It explains
// the record when it is first asked.
type blame struct {
	parser *mapping.Parser
	rec    *record
	x      *mapping.Explanation
	arms   map[mapping.Pos]bool // match arms that were picked
}

const eventTypePath = "metadata.event_type"

func (b *blame) explanation() *mapping.Explanation {
	if b.x == nil {
		b.x = b.parser.Explain(b.rec.raw)
	}
	return b.x
}

// places answers the rules behind a field: those that wrote what stands at at,
// which is "" where nothing does, those that could have and did not, and those
// that wrote what is wanted to another field. want is the JSON that is expected.
// known is false if there is no rule for the field at all.
func (b *blame) places(path, at, want string) (places []Place, known bool) {
	if path == eventTypePath {
		return b.eventType(want), true
	}
	l := placeList{b: b, want: want, known: make(map[mapping.Pos]bool)}
	for _, v := range b.explanation().Values {
		if at != "" && v.Rule != nil && sameField(v.Path, at) {
			name := v.Rule.ID()
			if v.Source != "" {
				name += ", from " + v.Source
			}
			l.add(v.Rule, v.Via, name, "")
		}
	}
	for _, t := range targetsOf(b.parser.Ruleset()) {
		if t.covers(path) {
			l.add(t.rule, t.via, t.name, b.whyNot(t.rule))
		}
	}
	known = len(l.places) > 0
	if at == "" {
		l.addElsewhere()
	}
	return l.places, known
}

// placeList gathers places, each once.
type placeList struct {
	b      *blame
	want   string
	known  map[mapping.Pos]bool
	places []Place
}

func (l *placeList) addPlace(pos mapping.Pos, name, note string) bool {
	if l.known[pos] {
		return false
	}
	l.known[pos] = true
	l.places = append(l.places, placeAt(pos, name, note))
	return true
}

// add adds a rule, the arms of its match that have to do with the value, and the
// rule that uses the block it is in.
func (l *placeList) add(r, via *mapping.Rule, name, note string) {
	if !l.addPlace(r.Pos, name, note) {
		return
	}
	why := "did not match"
	for _, arm := range r.Match {
		switch {
		case l.b.picked(arm.Pos):
			l.addPlace(arm.Pos, armName(arm), "matched")
			why = "was not asked, an earlier arm matched"
		case quote(arm.Value.Value) == l.want:
			l.addPlace(arm.Pos, armName(arm), why)
		}
	}
	if via != nil && via != r {
		l.addPlace(via.Pos, via.ID(), "uses the block "+via.Use.Value)
	}
}

// maxElsewhere is how many rules that wrote a value to another field are named.
const maxElsewhere = 2

// addElsewhere adds rules that wrote what is wanted to another field.
func (l *placeList) addElsewhere() {
	wanted := []string{l.want}
	if v := gjson.Parse(l.want); v.IsArray() {
		wanted = nil
		for _, element := range v.Array() {
			wanted = append(wanted, canonical(element))
		}
	}
	for _, v := range l.b.explanation().Values {
		value, path := gjson.Parse(v.Value), v.Path
		if key := value.Get("key"); value.IsObject() && key.Exists() {
			value, path = value.Get("value"), path[:strings.LastIndexByte(path, '[')]+"["+quote(key.Str)+"]"
		}
		if v.Rule != nil && v.Source != "" && slices.Contains(wanted, canonical(value)) &&
			l.addPlace(v.Rule.Pos, v.Rule.ID(), "writes this value to "+path) && len(l.places) >= maxElsewhere {
			return
		}
	}
}

// picked reports whether an arm of a match gave a value of the record.
func (b *blame) picked(pos mapping.Pos) bool {
	if b.arms == nil {
		b.arms = make(map[mapping.Pos]bool)
		// What is read from memory, by a context that does not end, has no error.
		cover, _ := coverInput(context.Background(), b.parser, b.rec.raw)
		for _, r := range cover.Rules {
			for i, n := range r.Arms {
				b.arms[r.Rule.Match[i].Pos] = n > 0
			}
		}
	}
	return b.arms[pos]
}

// unread answers where in the record the wanted value stands, if no rule reads
// it there.
func (b *blame) unread(want string) string {
	for _, v := range b.explanation().Unread {
		if want != "" && canonical(gjson.Parse(v.Raw)) == want {
			return v.Path
		}
	}
	return ""
}

// sameField reports whether a written value is, holds or is part of what stands
// at at.
func sameField(written, at string) bool {
	return isBelow(written, at) || isBelow(at, written)
}

func isBelow(path, top string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// whyNot says why a rule wrote nothing.
func (b *blame) whyNot(r *mapping.Rule) string {
	if r.When.Value != "" {
		for _, d := range b.explanation().Decisions {
			if d.Pos == r.When.Pos && d.Taken < 0 {
				return "gave nothing, its when is false" + operands(d.Arms[0].Operands)
			}
		}
	}
	return "gave nothing"
}

// eventType answers the arm that gave the event its type, the arms that give the
// expected one, and the named conditions they read.
func (b *blame) eventType(want string) []Place {
	wanted := gjson.Parse(want).Str
	decisions := b.explanation().Decisions
	i := slices.IndexFunc(decisions, func(d mapping.ExplainedDecision) bool { return d.What == "event_type" })
	if i < 0 {
		return []Place{placeAt(b.parser.Ruleset().EventTypes, "event_type", "")}
	}
	var taken, others []Place
	var asked []mapping.Operand
	for n, arm := range decisions[i].Arms {
		place := placeAt(armPlace(b.parser.Ruleset(), n, arm.Pos), "event_type "+arm.Gives, "")
		switch {
		case n == decisions[i].Taken:
			taken = append(taken, place)
		case arm.Gives != wanted:
			continue
		case arm.Result == "not asked":
			place.Note = "was not asked, an earlier arm holds"
			others = append(others, place)
		default:
			place.Note = "does not hold" + operands(arm.Operands)
			others = append(others, place)
		}
		asked = append(asked, arm.Operands...)
	}
	return slices.Concat(taken, others, conditionPlaces(decisions, asked))
}

// operands says what a condition read, but for other conditions, which have
// places of their own.
func operands(all []mapping.Operand) string {
	var parts []string
	for _, o := range all {
		if strings.ContainsAny(o.Name, ".(") || o.Name == "event_type" {
			parts = append(parts, o.Name+" is "+o.Value)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// armPlace answers where an arm of event_type stands.
func armPlace(rs *mapping.Ruleset, n int, pos mapping.Pos) mapping.Pos {
	if n < len(rs.EventType) && rs.EventType[n].Pos.Line > 0 {
		return rs.EventType[n].Pos
	}
	return pos
}

// conditionPlaces answers the named conditions among the operands.
func conditionPlaces(decisions []mapping.ExplainedDecision, asked []mapping.Operand) []Place {
	var out []Place
	for _, d := range decisions {
		name, ok := strings.CutPrefix(d.What, "condition ")
		i := slices.IndexFunc(asked, func(o mapping.Operand) bool { return o.Name == name })
		if ok && i >= 0 {
			out = append(out, placeAt(d.Pos, "condition "+name, "is "+asked[i].Value))
		}
	}
	return out
}

// target is a field that a rule writes.
type target struct {
	path  string // without positions in lists
	label string // the key, may have {index} in it
	name  string
	rule  *mapping.Rule
	via   *mapping.Rule // that uses the block the rule is in; nil outside of blocks
}

// covers reports whether the target is what path, as people write it, leads to.
func (t target) covers(path string) bool {
	plain, label := splitPath(path)
	if t.label == "" {
		return plain == t.path || strings.HasPrefix(plain, t.path+".")
	}
	before, after, indexed := strings.Cut(t.label, "{index}")
	sameLabel := label == t.label
	if indexed {
		sameLabel = len(label) > len(before)+len(after) && strings.HasPrefix(label, before) && strings.HasSuffix(label, after)
	}
	return sameLabel && (plain == t.path || plain+".fields" == t.path)
}

// splitPath takes the positions and the label's key out of a path.
func splitPath(path string) (plain, label string) {
	var b strings.Builder
	for path != "" {
		open := strings.IndexByte(path, '[')
		if open < 0 {
			b.WriteString(path)
			break
		}
		b.WriteString(path[:open])
		inner := path[open+1:]
		end := strings.IndexByte(inner, ']')
		if strings.HasPrefix(inner, `"`) {
			dec := json.NewDecoder(strings.NewReader(inner))
			if dec.Decode(&label) == nil {
				end = int(dec.InputOffset())
			}
		}
		if end < 0 {
			break
		}
		path = inner[min(end+1, len(inner)):]
	}
	return b.String(), label
}

// targetsOf answers all that a rule file writes.
func targetsOf(rs *mapping.Ruleset) []target {
	var out []target
	for _, c := range rs.Constants {
		out = append(out, target{path: c.Key.Value, name: "constant " + c.Key.Value, rule: &mapping.Rule{Pos: c.Key.Pos}})
	}
	for _, r := range rs.Mappings {
		out = appendTargets(out, rs, r, nil, "", maxBlocks)
	}
	return out
}

// maxBlocks bounds how deep blocks stand in each other. A compiled file has no
// block that uses itself.
const maxBlocks = 16

func appendTargets(out []target, rs *mapping.Ruleset, r, via *mapping.Rule, around string, depth int) []target {
	paths := []string{around}
	if len(r.To) > 0 {
		paths = nil
	}
	for _, to := range r.To {
		paths = append(paths, joinPath(around, to.Value))
	}
	for _, path := range paths {
		if r.Use.Value == "" {
			out = append(out, target{path, r.Label.Value, r.ID(), r, via})
			continue
		}
		for _, block := range rs.Blocks {
			if block.Name.Value != r.Use.Value || depth == 0 {
				continue
			}
			for _, inner := range block.Rules {
				out = appendTargets(out, rs, inner, cmp.Or(via, r), path, depth-1)
			}
		}
	}
	return out
}

func joinPath(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}
