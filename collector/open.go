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
	if r.opts.FromStart {
		r.state.Cursor = Cursor{}
	}
	r.learn()
	if err := r.recover(ctx); err != nil {
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
		return r.explain(err, "restore the file from a copy, or run once with --rebuild-state")
	}
	if r.state.Source != r.Source.Name() {
		err := fmt.Errorf("%w: it belongs to %q, this run collects %q", ErrState, r.state.Source, r.Source.Name())
		return r.explain(err, "give each source a place of its own")
	}
	return nil
}

func (r *run) explain(err error, cure string) error {
	return fmt.Errorf("%s: %w; nothing was collected; %s", r.State.Name, err, cure)
}

// first makes the State of a place where nothing was ever collected.
func (r *run) first(ctx context.Context) error {
	if err := r.mustBeEmpty(ctx, fmt.Errorf("%w: it is missing, but there are objects that it should know", ErrState)); err != nil {
		return err
	}
	cur, err := r.locate(ctx)
	if err != nil {
		return err
	}
	r.state = &State{Version: stateVersion, Source: r.Source.Name(), Sequence: 1, Cursor: cur}
	return r.save(ctx)
}

func (r *run) mustBeEmpty(ctx context.Context, otherwise error) error {
	empty, err := r.Sink.Empty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		return r.explain(otherwise, "restore the file from a copy, or run once with --rebuild-state")
	}
	return nil
}

func (r *run) takeOver(ctx context.Context, offset string) error {
	if err := r.mustBeEmpty(ctx, legacyError()); err != nil {
		return err
	}
	var written []Record
	if r.State.Written != nil {
		var err error
		if written, err = r.State.Written(ctx); err != nil {
			return fmt.Errorf("read what the documented function has written: %w", err)
		}
	}
	r.log.Info("taking over the state of the documented function", "state", r.State.Name,
		"offset", offset, "records_known", len(written))
	r.state = takeOver(r.Source.Name(), offset, written)
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
		r.state.advance(*receipt)
		if err := r.save(ctx); err != nil {
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
