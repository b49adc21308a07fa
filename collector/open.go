package collector

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// open reads the State, or makes the first one, and takes up what a run before
// has left half done. Only then may the source be asked.
func (r *run) open(ctx context.Context) error {
	if err := r.load(ctx); err != nil {
		return err
	}
	r.learn()
	if err := r.recover(ctx); err != nil {
		return err
	}
	if src, ok := r.Source.(Comparer); ok {
		if err := src.Recall(ctx, r.state.Sequence-1, r.state.Chain); err != nil {
			return err
		}
	}
	// A batch that was recovered has moved the cursor, so this comes behind it.
	if r.opts.FromStart {
		var err error
		if r.state.Cursor, err = r.locate(ctx, r.state.Floor); err != nil {
			return err
		}
	}
	if err := r.startAnew(ctx); err != nil {
		return err
	}
	r.cur = r.state.Cursor
	r.Stats.seeNewest(r.state.newest())
	return nil
}

func (r *run) load(ctx context.Context) error {
	if r.opts.Rebuild {
		return r.rebuild(ctx)
	}
	text, token, err := r.State.Bucket.Read(ctx, r.State.Name)
	if errors.Is(err, ErrNotExist) {
		return r.first(ctx)
	}
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	r.token = token
	if offset, ok := decodeLegacy(text); ok {
		return r.takeOver(ctx, offset)
	}
	r.state, err = decodeState(text)
	if err != nil {
		return r.explain(err)
	}
	return r.mustBeOurs(r.state)
}

// startAnew moves a State to where it is told to begin now, if that was elsewhere
// before.
func (r *run) startAnew(ctx context.Context) error {
	s, since := r.state, r.opts.Since.UTC()
	if !r.opts.SinceDecides || s.Start.Equal(since) {
		return nil
	}
	cur, err := r.locate(ctx, since)
	if err != nil {
		return err
	}
	r.log.Warn("the start was changed, so the state begins anew there", "source", s.Source,
		"start_before", s.Start, "start", since, "last_event_before", s.Cursor.Time)
	s.Start, s.Floor, s.Cursor = since, since, cur
	return r.save(ctx)
}

// Why a state cannot be used although nothing is wrong with its bytes.
var (
	errStateMissing = fmt.Errorf("%w: it is missing, but there are objects that it should know", ErrState)
	errStateLegacy  = fmt.Errorf("%w: the documented function has written it although asa2udm had collected here; stop that function", ErrState)
)

func (r *run) mustBeOurs(s *State) error {
	if s.Source == r.Source.Name() {
		return nil
	}
	return r.explain(fmt.Errorf("%w: it belongs to %q, this run collects %q", ErrSource, s.Source, r.Source.Name()))
}

func (r *run) explain(err error) error {
	return fmt.Errorf("%s/%s: %w; nothing was collected", r.State.Bucket, r.State.Name, err)
}

// first makes the State of a place where nothing was ever collected.
func (r *run) first(ctx context.Context) error {
	if err := r.mustBeEmpty(ctx, errStateMissing); err != nil {
		return err
	}
	for _, old := range r.State.Old {
		text, _, err := old.Bucket.Read(ctx, old.Name)
		if errors.Is(err, ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the documented function's state: %w", err)
		}
		if offset, ok := decodeLegacy(text); ok {
			return r.takeOver(ctx, offset)
		}
		if old.Must {
			return fmt.Errorf("%w: %s/%s is no state of the documented function", ErrState, old.Bucket, old.Name)
		}
	}
	cur, err := r.locate(ctx, r.opts.Since)
	if err != nil {
		return err
	}
	since := r.opts.Since.UTC()
	r.state = &State{Version: stateVersion, Source: r.Source.Name(), Sequence: 1, Cursor: cur, Floor: since, Start: since}
	return r.save(ctx)
}

// mustBeEmpty refuses a place where something was collected although the State
// does not say so, unless it says so by now.
func (r *run) mustBeEmpty(ctx context.Context, otherwise error) error {
	empty, err := r.Sink.Empty(ctx)
	if err != nil || empty {
		return err
	}
	if err := r.checkAlone(ctx); err != nil {
		return err
	}
	return r.explain(otherwise)
}

func (r *run) takeOver(ctx context.Context, offset string) error {
	if err := r.mustBeEmpty(ctx, errStateLegacy); err != nil {
		return err
	}
	var written []Record
	// A sink around Objects has this by embedding it.
	if sink, ok := r.Sink.(interface {
		foreignRecords(context.Context) ([]Record, error)
	}); ok {
		var err error
		if written, err = sink.foreignRecords(ctx); err != nil {
			return fmt.Errorf("read what the documented function has written: %w", err)
		}
	}
	r.log.Warn("taking over from the documented function", "offset", offset, "records_known", len(written))
	r.state = takeOver(r.Source.Name(), offset, written)
	if src, ok := r.Source.(Backward); ok {
		// What stands before the offset was written by the function, and only it
		// knows what that is.
		r.state.Floor = src.Now().UTC()
	}
	return r.save(ctx)
}

// Rebuilder is a Sink that can tell where a State must stand.
type Rebuilder interface {
	// Rebuild answers the State behind the last batch that is complete.
	Rebuild(ctx context.Context, source string) (*State, error)
}

func (r *run) rebuild(ctx context.Context) error {
	sink, ok := r.Sink.(Rebuilder)
	if !ok {
		return fmt.Errorf("%w: this destination cannot be read back, so its state cannot be rebuilt", ErrState)
	}
	token, err := r.State.Bucket.Stat(ctx, r.State.Name)
	if err != nil {
		return err
	}
	state, err := sink.Rebuild(ctx, r.Source.Name())
	if err != nil {
		return fmt.Errorf("rebuild the state: %w", err)
	}
	r.state, r.token = state, token
	r.log.Warn("the state was rebuilt from the manifests", "state", r.State.Name, "sequence", state.Sequence)
	return r.save(ctx)
}

// recover moves the State past batches that were written but not noted.
func (r *run) recover(ctx context.Context) error {
	for {
		receipt, err := r.Sink.Recover(ctx, r.next(r.state.Cursor))
		if err != nil {
			return fmt.Errorf("recover batch %d: %w", r.state.Sequence, err)
		}
		if receipt == nil {
			return nil
		}
		r.log.Warn("an earlier run had written this batch and was cut off", "sequence", receipt.Sequence, "records", len(receipt.Records))
		if err := r.advance(ctx, *receipt); err != nil {
			return err
		}
		r.Stats.Recovered.Add(1)
		r.count(*receipt)
		r.learn()
	}
}

// save swaps the State. It is the only place where the State moves.
func (r *run) save(ctx context.Context) error {
	r.state.Writer = r.opts.Writer
	text, err := r.state.encode()
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	token, err := r.State.Bucket.Swap(ctx, r.State.Name, text, r.token)
	if errors.Is(err, ErrChanged) {
		return fmt.Errorf("%w (%s)", ErrConflict, r.State.Name)
	}
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	r.token = token
	return nil
}

// checkAlone stops a run whose State another one has moved, before it writes.
func (r *run) checkAlone(ctx context.Context) error {
	token, err := r.State.Bucket.Stat(ctx, r.State.Name)
	if err != nil {
		return fmt.Errorf("look at the state: %w", err)
	}
	if token != r.token {
		return fmt.Errorf("%w (%s)", ErrConflict, r.State.Name)
	}
	return nil
}

func (s *State) newest() time.Time {
	t := s.Horizon
	for _, b := range s.Recent {
		t = later(t, b.To)
	}
	return t
}

func (s *State) untimed() bool {
	u := s.Untimed
	for _, b := range s.Recent {
		u = u || b.Untimed
	}
	return u
}
