package golden

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/asa2udm/asa2udm/mapping"
)

// Coverage says which parts of the rule files the cases reach. A rule that
// several rule files share by extends is one part, reached if any of them
// reaches it. What a rule file has from a shipped pack is left out, unless there
// are cases for the pack itself.
type Coverage struct {
	Reached int     `json:"reached"`
	Total   int     `json:"total"`
	Percent float64 `json:"percent"` // 100 where there is nothing to reach
	Parts   []Part  `json:"parts"`   // by file, line and column
}

// Part is a rule, an arm of a match, or an arm of event_type.
type Part struct {
	What string `json:"what"` // "rule", "match arm" or "event type"
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column"`
	Hits int64  `json:"hits"` // how often it gave a value
	// RuleLine is the line of the rule that an arm of a match belongs to, and of
	// event_type for its arms.
	RuleLine int `json:"rule_line"`
}

// Missed answers the parts that no case reaches.
func (c *Coverage) Missed() []Part {
	return slices.DeleteFunc(slices.Clone(c.Parts), func(p Part) bool { return p.Hits > 0 })
}

func coverInput(ctx context.Context, parser *mapping.Parser, input []byte) (*mapping.Coverage, error) {
	return mapping.Cover(ctx, parser, bytes.NewReader(input), mapping.StreamOptions{Workers: 1})
}

// newCoverage adds up what the cases reach.
func newCoverage(runs []*caseRun) *Coverage {
	parts := make(map[mapping.Pos]*Part)
	inherited := make(map[string]bool)
	for _, pack := range mapping.Packs() {
		inherited[pack] = !slices.ContainsFunc(runs, func(c *caseRun) bool { return c.result.Rules == pack })
	}
	for _, c := range runs {
		if c.cover != nil {
			addParts(parts, c.cover, c.parser.Ruleset(), inherited)
		}
	}
	sum := &Coverage{Parts: []Part{}, Percent: 100}
	for _, p := range parts {
		sum.Parts = append(sum.Parts, *p)
		if p.Hits > 0 {
			sum.Reached++
		}
	}
	if sum.Total = len(sum.Parts); sum.Total > 0 {
		sum.Percent = 100 * float64(sum.Reached) / float64(sum.Total)
	}
	slices.SortFunc(sum.Parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return sum
}

func addParts(parts map[mapping.Pos]*Part, cover *mapping.Coverage, rs *mapping.Ruleset, inherited map[string]bool) {
	add := func(what, name string, pos mapping.Pos, of int, hits int64) {
		if inherited[pos.File] {
			return
		}
		if parts[pos] == nil {
			parts[pos] = &Part{What: what, Name: name, File: pos.File, Line: pos.Line, Col: pos.Col, RuleLine: of}
		}
		parts[pos].Hits += hits
	}
	for _, r := range cover.Rules {
		add("rule", r.Rule.ID(), r.Rule.Pos, r.Rule.Pos.Line, r.Hits)
		for i, arm := range r.Rule.Match {
			add("match arm", r.Rule.ID()+" "+armName(arm), arm.Pos, r.Rule.Pos.Line, r.Arms[i])
		}
	}
	for _, t := range cover.EventTypes {
		add("event type", t.Name, t.Arm.Pos, rs.EventTypes.Line, t.Count)
	}
}

func armName(arm mapping.MatchArm) string {
	what := "default"
	switch {
	case arm.Regex.Value != "":
		what = "/" + arm.Regex.Value + "/"
	case arm.Equals.Value != "":
		what = strconv.Quote(arm.Equals.Value)
	}
	return what + " -> " + arm.Value.Value
}
