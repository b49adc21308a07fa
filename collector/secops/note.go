package secops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// Prefixes of what lies at the spool beside the objects.
const (
	beginPrefix = "sending/"
	notePrefix  = "pushed/"
	deadPrefix  = "dead/"
	markPrefix  = "resent/"
)

// Prefixes are those below which a Sink or a Resend writes beside the Objects.
func Prefixes() []string { return []string{beginPrefix, notePrefix, deadPrefix, markPrefix} }

const noteVersion = 1

func beginName(n int64) string { return fmt.Sprintf("%s%012d.json", beginPrefix, n) }
func noteName(n int64) string  { return fmt.Sprintf("%s%012d.json", notePrefix, n) }
func partPrefix(n int64) string {
	return fmt.Sprintf("%s%012d-", beginPrefix, n)
}

// begin is written before the first request of a batch.
type begin struct {
	Version   int       `json:"version"`
	Sequence  int64     `json:"sequence"`
	Method    string    `json:"method"`
	Collected time.Time `json:"collected"`
}

// part is a request that was accepted.
type part struct {
	Method string `json:"method"`
	// From and To are the indexes of its first event and behind its last one.
	From   int    `json:"from"`
	To     int    `json:"to"`
	Events int    `json:"events"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"` // of the request's body
	Answer string `json:"answer"`
}

func (p part) name(n int64) string {
	return fmt.Sprintf("%s%06d-%06d.json", partPrefix(n), p.From, p.To)
}

// note is written when all of a batch has been accepted or set aside.
type note struct {
	Version  int    `json:"version"`
	Sequence int64  `json:"sequence"`
	Method   string `json:"method"`
	// Raw is the SHA-256 of the raw object as it is stored.
	Raw      string `json:"raw_sha256"`
	Events   int    `json:"events"`
	Accepted int    `json:"accepted"`
	Dead     int    `json:"dead"`
	// DeadLetters names the object that holds them.
	DeadLetters string `json:"dead_letters,omitempty"`
	// First and Last are ids of events.
	First string `json:"first_id,omitempty"`
	Last  string `json:"last_id,omitempty"`
	// Row counts the events that were refused since the last one was accepted, in
	// the batches before, too.
	Row      int    `json:"refused_in_a_row,omitempty"`
	Requests []part `json:"requests,omitempty"`
}

// letter is one line of the dead letters: an event that was set aside, and why.
type letter struct {
	Sequence int64           `json:"sequence"`
	Index    int             `json:"index"`
	ID       string          `json:"id"`
	Status   int             `json:"status,omitempty"` // of HTTP, 0 for an event that was not sent
	Reason   string          `json:"reason"`
	Event    json.RawMessage `json:"event"`
	// Record is the raw line of a UDM event, to be mapped again.
	Record json.RawMessage `json:"record,omitempty"`
}

// readBegin answers the first note of a batch, or writes it. first says that it
// was not there.
func (s *Sink) readBegin(ctx context.Context, n int64) (b begin, first bool, err error) {
	b = begin{Version: noteVersion, Sequence: n, Method: s.method(), Collected: s.now().UTC().Truncate(time.Millisecond)}
	text, _, err := s.Bucket.Read(ctx, beginName(n))
	if errors.Is(err, collector.ErrNotExist) {
		if text, err = json.Marshal(b); err != nil {
			return b, false, err
		}
		err = s.Bucket.Create(ctx, beginName(n), append(text, '\n'))
		if err == nil {
			return b, true, nil
		}
		if errors.Is(err, collector.ErrExist) {
			// Another collector is about to push the same batch.
			text, _, err = s.Bucket.Read(ctx, beginName(n))
		}
	}
	if err != nil {
		return b, false, err
	}
	b, err = parseBegin(text, n)
	return b, false, err
}

func parseBegin(text []byte, n int64) (b begin, err error) {
	if err := json.Unmarshal(text, &b); err != nil || b.Version != noteVersion || b.Sequence != n || b.Collected.IsZero() {
		return b, fmt.Errorf("%w: %s is damaged", collector.ErrForeign, beginName(n))
	}
	return b, nil
}

// readNote answers the last note of a batch, nil where there is none.
func readNote(ctx context.Context, b collector.Bucket, n int64) (*note, error) {
	text, _, err := b.Read(ctx, noteName(n))
	if errors.Is(err, collector.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out note
	if err := json.Unmarshal(text, &out); err != nil || out.Version != noteVersion || out.Sequence != n || out.Raw == "" {
		return nil, fmt.Errorf("%w: %s is damaged", collector.ErrForeign, noteName(n))
	}
	return &out, nil
}

// lastNote answers the sequence of the last batch that was pushed, 0 for none.
func (s *Sink) lastNote(ctx context.Context) (last int64, err error) {
	for name, err := range s.Bucket.List(ctx, notePrefix, "") {
		if err != nil {
			return 0, err
		}
		digits := strings.TrimSuffix(strings.TrimPrefix(name, notePrefix), ".json")
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil && name == noteName(n) {
			last = n
		}
	}
	return last, nil
}

// readParts answers the requests of a batch that were accepted before a run was
// cut off, by their range. Those of another method were cut from other events.
func (s *Sink) readParts(ctx context.Context, n int64) ([]part, error) {
	var parts []part
	for name, err := range s.Bucket.List(ctx, partPrefix(n), "") {
		if err != nil {
			return nil, err
		}
		text, _, err := s.Bucket.Read(ctx, name)
		if err != nil {
			return nil, err
		}
		var p part
		if err := json.Unmarshal(text, &p); err != nil || p.name(n) != name {
			return nil, fmt.Errorf("%w: %s is damaged", collector.ErrForeign, name)
		}
		if p.Method == s.method() {
			parts = append(parts, p)
		}
	}
	return parts, nil
}

// writePart notes a request. Where the note is there, another collector was as fast.
func (s *Sink) writePart(ctx context.Context, n int64, p part) error {
	err := s.write(ctx, p.name(n), p)
	if errors.Is(err, collector.ErrExist) {
		return nil
	}
	return err
}

// writeNote notes that a batch is done. Where that is noted, it was pushed by
// another collector, too, whose note is as good if it is of the same object.
func (s *Sink) writeNote(ctx context.Context, n note) error {
	err := s.write(ctx, noteName(n.Sequence), n)
	if !errors.Is(err, collector.ErrExist) {
		return err
	}
	other, err := readNote(ctx, s.Bucket, n.Sequence)
	if err == nil && other.Raw != n.Raw {
		err = fmt.Errorf("%w: %s speaks of another object", collector.ErrForeign, noteName(n.Sequence))
	}
	return err
}

func (s *Sink) write(ctx context.Context, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.Bucket.Create(ctx, name, append(text, '\n'))
}

// writeLetters keeps dead letters, and answers where. A run that was cut off may
// have left others, where the server has spoken otherwise to it: those stay, and
// ours are put beside them.
func (s *Sink) writeLetters(ctx context.Context, n int64, letters []letter) (string, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	for _, l := range letters {
		if err := enc.Encode(l); err != nil {
			return "", err
		}
	}
	name := fmt.Sprintf("%s%012d.ndjson", deadPrefix, n)
	err := s.Bucket.Create(ctx, name, text.Bytes())
	if errors.Is(err, collector.ErrExist) {
		name = fmt.Sprintf("%s%012d-%s.ndjson", deadPrefix, n, hash(text.Bytes())[:16])
		err = s.Bucket.Create(ctx, name, text.Bytes())
	}
	return name, err
}
