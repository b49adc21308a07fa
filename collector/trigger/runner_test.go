package trigger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// log is something that runs read: a run covers what stands there when it begins.
type log struct {
	mu      sync.Mutex
	news    int
	runs    int
	at      int // runs at a time, at most
	running int
}

func (l *log) add() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.news++
	return l.news
}

// run lasts a second and answers how much was there when it began.
func (l *log) run(context.Context, Trigger) (any, error) {
	l.mu.Lock()
	l.runs++
	l.running++
	l.at = max(l.at, l.running)
	news := l.news
	l.mu.Unlock()
	time.Sleep(time.Second)
	l.mu.Lock()
	l.running--
	l.mu.Unlock()
	return news, nil
}

// TestTriggersShareRuns fires at every moment of a run: each trigger is covered by
// a run that began after it came, and runs are few.
func TestTriggersShareRuns(t *testing.T) {
	for _, tc := range []struct {
		name  string
		apart time.Duration // from one trigger to the next
		n     int
		runs  int
	}{
		{"at once", 0, 50, 2},
		{"within one run", 10 * time.Millisecond, 50, 2},
		{"over many runs", 100 * time.Millisecond, 50, 6},
		{"one after the other", 1100 * time.Millisecond, 5, 5},
		{"one", 0, 1, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &log{}
				r := NewRunner(l.run, 0)
				var group sync.WaitGroup
				triggers := make(chan int, tc.n)
				for range tc.n {
					group.Go(func() {
						mine := l.add()
						o := r.Do(t.Context(), Trigger{})
						if covered, ok := o.Report.(int); !ok || covered < mine || o.Err != nil {
							t.Errorf("the trigger of news %d got a run that saw %v, %v", mine, o.Report, o.Err)
						}
						triggers <- o.Triggers
					})
					time.Sleep(tc.apart)
				}
				group.Wait()
				if l.at != 1 || l.runs > tc.runs || l.runs == 0 {
					t.Errorf("%d runs, %d at a time; want %d at most, one at a time", l.runs, l.at, tc.runs)
				}
			})
		})
	}
}

// TestFailureIsShared answers the failure to all that the run covers, and to
// nobody else.
func TestFailureIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		runs := 0
		r := NewRunner(func(context.Context, Trigger) (any, error) {
			time.Sleep(time.Second)
			if runs++; runs == 2 {
				return runs, broken
			}
			return runs, nil
		}, 0)
		var group sync.WaitGroup
		errs := make([]error, 5)
		for i := range errs {
			group.Go(func() { errs[i] = r.Do(t.Context(), Trigger{}).Err })
			synctest.Wait()
		}
		group.Wait()
		if got, want := fmt.Sprint(errs), "[<nil> broken broken broken broken]"; got != want {
			t.Errorf("outcomes %s, want %s", got, want)
		}
		if o := r.Do(t.Context(), Trigger{}); o.Err != nil || o.Report != 3 || o.Triggers != 1 {
			t.Errorf("after the failure: %+v", o)
		}
	})
}

// TestCallerGoes leaves the run to those who still wait.
func TestCallerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRunner(func(ctx context.Context, _ Trigger) (any, error) {
			time.Sleep(time.Second)
			return "done", ctx.Err()
		}, 0)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if o := r.Do(ctx, Trigger{}); !errors.Is(o.Err, gone) {
				t.Errorf("who has gone got %+v", o)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if o := r.Do(t.Context(), Trigger{}); o.Report != "done" || o.Err != nil {
				t.Errorf("who waits got %+v", o)
			}
		})
		cancel(gone)
		group.Wait()
	})
}

func TestRunTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRunner(func(ctx context.Context, _ Trigger) (any, error) {
			<-ctx.Done()
			return "partial", ctx.Err()
		}, time.Minute)
		start := time.Now()
		o := r.Do(t.Context(), Trigger{})
		if !errors.Is(o.Err, ErrIncomplete) || o.Report != "partial" || time.Since(start) != time.Minute {
			t.Errorf("after %s: %+v", time.Since(start), o)
		}
	})
}

// TestLastBatchTakesTooLong is of a run that goes on for a while when its time is
// over, under a context of its own.
func TestLastBatchTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRunner(func(ctx context.Context, _ Trigger) (any, error) {
			<-ctx.Done()
			own, cancel := context.WithCancel(context.WithoutCancel(ctx))
			cancel()
			return nil, fmt.Errorf("write batch 1: %w", own.Err())
		}, time.Minute)
		if o := r.Do(t.Context(), Trigger{}); !errors.Is(o.Err, ErrIncomplete) || !errors.Is(o.Err, context.Canceled) {
			t.Errorf("the run ends with %v", o.Err)
		}
	})
}

// TestCallCancelledInTime is of a run whose time was not over.
func TestCallCancelledInTime(t *testing.T) {
	r := NewRunner(func(context.Context, Trigger) (any, error) { return nil, context.Canceled }, time.Minute)
	if o := r.Do(t.Context(), Trigger{}); errors.Is(o.Err, ErrIncomplete) || !errors.Is(o.Err, context.Canceled) {
		t.Errorf("the run ends with %v", o.Err)
	}
}

// TestRunEndsWellAtItsLimit is no failure: all that was there is done.
func TestRunEndsWellAtItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRunner(func(ctx context.Context, _ Trigger) (any, error) {
			<-ctx.Done()
			return "all", nil
		}, time.Minute)
		if o := r.Do(t.Context(), Trigger{}); o.Err != nil || o.Report != "all" {
			t.Errorf("got %+v", o)
		}
	})
}

func TestPanicIsAnError(t *testing.T) {
	runs := 0
	r := NewRunner(func(context.Context, Trigger) (any, error) {
		if runs++; runs == 1 {
			panic("oops")
		}
		return runs, nil
	}, 0)
	o := r.Do(t.Context(), Trigger{})
	var p *PanicError
	if !errors.As(o.Err, &p) || p.Value != "oops" || len(p.Stack) == 0 {
		t.Errorf("got %+v", o)
	}
	if o := r.Do(t.Context(), Trigger{}); o.Err != nil || o.Report != 2 {
		t.Errorf("after the panic: %+v", o)
	}
}

// TestStop ends the run at hand, and begins none of those that wait.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		r := NewRunner(func(ctx context.Context, _ Trigger) (any, error) {
			runs++
			<-ctx.Done()
			time.Sleep(3 * time.Second) // it writes what it has
			return "partial", ctx.Err()
		}, time.Hour)
		var group sync.WaitGroup
		var outcomes [3]Outcome
		for i := range outcomes {
			group.Go(func() { outcomes[i] = r.Do(t.Context(), Trigger{}) })
			synctest.Wait()
		}
		start := time.Now()
		r.Stop(t.Context())
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("Stop took %s, the run has 3s to end", took)
		}
		group.Wait()
		for i, o := range outcomes {
			if !errors.Is(o.Err, ErrStopping) || (o.Report == "partial") != (i == 0) {
				t.Errorf("trigger %d got %+v", i, o)
			}
		}
		if o := r.Do(t.Context(), Trigger{}); !errors.Is(o.Err, ErrStopping) || runs != 1 {
			t.Errorf("after the stop: %+v, %d runs", o, runs)
		}
		r.Stop(t.Context()) // and again does nothing
	})
}

func TestStopHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := NewRunner(func(context.Context, Trigger) (any, error) { <-release; return nil, nil }, 0)
		go r.Do(t.Context(), Trigger{})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		start := time.Now()
		r.Stop(ctx)
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("Stop took %s", took)
		}
		close(release)
	})
}
