package collector

import (
	"context"
	"encoding/json"
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

// foreignObjects bounds how many of the documented function's objects are read.
// It names them by the time, so the last ones hold the last pages.
const foreignObjects = 20

// foreignRecords answers the records in the last objects below the raw prefix
// that are not ours.
func (o *Objects) foreignRecords(ctx context.Context) ([]Record, error) {
	var names []string
	for name, err := range o.Bucket.List(ctx, o.Layout.Raw, "") {
		if err != nil {
			return nil, err
		}
		if _, ours := parseSequence(name, o.Layout.Raw); !ours {
			names = append(names, name)
		}
	}
	var records []Record
	for _, name := range names[max(0, len(names)-foreignObjects):] {
		raw, _, err := o.read(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, line := range lines(raw) {
			if r := o.Identify(line); !r.Nameless {
				records = append(records, Record{ID: r.ID, Time: r.Time})
			}
		}
	}
	return records, nil
}
