package trigger

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// Config is what a Server is made of.
type Config struct {
	// Targets are what can be run. A call of / runs all of them.
	Targets []Target
	// Auth proves who calls.
	Auth Auth
	// MaxBody bounds the body of a call in bytes; 0 stands for 1 MiB.
	MaxBody int64
	// Limit bounds a run; 0 is no limit.
	Limit time.Duration
	// Conflict reports errors of a run that has met another process at work: it
	// does no harm, and another trigger will find all in order. It may be nil.
	Conflict func(error) bool
	// Hint names the cure of an error, "" where there is none to name. It may be
	// nil.
	Hint func(error) string
	// Project is where traces are kept; it may be empty.
	Project string
	// Metrics answers GET /metrics, if set.
	Metrics http.Handler
	Log     *slog.Logger
}

// Target is something to run.
type Target struct {
	// Name is where /run/NAME runs it alone; it may be empty.
	Name string
	Run  Run
}

// Server answers calls. It may be used by several goroutines.
type Server struct {
	config  Config
	targets []*target
	mux     *http.ServeMux
	// headerTime and bodyTime bound how long a caller may take to send these.
	headerTime, bodyTime time.Duration
}

type target struct {
	name   string
	runner *Runner
}

// Limits of a connection. A call that is let in may last as long as its run.
const (
	answerTime  = 10 * time.Second
	idleTime    = 2 * time.Minute
	headerBytes = 64 << 10
	// stopTime is how long a server may take to stop. Cloud Run gives 10 seconds.
	stopTime = 9500 * time.Millisecond
)

// New answers a server that does not listen yet.
func New(c Config) *Server {
	if c.MaxBody <= 0 {
		c.MaxBody = 1 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: c, mux: http.NewServeMux(), headerTime: 5 * time.Second, bodyTime: 10 * time.Second}
	for _, t := range c.Targets {
		s.targets = append(s.targets, &target{t.Name, NewRunner(t.Run, c.Limit)})
	}
	s.mux.HandleFunc("POST /{$}", s.trigger)
	s.mux.HandleFunc("POST /run", s.trigger)
	s.mux.HandleFunc("POST /run/{name...}", s.trigger)
	// Some front ends keep paths that end in z for themselves, Cloud Run's too.
	for _, path := range []string{"/livez", "/healthz", "/health"} {
		s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	}
	for _, path := range []string{"/readyz", "/ready"} {
		s.mux.HandleFunc("GET "+path, s.Ready)
	}
	if c.Metrics != nil {
		s.mux.Handle("GET /metrics", c.Metrics)
	}
	return s
}

// Ready says whether triggers are taken. A run that has failed is no reason to
// take none: the next trigger is what cures it.
func (s *Server) Ready(w http.ResponseWriter, _ *http.Request) {
	if s.stopping() {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ready\n")
}

func (s *Server) stopping() bool {
	for _, t := range s.targets {
		if t.runner.Stopping() {
			return true
		}
	}
	return false
}

// Serve answers calls until ctx ends. It then takes no more triggers, lets the
// runs at hand end, answers those who wait for them, and returns nil within 10
// seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: s.headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	s.stop(late)
	// Who has an answer by now gets it; a caller that does not read it is cut off.
	shutdownErr := server.Shutdown(late)
	if shutdownErr != nil {
		shutdownErr = errors.Join(server.Close())
	}
	return errors.Join(err, shutdownErr)
}

// stop stops all runners at a time.
func (s *Server) stop(ctx context.Context) {
	var group sync.WaitGroup
	for _, t := range s.targets {
		group.Go(func() { t.runner.Stop(ctx) })
	}
	group.Wait()
}

// ServeHTTP implements http.Handler. A panic is an answer, too.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		s.log(r).Error("a fault in the program", "error", clean(toText(p)), "stack", string(debug.Stack()))
		s.answer(w, http.StatusInternalServerError, answer{Status: statusFailed, Error: "a fault in the program"})
	}()
	if r.ContentLength != 0 {
		// This bounds what net/http reads of a body that no handler wants. Where
		// there is none it would end a run that lasts.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.bodyTime)) // not all writers have one
	}
	s.mux.ServeHTTP(w, r)
}

// log answers the log of a request.
func (s *Server) log(r *http.Request) *slog.Logger {
	return slog.New(s.config.Log.Handler().WithAttrs(ParseTrace(r.Header).Attrs(s.config.Project)))
}
