package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/trigger"
)

// servedReport is what the answer to a trigger tells of a run.
type servedReport struct {
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Events      int64     `json:"events"`
	Duplicates  int64     `json:"duplicates"`
	Rejected    int64     `json:"rejected"`
	Objects     int64     `json:"objects"`
	More        bool      `json:"more,omitempty"` // --max-records has ended the run before the log's end
	Newest      time.Time `json:"newest_event,omitzero"`
	Took        float64   `json:"seconds"`
}

func newServedReport(r collectReport) servedReport {
	return servedReport{
		Source: r.Source, Destination: r.Destination, Events: r.Events, Duplicates: r.Duplicates, Rejected: r.Rejected,
		Objects: r.Objects, More: r.More, Newest: r.Newest, Took: r.Took,
	}
}

// open opens what is run.
func (f *serveFlags) open(ctx context.Context, u *ui, log *collectLog) (served, error) {
	if f.collect.config != "" {
		return f.openFleet(ctx, u, log)
	}
	if f.collect.only != "" {
		return nil, hinted(errors.New("--only is for --config"), "add --config FILE")
	}
	return f.openJob(ctx, u, log)
}

// isConflict reports a run that has met another process at work on its state.
// Nothing is lost by it, and none of the two has to be stopped.
func isConflict(err error) bool { return errors.Is(err, collector.ErrConflict) }

// hintOf answers the cure that an error carries.
func hintOf(err error) string {
	var h *hintError
	var n *numberedError
	switch {
	case isConflict(err):
		return "another run went on, and a trigger that is sent again finds all in order"
	case errors.As(err, &h):
		return h.hint
	case errors.As(err, &n):
		return numberCure(n.number, err)
	}
	return ""
}

// sayFailure logs how a run has failed.
func sayFailure(ctx context.Context, log *slog.Logger, err error) {
	switch {
	case isConflict(err):
		log.LogAttrs(ctx, slog.LevelWarn, "another run was at work on this state; the trigger is to be sent again", slog.String("error", err.Error()))
	case errors.Is(err, trigger.ErrStopping), errors.Is(err, trigger.ErrIncomplete):
		log.LogAttrs(ctx, slog.LevelWarn, "this run was ended early, the next one goes on", slog.String("error", err.Error()))
	default:
		log.Error("this run has failed; the trigger is to be sent again", failureAttrs(err)...)
	}
}

// tracedLog answers a log that puts its lines to the trace of the run at hand.
func tracedLog(log *collectLog) (*trigger.Traced, *collectLog) {
	traced := &trigger.Traced{}
	return traced, &collectLog{slog.New(traced.Handler(log.Handler())), log.json}
}

// servedJob is the collector that the flags describe.
type servedJob struct {
	ui      *ui
	job     *collectJob
	traced  *trigger.Traced
	project string

	// broken says that a run has ended in a panic, so that what is open is not to
	// be trusted. It belongs to the runs, of which there is one at a time.
	broken bool
	mu     sync.Mutex // held while job.work is replaced, or read beside a run
}

func (f *serveFlags) openJob(ctx context.Context, u *ui, log *collectLog) (*servedJob, error) {
	traced, log := tracedLog(log)
	settings, err := f.collect.settings(log)
	if err != nil {
		return nil, err
	}
	if err := settings.readSecret(ctx); err != nil {
		return nil, err
	}
	// What is open must outlast ctx: a run that is stopped still writes what it
	// has at hand.
	w, err := settings.open(context.WithoutCancel(ctx), u)
	if err != nil {
		return nil, withCure(err, settings)
	}
	job := &collectJob{ui: u, settings: settings, work: w, log: log, json: f.collect.json}
	return &servedJob{ui: u, job: job, traced: traced, project: f.project}, nil
}

func (s *servedJob) targets() []trigger.Target { return []trigger.Target{{Run: s.run}} }

func (s *servedJob) metered() []metered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.job.metered()
}

func (s *servedJob) what() string {
	return s.job.work.source.Name() + " into " + s.job.settings.out.String()
}

func (s *servedJob) close() {
	if err := s.job.work.close(); err != nil {
		s.job.log.Warn("closing what was used", "error", err.Error())
	}
}

// run is the run that a trigger has begun. Each has a name of its own in the
// state, so that the one of another process is never taken for it.
func (s *servedJob) run(ctx context.Context, by trigger.Trigger) (report any, err error) {
	s.traced.Begin(by.Trace.Attrs(s.project))
	if err := s.reopen(); err != nil {
		return nil, err
	}
	s.broken = true
	s.job.work.collector.Options.Writer = rand.Text()
	r, err := s.job.pull(ctx)
	s.broken = false
	if err != nil {
		sayFailure(ctx, s.job.log.Logger, trigger.EndedBy(ctx, err))
	}
	return newServedReport(r), err
}

// reopen replaces what a panic has left behind.
func (s *servedJob) reopen() error {
	if !s.broken {
		return nil
	}
	w, err := s.job.settings.open(context.Background(), s.ui)
	if err != nil {
		return withCure(err, s.job.settings)
	}
	s.mu.Lock()
	old := s.job.work
	s.job.work = w
	s.mu.Unlock()
	if err := old.close(); err != nil {
		s.job.log.Warn("closing what a run used", "error", err.Error())
	}
	return nil
}

// servedFleet is the services of a file.
type servedFleet struct {
	*fleet
	project string
	file    string
	stop    context.CancelFunc
}

func (f *serveFlags) openFleet(ctx context.Context, u *ui, log *collectLog) (*servedFleet, error) {
	fl, err := f.collect.fleet(ctx, u, log)
	if err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	go logMemory(watching, log, memoryEvery)
	return &servedFleet{fl, f.project, f.collect.config, stop}, nil
}

func (s *servedFleet) targets() (all []trigger.Target) {
	for _, j := range s.jobs {
		var traced *trigger.Traced
		traced, j.log = tracedLog(j.log)
		all = append(all, trigger.Target{Name: j.name(), Run: func(ctx context.Context, by trigger.Trigger) (any, error) {
			traced.Begin(by.Trace.Attrs(s.project))
			if w := j.opened(); w != nil {
				w.collector.Options.Writer = rand.Text()
			}
			r, err := j.pull(ctx)
			if r.Source == "" { // it was not opened
				return nil, err
			}
			return newServedReport(r), err
		}})
	}
	return all
}

func (s *servedFleet) what() string { return s.file }

func (s *servedFleet) close() {
	s.stop()
	s.fleet.close()
}
