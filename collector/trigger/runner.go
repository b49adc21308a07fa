package trigger

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Errors of Do, for errors.Is.
var (
	// ErrStopping is for triggers that no run will cover any more, and for a run
	// that was ended because the process ends.
	ErrStopping = errors.New("the service is stopping")
	// ErrIncomplete is for a run that was ended by its time limit. What it has
	// made durable stays, and the next run goes on from there.
	ErrIncomplete = errors.New("the run was ended by its time limit, and there is more to come")
)

// PanicError is a fault in a run's program.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("a fault in the program: %v", e.Value) }

// Run is one run, and answers a report that JSON can hold. by is the first of the
// triggers that it covers. When ctx ends it has to return soon.
type Run func(ctx context.Context, by Trigger) (report any, err error)

// Outcome is what has come of a run.
type Outcome struct {
	Report any
	Err    error
	// Triggers counts those that the run covers.
	Triggers int
}

// Runner does one run at a time. It may be used by several goroutines.
type Runner struct {
	run   Run
	limit time.Duration

	ctx    context.Context // of all runs
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	running *flight
	waiting *flight // begins when running has ended
	stopped bool
}

// flight is a run that is under way, or will be, and those who wait for it.
type flight struct {
	by      Trigger
	done    chan struct{} // closed when outcome is set
	outcome Outcome
}

// NewRunner answers a Runner. limit bounds a run; 0 is no limit.
func NewRunner(run Run, limit time.Duration) *Runner {
	r := &Runner{run: run, limit: limit}
	r.ctx, r.cancel = context.WithCancelCause(context.Background())
	return r
}

// Do answers the outcome of a run that began after the call: one that it begins
// itself, or the one that follows the run at hand, which it shares with all others
// that wait. When ctx ends Do returns its cause, and the run goes on.
func (r *Runner) Do(ctx context.Context, t Trigger) Outcome {
	f := r.join(t)
	if f == nil {
		return Outcome{Err: ErrStopping}
	}
	select {
	case <-f.done:
		return f.outcome
	case <-ctx.Done():
		return Outcome{Err: context.Cause(ctx)}
	}
}

func (r *Runner) join(t Trigger) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.stopped:
		return nil
	case r.running == nil:
		r.running = &flight{by: t, done: make(chan struct{}), outcome: Outcome{Triggers: 1}}
		go r.fly(r.running)
		return r.running
	case r.waiting == nil:
		r.waiting = &flight{by: t, done: make(chan struct{})}
	}
	r.waiting.outcome.Triggers++
	return r.waiting
}

// fly does a run, and then the one that waits for its end.
func (r *Runner) fly(f *flight) {
	for f != nil {
		f.outcome.Report, f.outcome.Err = r.once(f.by)
		f = r.next(f)
	}
}

// next ends a flight and answers the one that waits for it, if it may begin.
func (r *Runner) next(f *flight) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(f.done)
	r.running, r.waiting = r.waiting, nil
	if r.running != nil && r.stopped {
		r.running.outcome.Err = ErrStopping
		close(r.running.done)
		r.running = nil
	}
	return r.running
}

// once does one run within its time limit. A panic in it is its error: those who
// wait must hear of it, and the next trigger tries again.
func (r *Runner) once(by Trigger) (report any, err error) {
	ctx := r.ctx
	if r.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.limit, ErrIncomplete)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			report, err = nil, &PanicError{p, debug.Stack()}
		}
	}()
	report, err = r.run(ctx, by)
	return report, EndedBy(ctx, err)
}

// EndedBy gives an error of a run the reason why its ctx has ended, where it failed
// by that. A run that still makes its last batch durable by then does so under a
// context of its own, which is cancelled when that takes too long, whatever has ended
// ctx.
func EndedBy(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(err, cause) || !errors.Is(err, ctx.Err()) && !errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// Stopping reports whether Stop was called.
func (r *Runner) Stopping() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

// Stop ends the run at hand, lets no other begin, and returns when all who waited
// have their outcome, or when ctx ends.
func (r *Runner) Stop(ctx context.Context) {
	r.mu.Lock()
	r.stopped = true
	running := r.running
	r.mu.Unlock()
	r.cancel(ErrStopping)
	if running == nil {
		return
	}
	select {
	case <-running.done:
	case <-ctx.Done():
	}
}
