package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Words that an answer says of a run, and of all of them.
const (
	statusOK         = "ok"
	statusFailed     = "failed"
	statusIncomplete = "incomplete" // ended by its time limit
	statusConflict   = "conflict"   // another process is at work
	statusStopping   = "stopping"
	statusRefused    = "refused"
)

// answer is the body of every answer to a trigger.
type answer struct {
	Status string      `json:"status"`
	Error  string      `json:"error,omitempty"`
	Runs   []runAnswer `json:"runs,omitempty"`
}

// runAnswer tells of one run.
type runAnswer struct {
	Name   string `json:"name,omitempty"`
	Status string `json:"status"`
	// Triggers counts those that share the run.
	Triggers int    `json:"triggers,omitempty"`
	Report   any    `json:"report,omitempty"`
	Error    string `json:"error,omitempty"`
	Hint     string `json:"hint,omitempty"`
}

// retrySeconds is what Retry-After says where another try will do.
const retrySeconds = 5

func (s *Server) answer(w http.ResponseWriter, status int, a answer) {
	body, err := json.Marshal(a)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"status":"failed","error":"the report cannot be written"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(retrySeconds))
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // not all writers have one
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

// refuseCall answers a call that does not get to a run.
func (s *Server) refuseCall(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Connection", "close")
	s.answer(w, status, answer{Status: statusRefused, Error: text})
}

// trigger answers a call that asks for a run: who calls comes first, and nothing
// of the body is read before that is known.
func (s *Server) trigger(w http.ResponseWriter, r *http.Request) {
	log := s.log(r)
	if s.stopping() {
		s.refuseCall(w, http.StatusServiceUnavailable, "the service is stopping, send the trigger again")
		return
	}
	caller, err := s.config.Auth.Check(r)
	if err != nil {
		s.refuseCaller(w, r, log, err)
		return
	}
	body, ok := s.body(w, r, log)
	if !ok {
		return
	}
	t, err := Parse(r.Header, body)
	if err != nil {
		log.Warn("refused a call that is no trigger", "caller", caller, "error", err.Error())
		s.refuseCall(w, http.StatusBadRequest, err.Error())
		return
	}
	targets := s.pick(r.PathValue("name"))
	if len(targets) == 0 {
		s.refuseCall(w, http.StatusNotFound, fmt.Sprintf("nothing is run under the name %q", clean(r.PathValue("name"))))
		return
	}
	t.Trace = ParseTrace(r.Header)
	log.LogAttrs(r.Context(), slog.LevelInfo, "triggered", append(t.Attrs(), slog.String("caller", caller))...)
	s.run(w, r, log, t, targets)
}

// refuseCaller answers one who may not act, and says no more than that.
func (s *Server) refuseCaller(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	refusal := &Refusal{Status: http.StatusUnauthorized, Reason: "the caller cannot be checked"}
	errors.As(err, &refusal)
	log.Warn("refused a caller", "status", refusal.Status, "reason", refusal.Reason, "path", clean(r.URL.Path), "remote", r.RemoteAddr)
	switch refusal.Status {
	case http.StatusServiceUnavailable:
		s.refuseCall(w, refusal.Status, "callers cannot be checked at present, send the trigger again")
		return
	case http.StatusForbidden:
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
	default:
		challenge := `Bearer realm="asa2udm"`
		if refusal.Token {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	s.refuseCall(w, refusal.Status, http.StatusText(refusal.Status))
}

// body reads the body of a call, or answers why not.
func (s *Server) body(w http.ResponseWriter, r *http.Request, log *slog.Logger) ([]byte, bool) {
	limit := s.config.MaxBody
	if r.ContentLength > limit {
		s.refuseCall(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has %d bytes, the limit is %d", r.ContentLength, limit))
		return nil, false
	}
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(s.bodyTime)) // not all writers have one
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	var network net.Error
	switch {
	case err == nil:
		// The run may last. That the caller goes is noticed without a deadline.
		_ = deadline.SetReadDeadline(time.Time{})
		return body, true
	case errors.As(err, &tooLarge):
		s.refuseCall(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the limit of a body is %d bytes", limit))
	case errors.As(err, &network) && network.Timeout():
		s.refuseCall(w, http.StatusRequestTimeout, "the body did not come in time")
	default:
		s.refuseCall(w, http.StatusBadRequest, "the body cannot be read")
	}
	log.Warn("refused a call whose body cannot be read", "error", clean(err.Error()))
	return nil, false
}

// pick answers the targets that a call names, all without a name.
func (s *Server) pick(name string) (picked []*target) {
	for _, t := range s.targets {
		if name == "" || name == t.name {
			picked = append(picked, t)
		}
	}
	return picked
}

// run runs the targets at a time, and answers when all have an outcome.
func (s *Server) run(w http.ResponseWriter, r *http.Request, log *slog.Logger, t Trigger, targets []*target) {
	runs := make([]runAnswer, len(targets))
	codes := make([]int, len(targets))
	var group sync.WaitGroup
	for i, target := range targets {
		group.Go(func() {
			o := target.runner.Do(r.Context(), t)
			runs[i], codes[i] = s.tell(target.name, o)
			s.logFault(log, target.name, o.Err)
		})
	}
	group.Wait()
	if r.Context().Err() != nil {
		log.Warn("the caller has gone before its answer; the run goes on")
		// Nobody reads this, but net/http would say 200 for us.
		s.answer(w, http.StatusServiceUnavailable, answer{Status: statusIncomplete, Error: "the call has ended before the run"})
		return
	}
	status, word := http.StatusOK, statusOK
	for i, code := range codes {
		// A failure is worse than what another try will cure, and that than success.
		if code == http.StatusInternalServerError || status == http.StatusOK && code != http.StatusOK {
			status, word = code, runs[i].Status
		}
	}
	s.answer(w, status, answer{Status: word, Runs: runs})
}

// tell answers what is said of an outcome, and the status that it means.
func (s *Server) tell(name string, o Outcome) (runAnswer, int) {
	a := runAnswer{Name: name, Triggers: o.Triggers, Report: o.Report, Status: statusOK}
	if o.Err == nil {
		return a, http.StatusOK
	}
	a.Error = o.Err.Error()
	if s.config.Hint != nil {
		a.Hint = s.config.Hint(o.Err)
	}
	switch {
	case s.config.Conflict != nil && s.config.Conflict(o.Err):
		a.Status = statusConflict
	case errors.Is(o.Err, ErrIncomplete):
		a.Status = statusIncomplete
	case errors.Is(o.Err, ErrStopping):
		a.Status = statusStopping
	default:
		a.Status = statusFailed
		return a, http.StatusInternalServerError
	}
	return a, http.StatusServiceUnavailable
}

// logFault logs the stack of a panic: whoever runs the target has no chance to.
func (s *Server) logFault(log *slog.Logger, name string, err error) {
	var p *PanicError
	if errors.As(err, &p) {
		log.LogAttrs(context.Background(), slog.LevelError, "a fault in the program", slog.String("run", name),
			slog.String("error", p.Error()), slog.String("stack", string(p.Stack)))
	}
}

func toText(v any) string { return fmt.Sprint(v) }
