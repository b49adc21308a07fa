package main

import (
	"io"

	"github.com/asa2udm/asa2udm/mapping"
)

// coverageJSON is what coverage answers as JSON.
type coverageJSON struct {
	Rules        string            `json:"rules"`
	Files        []string          `json:"files"`
	Stats        mapping.Stats     `json:"stats"`
	RuleHits     []ruleHitsJSON    `json:"rule_hits"`
	NeverFired   []neverJSON       `json:"never_fired"`
	EventTypes   []typeHitsJSON    `json:"event_types"`
	Fields       []fieldEventsJSON `json:"fields"`
	Unread       []unreadCountJSON `json:"unread"`
	UnreadOthers int64             `json:"unread_others"` // members beyond the names that are kept apart
	Violations   []violationJSON   `json:"violations,omitempty"`
	MoreKinds    int64             `json:"violations_others,omitempty"`
}

type ruleHitsJSON struct {
	ruleJSON
	Hits int64         `json:"hits"`
	Arms []armHitsJSON `json:"arms,omitempty"`
}

type armHitsJSON struct {
	Line  int    `json:"line"`
	Match string `json:"match"`
	Hits  int64  `json:"hits"`
}

// neverJSON is a rule that gave no value, or with Arm, counted from 0, an arm of
// its match.
type neverJSON struct {
	ruleJSON
	Arm *int `json:"arm,omitempty"`
}

type typeHitsJSON struct {
	EventType string `json:"event_type"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Events    int64  `json:"events"`
}

type fieldEventsJSON struct {
	Path   string `json:"path"`
	Events int64  `json:"events"`
}

type unreadCountJSON struct {
	Path    string `json:"path"`
	Count   int64  `json:"count"`
	Example string `json:"example"` // JSON, perhaps cut off or masked
	File    string `json:"file"`
	Line    int64  `json:"line"`
}

type violationJSON struct {
	Path     string `json:"path"`
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Count    int64  `json:"count"`
	Message  string `json:"message"`
	File     string `json:"file"`
	Line     int64  `json:"line"`
}

func (c *corpus) writeJSON(w io.Writer) error {
	out := coverageJSON{
		Rules: c.rules.Name, Files: c.files, Stats: c.Stats, UnreadOthers: c.UnreadOthers, MoreKinds: c.found.others,
		RuleHits: []ruleHitsJSON{}, NeverFired: []neverJSON{}, EventTypes: []typeHitsJSON{}, Fields: []fieldEventsJSON{}, Unread: []unreadCountJSON{},
	}
	for _, r := range c.Rules {
		hits := ruleHitsJSON{ruleJSON: jsonRule(r.Rule), Hits: r.Hits}
		for i, n := range r.Arms {
			arm := r.Rule.Match[i]
			hits.Arms = append(hits.Arms, armHitsJSON{arm.Pos.Line, armText(arm), n})
		}
		out.RuleHits = append(out.RuleHits, hits)
	}
	for _, n := range c.neverFired() {
		never := neverJSON{ruleJSON: jsonRule(n.rule)}
		if n.arm >= 0 {
			never.Line, never.Arm = n.pos().Line, &n.arm
		}
		out.NeverFired = append(out.NeverFired, never)
	}
	for _, e := range c.EventTypes {
		out.EventTypes = append(out.EventTypes, typeHitsJSON{e.Name, e.Arm.Pos.File, e.Arm.Pos.Line, e.Count})
	}
	for _, f := range c.Fields {
		out.Fields = append(out.Fields, fieldEventsJSON(f))
	}
	for _, u := range c.Unread[:c.shownUnread()] {
		out.Unread = append(out.Unread, unreadCountJSON{u.Path, u.Count, masked(u.Path, u.Example), c.first[u.Path], u.Line})
	}
	for _, v := range c.found.byCount() {
		out.Violations = append(out.Violations, violationJSON{v.path, v.code, v.severity, v.count, v.message, v.file, v.line})
	}
	return writeIndented(w, out)
}
