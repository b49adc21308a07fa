package simulator

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/asa2udm/asa2udm/internal/page"
)

// Entry is one event as a page lists it, and the objects that it refers to.
type Entry struct {
	ID      string
	Event   []byte
	Related map[string]json.RawMessage
}

// Log is what the API answers from, oldest first. It may grow between calls and
// is used by several goroutines.
type Log interface {
	Len() int
	At(i int) Entry
	// Index finds an event by its id.
	Index(id string) (int, bool)
}

// List is a Log in memory.
type List struct {
	mu      sync.RWMutex
	entries []Entry
	index   map[string]int // nil when it must be made anew
}

// Append adds events at the end.
func (l *List) Append(entries ...Entry) { l.Insert(-1, entries...) }

// Insert puts events before the one at i; -1 is the end.
func (l *List) Insert(i int, entries ...Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i < 0 {
		i = len(l.entries)
	}
	l.entries = slices.Insert(l.entries, i, entries...)
	l.index = nil
}

// Purge drops the n oldest events.
func (l *List) Purge(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = slices.Delete(l.entries, 0, n)
	l.index = nil
}

// Len implements Log.
func (l *List) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.entries)
}

// At implements Log.
func (l *List) At(i int) Entry {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.entries[i]
}

// Index implements Log. Of a repeated id the first event counts.
func (l *List) Index(id string) (int, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.index == nil {
		l.index = make(map[string]int, len(l.entries))
		for i, e := range slices.Backward(l.entries) {
			l.index[e.ID] = i
		}
	}
	i, ok := l.index[id]
	return i, ok
}

// Read makes a List of NDJSON: pages as the API answers them, or events, one a
// line.
func Read(r io.Reader) (*List, error) {
	l := &List{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		entries, err := parseLine(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		l.entries = append(l.entries, entries...)
	}
	return l, lines.Err()
}

func parseLine(line []byte) ([]Entry, error) {
	if !page.Is(line) {
		e, err := newEntry(slices.Clone(line), nil)
		return []Entry{e}, err
	}
	var p struct {
		List    []json.RawMessage          `json:"list"`
		Related map[string]json.RawMessage `json:"related_objects"`
	}
	if err := json.Unmarshal(line, &p); err != nil {
		return nil, err
	}
	entries := make([]Entry, len(p.List))
	for i, event := range p.List {
		var err error
		if entries[i], err = newEntry(event, p.Related); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func newEntry(event []byte, related map[string]json.RawMessage) (Entry, error) {
	var e struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return Entry{}, err
	}
	if e.ID == "" {
		return Entry{}, fmt.Errorf("an event without an id")
	}
	return Entry{ID: e.ID, Event: event, Related: related}, nil
}

// Generated is a Log of made-up events. An event is a function of the seed and
// its place, so that a log of any length costs nothing.
type Generated struct {
	seed uint64
	// Start is the time of the first event, Step the time from one to the next.
	Start time.Time
	Step  time.Duration

	mu  sync.Mutex
	len int
}

// Generate makes a log of n events.
func Generate(seed uint64, n int, start time.Time, step time.Duration) *Generated {
	return &Generated{seed: seed, Start: start.UTC(), Step: step, len: n}
}

// Grow adds n events.
func (g *Generated) Grow(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.len += n
}

// Len implements Log.
func (g *Generated) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.len
}

// digest answers 32 bytes that depend on the seed and the arguments.
func (g *Generated) digest(kind string, i int) [32]byte {
	b := binary.BigEndian.AppendUint64([]byte(kind), g.seed)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(i)))
}

// id hides the place in the id, so that Index needs no table.
func (g *Generated) id(i int) string {
	sum := g.digest("event", i)
	mask := g.digest("mask", 0)
	binary.BigEndian.PutUint64(sum[:8], uint64(i)^binary.BigEndian.Uint64(mask[:8]))
	return base64.StdEncoding.EncodeToString(sum[:16])
}

// Index implements Log.
func (g *Generated) Index(id string) (int, bool) {
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(raw) != 16 {
		return 0, false
	}
	mask := g.digest("mask", 0)
	i := binary.BigEndian.Uint64(raw[:8]) ^ binary.BigEndian.Uint64(mask[:8])
	if i >= uint64(g.Len()) || g.id(int(i)) != id {
		return 0, false
	}
	return int(i), true
}
