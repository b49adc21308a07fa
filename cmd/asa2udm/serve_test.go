//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/asa/simulator"
	"github.com/asa2udm/asa2udm/collector/secret/secrettest"
	"github.com/asa2udm/asa2udm/collector/trigger/triggertest"
)

const triggerToken = "trigger-token-0123456789abcdef"

// server makes the command serve, to be started.
func (r *rig) server(args ...string) *exec.Cmd {
	cmd := exec.Command(r.program(), append([]string{
		"serve", "--out", r.out, "--page-size", "20", "--object-records", "15", "--overlap", "1h", "--address", "127.0.0.1:0",
	}, args...)...)
	cmd.Env = append(slices.Clone(r.env), "TRIGGER_TOKEN="+triggerToken)
	return cmd
}

var byToken = []string{"--auth", "token", "--auth-token", "env:TRIGGER_TOKEN"}

// served starts serve with a shared token.
func (r *rig) served(args ...string) *service {
	r.t.Helper()
	return r.start(r.server(append(slices.Clone(byToken), args...)...))
}

// answered is the answer to a trigger.
type answered struct {
	code   int
	Status string
	Error  string
	Runs   []struct {
		Name, Status, Error, Hint string
		Triggers                  int
		Report                    servedReport
	}
}

// trigger sends a POST; the status is 0 where there was no answer.
func (s *service) trigger(path, body string, header ...string) (a answered) {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return a
	}
	req.Header.Set("Authorization", "Bearer "+triggerToken)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answered{}
	}
	if err := json.Unmarshal(text, &a); err != nil {
		s.t.Errorf("the answer %d is no JSON: %s", resp.StatusCode, text)
	}
	a.code = resp.StatusCode
	return a
}

func TestServe(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(45)
	s := r.served("--normalize", "--metrics", "--project", "example")
	a := s.trigger("/", "", "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if a.code != http.StatusOK || a.Status != "ok" || len(a.Runs) != 1 || a.Runs[0].Report.Events != 45 || a.Runs[0].Report.Newest.IsZero() {
		t.Errorf("got %+v", a)
	}
	s.await("/metrics", `asa2udm_events_total{source="asa/example-team"} 45`)
	for path, want := range map[string]string{"/healthz": "ok", "/livez": "ok", "/readyz": "ready"} {
		s.await(path, want)
	}
	s.stop()
	r.wantLog()
	r.wantUDM()
	wantNoSecret(t, "the log", s.log.String())
	for _, message := range []string{"triggered", "collected"} {
		_, line, _ := strings.Cut(s.log.String(), `"message":"`+message+`"`)
		line, _, _ = strings.Cut(line, "\n")
		if !strings.Contains(line, `"logging.googleapis.com/trace":"projects/example/traces/4bf92f3577b34da6a3ce929d0e0e4736","logging.googleapis.com/spanId":"00f067aa0ba902b7"`) {
			t.Errorf("the line %q has no trace: %s", message, line)
		}
	}
}

// TestServeKinds triggers by all that the documentation of Google shows.
func TestServeKinds(t *testing.T) {
	const push = `{"message":{"data":"e30=","messageId":"11","publishTime":"2026-02-26T19:13:55.749Z"},"subscription":"projects/p/subscriptions/s"}`
	r := newRig(t, "dir", nil)
	s := r.served()
	for name, tc := range map[string]struct {
		body   string
		header []string
		log    string
	}{
		"push":      {push, []string{"Content-Type", "application/json"}, `"kind":"pubsub","message_id":"11","subscription":"projects/p/subscriptions/s"`},
		"unwrapped": {"x", []string{"X-Goog-Pubsub-Message-Id", "12"}, `"kind":"pubsub","message_id":"12"`},
		"structured": {
			`{"specversion":"1.0","id":"e13","source":"//pubsub.googleapis.com/projects/p/topics/t","type":"google.cloud.pubsub.topic.v1.messagePublished","data":` + push + `}`,
			[]string{"Content-Type", "application/cloudevents+json"}, `"event_id":"e13"`,
		},
		"binary": {
			push, []string{"Ce-Id", "e14", "Ce-Source", "//pubsub.googleapis.com/projects/p/topics/t", "Ce-Specversion", "1.0", "Ce-Type", "google.cloud.pubsub.topic.v1.messagePublished", "Content-Type", "application/json"},
			`"event_id":"e14"`,
		},
		"scheduler": {"", []string{"X-CloudScheduler", "true", "X-CloudScheduler-JobName", "nightly"}, `"kind":"scheduler","job":"nightly"`},
	} {
		r.grow(3)
		if a := s.trigger("/", tc.body, tc.header...); a.code != http.StatusOK || a.Runs[0].Report.Events != 3 {
			t.Errorf("%s: %+v", name, a)
		}
		defer func() {
			if !strings.Contains(s.log.String(), tc.log) {
				t.Errorf("the log does not name %s by %s:\n%s", name, tc.log, s.log.String())
			}
		}()
	}
	for name, a := range map[string]answered{
		"garbage": s.trigger("/", "garbage", "Content-Type", "application/cloudevents+json"),
		"large":   s.trigger("/", strings.Repeat("x", 2<<20)),
	} {
		if want := map[string]int{"garbage": 400, "large": 413}[name]; a.code != want && (name != "large" || a.code != 0) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	s.stop()
	r.wantLog()
}

// TestServeFiredAtOnce fires 50 times at once on one state.
func TestServeFiredAtOnce(t *testing.T) {
	for _, storage := range []string{"dir", "gcs"} {
		t.Run(storage, func(t *testing.T) {
			r := newRig(t, storage, nil)
			r.grow(100)
			s := r.served()
			for round := range 3 {
				var group sync.WaitGroup
				for range 50 {
					group.Go(func() {
						if a := s.trigger("/", ""); a.code != http.StatusOK {
							t.Errorf("got %+v", a)
						}
					})
				}
				group.Wait()
				if round < 2 {
					r.grow(37)
				}
			}
			s.stop()
			r.wantLog()
			if runs := strings.Count(s.log.String(), `"message":"collected"`); runs > 6 {
				t.Errorf("150 triggers made %d runs, want 6 at most", runs)
			}
		})
	}
}

// TestServeOverlaps fires at three processes with one state, while the API fails
// and the log grows. A trigger that is not answered 200 is sent again, as Pub/Sub
// does; one that is, stands for all that was there when it was sent.
func TestServeOverlaps(t *testing.T) {
	for _, storage := range []string{"dir", "gcs"} {
		t.Run(storage, func(t *testing.T) {
			r := newRig(t, storage, func(c *simulator.Config) {
				c.Faults = simulator.Faults{Unauthorized: .03, Reset: .03, Cut: .03}
			})
			var services []*service
			for range 3 {
				services = append(services, r.served("--normalize"))
			}
			var codes [600]atomic.Int64
			var group sync.WaitGroup
			for i := range rounds(300, 50) {
				if i%5 == 0 {
					r.grow(11)
				}
				was := r.log.Len()
				group.Go(func() {
					code := 0
					for try := 0; code != http.StatusOK && try < 200; try++ {
						a := services[(i+try)%len(services)].trigger("/", "")
						code = a.code
						codes[code].Add(1)
						if code == http.StatusInternalServerError {
							t.Logf("a failure: %s", a.Runs[0].Error)
						}
						if code != http.StatusOK {
							time.Sleep(time.Duration(10+i%100) * time.Millisecond) // as the sender's backoff has it
						}
					}
					if code == http.StatusOK && i%10 != 0 {
						return // to read all that is durable takes its time
					}
					if got := len(lines(t, r.open(), "raw/")); code != http.StatusOK || got < was {
						t.Errorf("trigger %d ended with %d; %d events are durable, %d were there when it was sent", i, code, got, was)
					}
				})
				time.Sleep(10 * time.Millisecond)
			}
			group.Wait()
			for _, s := range services {
				s.stop()
			}
			r.wantLog()
			r.wantUDM()
			t.Logf("%d answers 200, %d 503, %d 500", codes[200].Load(), codes[503].Load(), codes[500].Load())
			if n := codes[0].Load(); n > 0 {
				t.Errorf("%d triggers got no answer", n)
			}
		})
	}
}

// hangAt lets a call to the API wait until it is released, and answers a channel
// that is closed when it has come.
func (r *rig) hangAt(call int64) (hanging chan struct{}, release func()) {
	var calls atomic.Int64
	hanging, released := make(chan struct{}), make(chan struct{})
	r.onAPI.set(func(serve func()) {
		if calls.Add(1) == call {
			close(hanging)
			<-released
		}
		serve()
	})
	release = sync.OnceFunc(func() { close(released) })
	r.t.Cleanup(release)
	return hanging, release
}

// TestServeIsStopped sends SIGTERM in the middle of a run: what was read is
// durable, who waits hears of it, and the next process goes on.
func TestServeIsStopped(t *testing.T) {
	r := newRig(t, "gcs", nil)
	r.grow(45)
	hanging, _ := r.hangAt(3)
	s := r.served("--overlap", "0s")
	var group sync.WaitGroup
	var first, second answered
	group.Go(func() { first = s.trigger("/", "") })
	<-hanging
	group.Go(func() { second = s.trigger("/", "") })
	s.awaitLog(`"message":"triggered"`, 2)
	s.stop()
	group.Wait()
	if first.code != http.StatusServiceUnavailable || first.Status != "stopping" || first.Runs[0].Report.Events != 20 {
		t.Errorf("the run at hand: %+v", first)
	}
	if second.code != http.StatusServiceUnavailable || second.Runs[0].Report.Events != 0 {
		t.Errorf("who waits: %+v", second)
	}
	if got := len(lines(t, r.open(), "raw/")); got != 20 {
		t.Errorf("%d events are durable, want the 20 of the page that was read", got)
	}
	r.onAPI.clear()
	s = r.served()
	if a := s.trigger("/", ""); a.code != http.StatusOK || a.Runs[0].Report.Events != 25 {
		t.Errorf("after the restart: %+v", a)
	}
	s.stop()
	r.wantLog()
}

// awaitLog waits until the log holds a text so many times.
func (s *service) awaitLog(text string, times int) {
	s.t.Helper()
	for range 1500 {
		if strings.Count(s.log.String(), text) >= times {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatalf("the log never said %s %d times:\n%s", text, times, s.log.String())
}

// TestServeIsKilled kills processes at each call to the storage, and sends the
// trigger again to the next one.
func TestServeIsKilled(t *testing.T) {
	r := newRig(t, "gcs", nil)
	kills := 0
	for at := int64(1); at <= int64(rounds(60, 12)); at++ {
		r.grow(20)
		s := r.served("--normalize")
		var calls atomic.Int64
		r.onStorage.set(func(serve func()) {
			if calls.Add(1) == 2*at { // before it is served, or behind
				s.Process.Kill()
			}
			serve()
		})
		a := s.trigger("/", "")
		if a.code == 0 {
			kills++
		} else if a.code != http.StatusOK {
			t.Fatalf("got %+v\n%s", a, s.log.String())
		}
		r.onStorage.clear()
		s.Process.Kill()
		<-s.ended
		s.Wait()
	}
	s := r.served("--normalize")
	if a := s.trigger("/", ""); a.code != http.StatusOK {
		t.Errorf("the redelivery: %+v\n%s", a, s.log.String())
	}
	s.stop()
	r.wantLog()
	r.wantUDM()
	if kills < 5 {
		t.Errorf("%d kills only", kills)
	}
}

// TestServeRunsTooLong ends a run at its limit: what is durable stays, the answer
// asks for another trigger, and that one goes on.
func TestServeRunsTooLong(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(45)
	_, release := r.hangAt(3)
	s := r.served("--run-timeout", "1s", "--overlap", "0s")
	a := s.trigger("/", "")
	if a.code != http.StatusServiceUnavailable || a.Status != "incomplete" || a.Runs[0].Report.Events != 20 {
		t.Errorf("got %+v", a)
	}
	release()
	if a := s.trigger("/", ""); a.code != http.StatusOK || a.Runs[0].Report.Events != 25 {
		t.Errorf("the next one: %+v", a)
	}
	s.stop()
	r.wantLog()
}

// TestServeGoesOnAfterAConflict lets another collector move the state in the
// middle of a run.
func TestServeGoesOnAfterAConflict(t *testing.T) {
	for _, storage := range []string{"dir", "gcs"} {
		t.Run(storage, func(t *testing.T) {
			r := newRig(t, storage, nil)
			r.grow(45)
			s := r.served()
			hanging, release := r.hangAt(2)
			lost := make(chan answered, 1)
			go func() { lost <- s.trigger("/", "") }()
			<-hanging
			r.mustCollect("--object-records", "10")
			release()
			if a := <-lost; a.code != http.StatusServiceUnavailable || a.Status != "conflict" || a.Runs[0].Hint == "" {
				t.Errorf("the loser: %+v", a)
			}
			r.grow(5)
			if a := s.trigger("/", ""); a.code != http.StatusOK || a.Runs[0].Report.Events != 5 {
				t.Errorf("the next one: %+v", a)
			}
			s.stop()
			r.wantLog()
			if strings.Contains(s.log.String(), `"severity":"ERROR"`) {
				t.Errorf("the log makes an error of it:\n%s", s.log.String())
			}
		})
	}
}

// TestServeOIDC lets in whom the issuer names, and nobody else.
func TestServeOIDC(t *testing.T) {
	issuer := triggertest.New(t)
	r := newRig(t, "dir", nil)
	r.grow(5)
	s := r.start(r.server("--issuer", issuer.URL, "--audience", triggertest.Audience, "--caller", triggertest.Caller))
	tokens := issuer.Forged()
	tokens["expired"] = issuer.Token(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})
	tokens["another audience"] = issuer.Token(map[string]any{"aud": "https://other.example.com"})
	tokens["another issuer"] = triggertest.New(t).Token(nil)
	for name, token := range tokens {
		if a := s.trigger("/", "", "Authorization", "Bearer "+token); a.code != http.StatusUnauthorized || a.Error != "Unauthorized" {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for name, token := range map[string]string{
		"another caller": issuer.Token(map[string]any{"email": "eve@example.com"}),
		"not verified":   issuer.Token(map[string]any{"email_verified": nil}),
	} {
		if a := s.trigger("/", "", "Authorization", "Bearer "+token); a.code != http.StatusForbidden || a.Error != "Forbidden" {
			t.Errorf("%s: %+v", name, a)
		}
		tokens[name] = token
	}
	if got := lines(t, r.open(), "raw/"); len(got) != 0 {
		t.Errorf("%d events were collected for them", len(got))
	}
	tokens["good"] = issuer.Token(nil)
	if a := s.trigger("/", "", "Authorization", "Bearer "+tokens["good"]); a.code != http.StatusOK {
		t.Errorf("a good token: %+v", a)
	}
	s.stop()
	r.wantLog()
	for name, token := range tokens {
		if len(token) > 40 && strings.Contains(s.log.String(), token[len(token)-40:]) {
			t.Errorf("the log shows the token of %s", name)
		}
	}
}

// TestServeLeaksNothing looks for secrets in answers and logs, when the API sends
// back what it was sent.
func TestServeLeaksNothing(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"type":"invalid_request","message":%q}`, body)
	}))
	defer echo.Close()
	r := newRig(t, "dir", nil)
	manager := secrettest.New(t)
	manager.Add("example", "asa", canary)
	r.env = append(r.env, "ASA_BASE_URL="+echo.URL, "SECRET_MANAGER_ENDPOINT="+manager.URL, "ASA_KEY_SECRET=sm://example/asa")
	s := r.served("--log-level", "debug", "--metrics")
	a := s.trigger("/", "")
	if a.code != http.StatusInternalServerError || !strings.Contains(a.Runs[0].Error, "service_token") {
		t.Errorf("got %+v", a)
	}
	var all bytes.Buffer
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/"} {
		_, body := s.get(path)
		all.WriteString(body)
	}
	s.stop()
	fmt.Fprintf(&all, "%+v %s", a, s.log.String())
	wantNoSecret(t, "what serve says", all.String())
	if strings.Contains(all.String(), triggerToken) {
		t.Error("the trigger's token is shown")
	}
}
