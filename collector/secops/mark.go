package secops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// mark is what has come of dead letters that were sent again: a request that was
// accepted, or the words about those that were refused. Marks are created and never
// replaced, so that a spool under a retention policy takes them.
type mark struct {
	Version  int    `json:"version"`
	Sequence int64  `json:"sequence"`
	Letters  string `json:"dead_letters"`
	// At is when, and Accepted the events of the request, by their index.
	At       time.Time `json:"at"`
	Method   string    `json:"method"`
	Accepted []int     `json:"accepted,omitempty"`
	Bytes    int       `json:"bytes,omitempty"`
	SHA256   string    `json:"sha256,omitempty"` // of the request's body
	Answer   string    `json:"answer,omitempty"`
	Refused  []again   `json:"refused,omitempty"`
}

// again is an event that was refused once more.
type again struct {
	Index int `json:"index"`
	words
}

const markTime = "20060102T150405.000Z"

// markGrace bounds how long a mark may take after its run was told to stop: what
// has no mark is sent once more.
const markGrace = 8 * time.Second

// accept marks a request that was accepted.
func (f *resending) accept(ctx context.Context, from, to int, body []byte, answer string) error {
	m := mark{Bytes: len(body), SHA256: hash(body), Answer: answer}
	for _, it := range f.items[from:to] {
		m.Accepted = append(m.Accepted, it.index)
	}
	return f.writeMark(ctx, m)
}

func (f *resending) writeMark(ctx context.Context, m mark) error {
	m.Version, m.Sequence, m.Letters, m.Method = noteVersion, f.sequence, f.name, f.target
	m.At = f.now().UTC().Truncate(time.Millisecond)
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markGrace)
	defer cancel()
	name := fmt.Sprintf("%s%012d-%s-%s.json", markPrefix, f.sequence, m.At.Format(markTime), hash(text)[:8])
	return f.Bucket.Create(ctx, name, append(text, '\n'))
}

// readMarks answers which of an object's letters were accepted since, and the last
// words about the others.
func (r *Resend) readMarks(ctx context.Context, n int64, letters string) (accepted map[int]bool, said map[int]words, err error) {
	accepted, said = make(map[int]bool), make(map[int]words)
	// The names are in order of time.
	for name, err := range r.Bucket.List(ctx, fmt.Sprintf("%s%012d-", markPrefix, n), "") {
		if err != nil {
			return nil, nil, err
		}
		text, _, err := r.Bucket.Read(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		var m mark
		if err := json.Unmarshal(text, &m); err != nil || m.Version != noteVersion || m.Sequence != n {
			return nil, nil, fmt.Errorf("%w: %s is damaged", collector.ErrForeign, name)
		}
		if m.Letters != letters {
			continue
		}
		for _, i := range m.Accepted {
			accepted[i] = true
		}
		for _, a := range m.Refused {
			said[a.Index] = a.words
		}
	}
	return accepted, said, nil
}

// readLetters reads the object of dead letters that a note names. The note tells
// how many there are: lines that were cut off would else pass for sent.
func (r *Resend) readLetters(ctx context.Context, of *note) (all []letter, err error) {
	name, n := of.DeadLetters, of.Sequence
	text, _, err := r.Bucket.Read(ctx, name)
	if errors.Is(err, collector.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrSpool, err)
	}
	if err != nil {
		return nil, err
	}
	for i, line := range cutLines(text) {
		var l letter
		if err := json.Unmarshal(line, &l); err != nil || l.Sequence != n || l.ID == "" || len(l.Event) == 0 || l.Event[0] != '{' {
			return nil, fmt.Errorf("%w: %s is damaged in line %d", collector.ErrForeign, name, i+1)
		}
		all = append(all, l)
	}
	if len(all) != of.Dead {
		return nil, fmt.Errorf("%w: %s is damaged: it has %d lines, and %s tells of %d", collector.ErrForeign, name, len(all), noteName(n), of.Dead)
	}
	return all, nil
}

// readBegun answers the first note of a batch, or collector.ErrNotExist.
func readBegun(ctx context.Context, b collector.Bucket, n int64) (begin, error) {
	text, _, err := b.Read(ctx, beginName(n))
	if err != nil {
		return begin{}, err
	}
	return parseBegin(text, n)
}

var methodForm = regexp.MustCompile(`^(projects/[^/]+/locations/[^/]+/instances/[^/]+)/(?:events:import|logTypes/([^/]+)/logs:import)$`)

// parseMethod reads the method of a note. The log type is "" for UDM events.
func parseMethod(method string) (i Instance, logType string, err error) {
	m := methodForm.FindStringSubmatch(method)
	if m == nil {
		return i, "", fmt.Errorf("method %q: want that of an import", method)
	}
	i, err = ParseInstance(m[1])
	return i, m[2], err
}
