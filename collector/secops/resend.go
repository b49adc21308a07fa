package secops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/collector"
)

// Resend pushes dead letters again, under the ids that they had. What is accepted
// is marked at once, so that a Resend which is cut off is gone on with by the next
// one; an event whose mark is missing then is sent once more, with its id. The dead
// letters themselves stay as they are. It is used once, by one goroutine, and one
// at a time for a spool.
type Resend struct {
	// Bucket is the spool.
	Bucket collector.Bucket
	// Connect answers the client of an instance. It is called when there is
	// something to send, for each batch.
	Connect func(Instance) (*Client, error)
	// Identify reads a raw line.
	Identify func(line []byte) collector.Record
	// Normalize maps the raw lines of UDM events again; nil sends the events as
	// they were. An event without its raw line is sent as it was in either case.
	Normalize collector.Normalizer
	// DryRun sends and writes nothing.
	DryRun bool
	// Left is told each event that stays a dead letter; in a dry run, each that
	// would be sent or stay. It may be nil.
	Left func(Left)
	// Now is the clock, nil for the machine's.
	Now func() time.Time
}

// Left is an event that is still a dead letter.
type Left struct {
	// Letters names the object that holds it, and Sequence its batch.
	Letters  string `json:"letters"`
	Sequence int64  `json:"sequence"`
	// Index counts the batch's events from 0.
	Index int    `json:"index"`
	ID    string `json:"id"`
	// Status is that of HTTP, 0 for an event that was not sent.
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason"`
}

// Resent counts what a Resend has done.
type Resent struct {
	// Letters counts the events that were dead letters when it came to their batch;
	// one that ends with an error has not seen those of the batches behind it.
	Letters int `json:"dead_letters"`
	// Rejected counts those whose records the rules reject, which are not sent.
	Rejected int `json:"rejected,omitempty"`
	// Accepted counts those that were accepted, and Left those that stay.
	Accepted int `json:"accepted"`
	Left     int `json:"left"`
	// Requests counts those that were sent, retries aside.
	Requests int `json:"requests"`
	// Nothing says that no batch was ever pushed from here, as from a place that is
	// no spool.
	Nothing bool `json:"nothing_pushed,omitempty"`
}

// errRaw is for rules where no event is.
var errRaw = errors.New("these are raw lines, which Google SecOps maps: rules have no effect on them")

// Run goes through all batches that have dead letters. Its error is one of this
// package, or of the spool; what was accepted before is marked, and is counted.
func (r *Resend) Run(ctx context.Context) (done Resent, err error) {
	for name, err := range r.Bucket.List(ctx, deadPrefix, "") {
		if err != nil {
			return done, err
		}
		f, err := r.open(ctx, name)
		if err != nil {
			return done, err
		}
		if f == nil {
			continue
		}
		done.Letters += len(f.letters)
		if err := f.run(ctx, &done); err != nil {
			return done, err
		}
	}
	if done.Letters > 0 {
		return done, nil
	}
	for _, err := range r.Bucket.List(ctx, notePrefix, "") {
		return done, err
	}
	done.Nothing = true
	return done, nil
}

func (r *Resend) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// resending is one object of dead letters.
type resending struct {
	*Resend
	*plan
	name     string
	sequence int64
	instance Instance
	client   *Client
	logType  string // "" for UDM events
	letters  []letter
	// said are the last words about a letter, by its index, and left those that
	// stay by now.
	said, left map[int]words
}

// words are why an event was refused.
type words struct {
	Status int    `json:"status,omitempty"`
	Reason string `json:"reason"`
}

// open answers what is left of an object of dead letters, nil for nothing. One that
// no note names was left by a run which was cut off: its events were pushed by the
// next one, or will be.
func (r *Resend) open(ctx context.Context, name string) (*resending, error) {
	f := &resending{Resend: r, name: name, left: make(map[int]words)}
	digits, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(name, deadPrefix), ".ndjson"), "-")
	if _, err := fmt.Sscanf(digits, "%d", &f.sequence); err != nil {
		return nil, nil // not one of ours
	}
	note, err := readNote(ctx, r.Bucket, f.sequence)
	if err != nil || note == nil || note.DeadLetters != name {
		return nil, err
	}
	if f.instance, f.logType, err = parseMethod(note.Method); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", collector.ErrForeign, noteName(f.sequence), err)
	}
	if f.logType != "" && r.Normalize != nil {
		return nil, fmt.Errorf("%s: %w", name, errRaw)
	}
	accepted, said, err := r.readMarks(ctx, f.sequence, name)
	if err != nil {
		return nil, err
	}
	f.said = said
	f.letters, err = r.readLetters(ctx, note)
	if err != nil {
		return nil, err
	}
	kept := f.letters[:0]
	for _, l := range f.letters {
		if !accepted[l.Index] {
			kept = append(kept, l)
		}
	}
	if f.letters = kept; len(kept) == 0 {
		return nil, nil
	}
	f.plan = &plan{target: note.Method}
	return f, nil
}

// run sends what is left and notes what stays.
func (f *resending) run(ctx context.Context, done *Resent) error {
	events, err := f.events(ctx, done)
	if err != nil {
		return err
	}
	if f.DryRun {
		for _, l := range f.letters {
			f.stay(l.Index, f.lastWords(l))
		}
		return f.finish(ctx, done)
	}
	if f.client, err = f.Connect(f.instance); err != nil {
		return err
	}
	if err := f.lay(ctx, events); err != nil {
		return err
	}
	for _, it := range f.large {
		f.stay(it.index, words{Reason: fmt.Sprintf("not sent: it has %d bytes, and a request may have %d", len(it.body), maxBytes)})
	}
	for i := 1; i < len(f.cuts) && err == nil; i++ {
		err = f.send(ctx, f.cuts[i-1], f.cuts[i], done)
	}
	return errors.Join(err, f.finish(ctx, done))
}

// events answers what is sent for each letter, nil for one that is not sent: the
// event as it was, or what the rules make of its record by now.
func (f *resending) events(ctx context.Context, done *Resent) ([][]byte, error) {
	out := make([][]byte, len(f.letters))
	var records [][]byte
	var at []int
	for i, l := range f.letters {
		if out[i] = l.Event; f.Normalize != nil && len(l.Record) > 0 {
			records, at = append(records, l.Record), append(at, i)
		}
	}
	if len(records) == 0 {
		return out, nil
	}
	udm, rejects, err := f.Normalize(ctx, append(bytes.Join(records, []byte{'\n'}), '\n'))
	if err != nil {
		return nil, err
	}
	mapped, rejected := cutLines(udm), make(map[int]gjson.Result)
	for _, line := range cutLines(rejects) {
		reject := gjson.ParseBytes(line)
		rejected[int(reject.Get("line").Int())-1] = reject
	}
	if len(mapped)+len(rejected) != len(records) {
		return nil, fmt.Errorf("%s: the rules make %d events and %d rejects of %d records", f.name, len(mapped), len(rejected), len(records))
	}
	for n, i := range at {
		if reject, no := rejected[n]; no {
			out[i] = nil
			done.Rejected++
			reason := fmt.Sprintf("not sent: the rules reject the record: %s, %s", reject.Get("error"), reject.Get("detail"))
			f.stay(f.letters[i].Index, words{Reason: reason})
			continue
		}
		out[i], mapped = mapped[0], mapped[1:]
	}
	return out, nil
}

// lay makes the requests.
func (f *resending) lay(ctx context.Context, events [][]byte) (err error) {
	f.frame = eventsFrame()
	var collected time.Time
	if f.logType != "" {
		if f.frame, err = f.client.logsFrame(); err != nil {
			return err
		}
		if collected, err = f.collected(ctx); err != nil {
			return err
		}
	}
	for i, l := range f.letters {
		if events[i] == nil {
			continue
		}
		it := item{index: l.Index, id: l.ID, event: events[i]}
		if f.logType != "" {
			it.body = logItem(it.event, l.ID, f.Identify(it.event).Time, collected)
		} else {
			it.body, it.id = eventItem(it.event, l.ID)
		}
		f.items = append(f.items, it)
	}
	f.cut()
	return nil
}

// collected is when the batch was first pushed, which raw lines are sent with
// again.
func (f *resending) collected(ctx context.Context) (time.Time, error) {
	b, err := readBegun(ctx, f.Bucket, f.sequence)
	if errors.Is(err, collector.ErrNotExist) {
		return f.now(), nil // these notes may be deleted
	}
	return b.Collected, err
}

// send pushes items from to to: together, or by halves where some are refused.
func (f *resending) send(ctx context.Context, from, to int, done *Resent) error {
	if from == to {
		return nil
	}
	body := f.body(from, to)
	sent := f.client.Calls().Requests.Load()
	answer, _, err := f.client.push(ctx, f.target, body, to-from)
	if f.client.Calls().Requests.Load() > sent { // without a token nothing is
		done.Requests++
	}
	refused := refusal(err)
	switch {
	case err == nil:
		done.Accepted += to - from
		return f.accept(ctx, from, to, body, answer)
	case refused == nil:
		return fmt.Errorf("push to %s: %w", f.client, err)
	case to-from == 1:
		f.stay(f.items[from].index, words{refused.Status, reason(refused)})
		return nil
	}
	middle := from + (to-from)/2
	if err := f.send(ctx, from, middle, done); err != nil {
		return err
	}
	return f.send(ctx, middle, to, done)
}

func (f *resending) stay(index int, w words) { f.left[index] = w }

func (f *resending) lastWords(l letter) words {
	if w, ok := f.left[l.Index]; ok {
		return w
	}
	if w, ok := f.said[l.Index]; ok {
		return w
	}
	return words{l.Status, l.Reason}
}

// finish tells what stays, and keeps words that are new.
func (f *resending) finish(ctx context.Context, done *Resent) error {
	var refused []again
	for _, l := range f.letters {
		w, stays := f.left[l.Index]
		if !stays {
			continue
		}
		done.Left++
		if f.Left != nil {
			f.Left(Left{Letters: f.name, Sequence: f.sequence, Index: l.Index, ID: l.ID, Status: w.Status, Reason: w.Reason})
		}
		delete(f.left, l.Index)
		if w != f.lastWords(l) {
			refused = append(refused, again{l.Index, w})
		}
	}
	if f.DryRun || len(refused) == 0 {
		return nil
	}
	return f.writeMark(ctx, mark{Refused: refused})
}
