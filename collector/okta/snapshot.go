package okta

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/asa2udm/asa2udm/collector"
)

// snapshot is what the records of a list say, up to a batch: for each object that
// is there a hash of its content, and no more, so that a list of a million objects
// takes some 40 MB.
type snapshot struct {
	sequence int64  // of the batch, 0 for none yet
	chain    string // of the batch
	begun    int64  // the batch behind which it began with nothing
	whole    int64  // the batch behind which it was last stored as a whole
	sums     map[string]uint64
}

func newSnapshot(sequence int64, chain string) *snapshot {
	return &snapshot{sequence: sequence, chain: chain, begun: sequence, whole: sequence, sums: make(map[string]uint64)}
}

// stands reports whether s is the snapshot behind a batch.
func (s *snapshot) stands(sequence int64, chain string) bool {
	return s != nil && s.sequence == sequence && s.chain == chain
}

// entry is what one record says.
type entry struct {
	id  string
	sum uint64
}

func (s *snapshot) apply(e entry, idField string) {
	if e.sum == goneSum(idField, e.id) {
		delete(s.sums, e.id)
	} else {
		s.sums[e.id] = e.sum
	}
}

// gone answers the objects that were not seen, sorted.
func (s *snapshot) gone(seen map[string]uint64) (ids []string) {
	for id := range s.sums {
		if _, ok := seen[id]; !ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// entries answers all objects, sorted.
func (s *snapshot) entries() []entry {
	all := make([]entry, 0, len(s.sums))
	for _, id := range slices.Sorted(maps.Keys(s.sums)) {
		all = append(all, entry{id, s.sums[id]})
	}
	return all
}

// entriesOf answers what the records of a batch say, which their names tell. A
// line that someone else has put there and a run has adopted says nothing.
func entriesOf(records []collector.Record) []entry {
	entries := make([]entry, 0, len(records))
	for _, rec := range records {
		if e, ok := entryOf(rec.ID); ok {
			entries = append(entries, e)
		}
	}
	return entries
}

// contentSum is a hash of an object's bytes.
func contentSum(line []byte) uint64 {
	sum := sha256.Sum256(line)
	return binary.BigEndian.Uint64(sum[:8])
}

// goneLine is the record of an object that has gone, and goneSum its hash.
func goneLine(idField, id string) []byte { return fmt.Appendf(nil, `{%q:%s}`, idField, quoted(id)) }

func goneSum(idField, id string) uint64 { return contentSum(goneLine(idField, id)) }

// snapshotHead is the first line of a snapshot as it is stored. The lines behind
// it are a hash and an id each: of all objects, or of the records of the batch
// alone, which are to be applied to the snapshot of the batch before.
type snapshotHead struct {
	Version  int    `json:"version"`
	Sequence int64  `json:"sequence"`
	Chain    string `json:"chain"`
	Previous string `json:"previous,omitempty"` // the Chain of the batch before
	Whole    bool   `json:"whole,omitempty"`
	Begun    int64  `json:"begun"`
	Entries  int    `json:"entries"`
	SHA256   string `json:"sha256"` // of the lines behind
}

const snapshotVersion = 2

func encodeSnapshot(h snapshotHead, entries []entry) ([]byte, error) {
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%016x %q\n", e.sum, e.id)
	}
	sum := sha256.Sum256(b.Bytes())
	h.Version, h.Entries, h.SHA256 = snapshotVersion, len(entries), hex.EncodeToString(sum[:])
	head, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	return append(append(head, '\n'), b.Bytes()...), nil
}

var errDamaged = errors.New("it is damaged")

// decodeHead reads the first line, and checks the lines behind it.
func decodeHead(text []byte) (h snapshotHead, lines string, err error) {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if json.Unmarshal(first, &h) != nil {
		return h, "", errDamaged
	}
	if h.Version != snapshotVersion {
		return h, "", fmt.Errorf("it has version %d, this program reads version %d", h.Version, snapshotVersion)
	}
	if sum := sha256.Sum256(rest); h.SHA256 != hex.EncodeToString(sum[:]) {
		return h, "", errDamaged
	}
	return h, string(rest), nil
}

// applyLines applies what encodeSnapshot has written.
func (s *snapshot) applyLines(lines, idField string) error {
	for line := range strings.Lines(lines) {
		hash, id, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		sum, err := strconv.ParseUint(hash, 16, 64)
		if err != nil {
			return errDamaged
		}
		if id, err = strconv.Unquote(id); err != nil {
			return errDamaged
		}
		s.apply(entry{id, sum}, idField)
	}
	return nil
}
