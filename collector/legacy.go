package collector

import (
	"encoding/json"
	"fmt"
)

// decodeLegacy reads the state.json of the function that Google documents for
// ASA: a JSON object that holds the offset which fetched the last page. It
// answers ok only for an object of that kind.
func decodeLegacy(b []byte) (offset string, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(b, &fields) != nil || fields["asa2udm"] != nil || fields["sha256"] != nil {
		return "", false
	}
	for _, name := range []string{"last_offset", "offset", "next_offset", "last_event_id", "last_id", "cursor"} {
		raw, there := fields[name]
		if !there {
			continue
		}
		var s *string
		if json.Unmarshal(raw, &s) != nil {
			return "", false
		}
		if s == nil {
			return "", true
		}
		return *s, true
	}
	return "", false
}

// takeOver makes a State of the documented function's one. The function goes on
// by the offset that fetched its last page, so the source answers that page
// again; written holds the records that the function is known to have written.
func takeOver(source, offset string, written []Record) *State {
	s := &State{Version: stateVersion, Source: source, Sequence: 1, Cursor: Cursor{ID: offset}}
	if len(written) > 0 {
		batch := Recent{Sequence: 0}
		for _, r := range written {
			batch.IDs = append(batch.IDs, r.ID)
			if r.Time.After(batch.To) {
				batch.To = r.Time
			}
		}
		s.Recent = []Recent{batch}
	}
	return s
}

// legacyError explains a documented function's state where ours should be.
func legacyError() error {
	return fmt.Errorf("%w: the documented Python function has written it although asa2udm has collected here already; "+
		"stop that function, then run again with --rebuild-state", ErrState)
}
