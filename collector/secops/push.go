package secops

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/collector/rest"
)

// Bounds of what may be refused, unless a Sink has its own: so many events of one
// batch, and so many in a row without one that is accepted. A fault of all events,
// such as one of the rules, must not set all of them aside.
const (
	maxDead = 100
	maxRow  = 10
)

// pushing is one batch on its way.
type pushing struct {
	*Sink
	*plan
	sequence int64
	raw      string // SHA-256 of the raw object
	// again says that an earlier run may have sent requests of this batch.
	again bool
	// before are the requests that it knows to be accepted.
	before []part

	accepted []part
	letters  []letter
	row      int
}

// run sends all requests.
func (p *pushing) run(ctx context.Context) error {
	for _, it := range p.large {
		size := len(p.frame.head) + len(it.body) + len(p.frame.tail)
		p.setAside(it, 0, fmt.Sprintf("not sent: a request with this event alone has %d bytes, the limit is %d", size, maxBytes))
		if err := p.checkDead(nil); err != nil {
			return err
		}
	}
	for i := 1; i < len(p.cuts); i++ {
		if err := p.send(ctx, p.cuts[i-1], p.cuts[i]); err != nil {
			return err
		}
	}
	return nil
}

// send pushes items from to to: together, or by halves where the server refuses
// some of them.
func (p *pushing) send(ctx context.Context, from, to int) error {
	if from == to {
		return nil
	}
	body := p.body(from, to)
	now := part{
		Method: p.target, From: p.items[from].index, To: p.items[to-1].index + 1,
		Events: to - from, Bytes: len(body), SHA256: hash(body),
	}
	// What was accepted stays so, though other settings may cut or frame it otherwise.
	for _, b := range p.before {
		if b.From <= now.From && now.To <= b.To {
			now.Bytes, now.SHA256, now.Answer = b.Bytes, b.SHA256, b.Answer
			p.note(now)
			return nil
		}
	}
	// A part of it was accepted already, and must not be sent again.
	if to-from > 1 && slices.ContainsFunc(p.before, func(b part) bool { return b.From < now.To && now.From < b.To }) {
		return p.halve(ctx, from, to)
	}
	answer, taken, err := p.Client.push(ctx, p.target, body, to-from)
	words := refusal(err)
	if words == nil {
		p.countRepeats(taken, to-from)
	}
	switch {
	case err == nil:
		now.Answer = answer
		return p.accept(ctx, now)
	case words == nil:
		return err
	}
	p.Stats.Refusals.Add(1)
	if to-from > 1 {
		return p.halve(ctx, from, to)
	}
	p.row++
	p.setAside(p.items[from], words.Status, reason(words))
	return p.checkDead(words)
}

// countRepeats counts events that were sent again. The first time that they may
// have arrived is none.
func (p *pushing) countRepeats(taken, events int) {
	if !p.again {
		taken--
	}
	p.Stats.Repeated.Add(int64(max(taken, 0) * events))
}

func (p *pushing) halve(ctx context.Context, from, to int) error {
	middle := from + (to-from)/2
	if err := p.send(ctx, from, middle); err != nil {
		return err
	}
	return p.send(ctx, middle, to)
}

// accept notes a request that was accepted, so that it is not sent again. Where it
// is all of the batch the last note does.
func (p *pushing) accept(ctx context.Context, now part) error {
	p.Stats.Accepted.Add(int64(now.Events))
	p.Stats.Bytes.Add(int64(now.Bytes))
	p.note(now)
	if now.Events == len(p.items) {
		return nil
	}
	return p.writePart(ctx, p.sequence, now)
}

func (p *pushing) note(done part) {
	p.accepted = append(p.accepted, done)
	p.row = 0
}

func (p *pushing) setAside(it item, status int, reason string) {
	p.letters = append(p.letters, letter{
		Sequence: p.sequence, Index: it.index, ID: it.id, Status: status, Reason: reason, Event: it.event, Record: it.record,
	})
}

func reason(e *rest.StatusError) string {
	words := strings.Trim(e.Code+": "+e.Message, ": ")
	if words == "" {
		return http.StatusText(e.Status)
	}
	return words
}

// checkDead stops a batch of which too much is refused. Nothing has moved then.
func (p *pushing) checkDead(words *rest.StatusError) error {
	inBatch, inRow := p.deadLimits()
	var what string
	switch {
	case p.row > inRow:
		what = fmt.Sprintf("%d in a row, of batch %d and before", p.row, p.sequence)
	case len(p.letters) > inBatch:
		what = fmt.Sprintf("%d of batch %d", len(p.letters), p.sequence)
	default:
		return nil
	}
	last := p.letters[len(p.letters)-1]
	if words == nil {
		return fmt.Errorf("%w: %s, the last one: %s", ErrRefused, what, last.Reason)
	}
	return fmt.Errorf("%w: %s, the last one (line %d): %w", ErrRefused, what, last.Index+1, words)
}
