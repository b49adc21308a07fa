package okta

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// snapshot is what a reading has found: for each object a hash of its content,
// and no more, so that a list of a million objects takes some 40 MB.
type snapshot struct {
	at   time.Time // the reading
	full time.Time // the last reading of the whole list
	sums map[string]uint64
}

func newSnapshot(at time.Time) *snapshot {
	return &snapshot{at: at, sums: make(map[string]uint64)}
}

// copy answers one for a reading of changes alone.
func (s *snapshot) copy(at time.Time) *snapshot {
	return &snapshot{at: at, full: s.full, sums: maps.Clone(s.sums)}
}

// gone answers the objects that now lacks, sorted.
func (s *snapshot) gone(now *snapshot) (ids []string) {
	for id := range s.sums {
		if _, ok := now.sums[id]; !ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// contentSum is a hash of an object's bytes.
func contentSum(line []byte) uint64 {
	sum := sha256.Sum256(line)
	return binary.BigEndian.Uint64(sum[:8])
}

// snapshotHead is the first line of a snapshot as it is stored. The lines behind
// it are a hash and an id each.
type snapshotHead struct {
	Version int       `json:"version"`
	Read    time.Time `json:"read"`
	Full    time.Time `json:"full"`
	Objects int       `json:"objects"`
	SHA256  string    `json:"sha256"` // of the lines behind
}

const snapshotVersion = 1

func (s *snapshot) encode() ([]byte, error) {
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(s.sums)) {
		fmt.Fprintf(&b, "%016x %s\n", s.sums[id], id)
	}
	sum := sha256.Sum256(b.Bytes())
	head, err := json.Marshal(snapshotHead{snapshotVersion, s.at, s.full, len(s.sums), hex.EncodeToString(sum[:])})
	if err != nil {
		return nil, err
	}
	return append(append(head, '\n'), b.Bytes()...), nil
}

func decodeSnapshot(text []byte) (*snapshot, error) {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	var head snapshotHead
	if err := json.Unmarshal(first, &head); err != nil {
		return nil, errors.New("it is damaged")
	}
	sum := sha256.Sum256(rest)
	if head.Version != snapshotVersion || head.SHA256 != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("it is damaged, or of version %d, which this program does not read", head.Version)
	}
	s := &snapshot{at: head.Read, full: head.Full, sums: make(map[string]uint64, head.Objects)}
	for line := range strings.Lines(string(rest)) {
		hash, id, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		raw, err := hex.DecodeString(hash)
		if err != nil || len(raw) != 8 {
			return nil, errors.New("it is damaged")
		}
		s.sums[id] = binary.BigEndian.Uint64(raw)
	}
	return s, nil
}

// slots are the names of the two snapshots: the one that counts stays while the
// next one is written.
func (m Memory) slots() [2]string { return [2]string{m.Name + "-a.txt", m.Name + "-b.txt"} }

// slot is a place for a snapshot as it was found.
type slot struct {
	name  string
	token collector.Token
	kept  *snapshot // nil where there is none
}

// load answers both slots.
func (m Memory) load(ctx context.Context) (both [2]slot, err error) {
	for i, name := range m.slots() {
		both[i].name = name
		text, token, err := m.Bucket.Read(ctx, name)
		if errors.Is(err, collector.ErrNotExist) {
			continue
		}
		if err != nil {
			return both, err
		}
		both[i].token = token
		if both[i].kept, err = decodeSnapshot(text); err != nil {
			return both, fmt.Errorf("%s/%s: %w; move it away to begin anew", m.Bucket, name, err)
		}
	}
	return both, nil
}

// forget empties a slot with a snapshot after the given time: its reading ended,
// but its records did not all become durable.
func (m Memory) forget(ctx context.Context, after time.Time) error {
	both, err := m.load(ctx)
	if err != nil {
		return err
	}
	for _, s := range both {
		if s.kept != nil && s.kept.at.After(after) {
			if err := m.keep(ctx, s, newSnapshot(time.Time{})); err != nil {
				return err
			}
		}
	}
	return nil
}

// before answers the newest snapshot of a reading before the given one, nil for
// none, and the slot that it does not stand in.
func (m Memory) before(ctx context.Context, at time.Time) (newest *snapshot, free slot, err error) {
	both, err := m.load(ctx)
	if err != nil {
		return nil, free, err
	}
	free = both[0]
	for i, s := range both {
		if s.kept != nil && !s.kept.at.IsZero() && s.kept.at.Before(at) && (newest == nil || s.kept.at.After(newest.at)) {
			newest, free = s.kept, both[1-i]
		}
	}
	free.kept = nil
	return newest, free, nil
}

// keep stores s in a slot that is as it was found. Where it is not, another
// process has read the list meanwhile, and its snapshot may be the one that
// counts: to replace it would pass over what has changed between the readings.
func (m Memory) keep(ctx context.Context, into slot, s *snapshot) error {
	text, err := s.encode()
	if err != nil {
		return err
	}
	if _, err := m.Bucket.Swap(ctx, into.name, text, into.token); errors.Is(err, collector.ErrChanged) {
		return fmt.Errorf("%w: %s was written by someone else", collector.ErrConflict, into.name)
	} else if err != nil {
		return err
	}
	return nil
}
