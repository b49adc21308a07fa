//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// service is a running collect --every, or serve.
type service struct {
	*exec.Cmd
	t       *testing.T
	address string
	log     buffer
	ended   chan struct{} // when the log is read
}

func (r *rig) serve(args ...string) *service {
	r.t.Helper()
	return r.start(r.collect(append([]string{"--every", "1s", "--listen", "127.0.0.1:0"}, args...)...))
}

// start starts a command that tells its address, and reads its log.
func (r *rig) start(cmd *exec.Cmd) *service {
	r.t.Helper()
	s := &service{Cmd: cmd, t: r.t, ended: make(chan struct{})}
	stderr, err := s.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.Process.Kill() })
	address := make(chan string, 1)
	go func() {
		defer close(s.ended)
		for text := bufio.NewScanner(stderr); text.Scan(); {
			fmt.Fprintln(&s.log, text.Text())
			var line struct{ Address string }
			if json.Unmarshal(text.Bytes(), &line) == nil && line.Address != "" {
				address <- line.Address
			}
		}
	}()
	select {
	case s.address = <-address:
	case <-s.ended:
		r.t.Fatalf("the service did not start:\n%s", s.log.String())
	}
	return s
}

func (s *service) get(path string) (status int, body string) {
	s.t.Helper()
	resp, err := http.Get("http://" + s.address + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// await asks for a path until its answer holds the text.
func (s *service) await(path, want string) {
	s.t.Helper()
	var body string
	for range 600 {
		if _, body = s.get(path); strings.Contains(body, want) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("%s never said %q, at last\n%s", path, want, body)
}

// stop sends SIGTERM and demands a clean end within the promised time.
func (s *service) stop() {
	s.t.Helper()
	start := time.Now()
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	<-s.ended
	if err := s.Wait(); err != nil {
		s.t.Errorf("the service ended with %v:\n%s", err, s.log.String())
	}
	if took := time.Since(start); took > 10*time.Second {
		s.t.Errorf("the service took %s to stop", took)
	}
}

func TestService(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(45)
	s := r.serve()
	s.await("/metrics", `asa2udm_events_total{source="asa/example-team"} 45`)
	s.await("/readyz", "ready")
	if status, body := s.get("/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz = %d %q", status, body)
	}
	r.grow(30)
	s.await("/metrics", `asa2udm_events_total{source="asa/example-team"} 75`)
	for _, name := range []string{"pages_total", "requests_total", "objects_total", "lag_seconds", "throttled_seconds_total", `runs_total{result="success",source=`} {
		s.await("/metrics", "asa2udm_"+name)
	}
	s.stop()
	r.wantLog()
}

func TestServiceGoesOnAfterFailures(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(5)
	r.onAPI.set(func(func()) { panic(http.ErrAbortHandler) })
	s := r.serve()
	if status, body := s.get("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz = %d %q before the first run", status, body)
	}
	r.onAPI.clear()
	s.await("/metrics", `asa2udm_events_total{source="asa/example-team"} 5`)
	s.stop()
	r.wantLog()
}

// TestServiceStopsWhileTheAPIHangs writes what it has read before it ends.
func TestServiceStopsWhileTheAPIHangs(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(45)
	var calls atomic.Int64
	hanging := make(chan struct{})
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	r.onAPI.set(func(serve func()) {
		if calls.Add(1) == 3 {
			close(hanging)
			<-release
		}
		serve()
	})
	s := r.serve("--overlap", "0s")
	<-hanging
	s.stop()
	if got := len(lines(t, r.open(), "raw/")); got != 20 {
		t.Errorf("%d events are written, want the 20 of the page that was read", got)
	}
	r.onAPI.clear()
	r.mustCollect()
	r.wantLog()
}

func TestServiceEndsWhenItLosesTheState(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(5)
	s := r.serve()
	s.await("/metrics", fmt.Sprintf("asa2udm_events_total{source=%q} 5", "asa/example-team"))
	b := r.open()
	_, token, err := b.Read(t.Context(), "state.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Swap(t.Context(), "state.json", []byte("{}"), token); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	if err := s.Wait(); err == nil || s.ProcessState.ExitCode() != exitCannot {
		t.Errorf("the service ended with %v", err)
	}
	if !strings.Contains(s.log.String(), "the state cannot be used") {
		t.Errorf("the log says\n%s", s.log.String())
	}
}

func TestNextRun(t *testing.T) {
	for _, tc := range []struct {
		failures int
		want     time.Duration
	}{{0, time.Minute}, {1, time.Minute}, {2, 2 * time.Minute}, {3, 4 * time.Minute}, {4, 8 * time.Minute}, {5, 10 * time.Minute}, {1000, 10 * time.Minute}} {
		if got := nextRun(time.Minute, tc.failures); got != tc.want {
			t.Errorf("nextRun after %d failures = %s, want %s", tc.failures, got, tc.want)
		}
	}
}
