//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/trigger"
)

// startFleet starts serve for a file.
func (r *fleetRig) startFleet(config string, args ...string) *service {
	r.t.Helper()
	r.t.Setenv("TRIGGER_TOKEN", triggerToken)
	args = append(append([]string{"serve", "--config", writeConfig(r.t, r.dir, config), "--address", "127.0.0.1:0"}, byToken...), args...)
	return (&rig{t: r.t}).start(exec.Command("asa2udm", args...))
}

// TestServeConfig runs the services of a file, all or one of them.
func TestServeConfig(t *testing.T) {
	r := newFleetRig(t)
	r.grow(30)
	r.lists.Fill(5, time.Now().Add(-time.Hour))
	s := r.startFleet(twoServices, "--metrics")
	if a := s.trigger("/run/example/logs", ""); a.code != http.StatusOK || len(a.Runs) != 1 || a.Runs[0].Name != "example/logs" || a.Runs[0].Report.Events != 30 {
		t.Errorf("logs alone: %+v", a)
	}
	if a := s.trigger("/run/example/groups", ""); a.code != http.StatusNotFound {
		t.Errorf("a service that is none: %+v", a)
	}
	r.grow(7)
	r.org.Deny("users")
	a := s.trigger("/", "")
	if a.code != http.StatusInternalServerError || len(a.Runs) != 2 {
		t.Fatalf("with one that is refused: %+v", a)
	}
	if a.Runs[0].Status != "ok" || a.Runs[0].Report.Events != 7 || a.Runs[1].Status != "failed" || !strings.Contains(a.Runs[1].Hint, "grant the token's administrator") {
		t.Errorf("with one that is refused: %+v", a)
	}
	r.org.Deny("")
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if a := s.trigger("/run", ""); a.code != http.StatusOK {
				t.Errorf("at once: %+v", a)
			}
		})
	}
	group.Wait()
	s.await("/metrics", `asa2udm_events_total{service="users",source="okta/`)
	s.stop()
	if n := strings.Count(s.log.String(), `"message":"up to date","tenant":"example","service":"users"`); n == 0 || n > 2 {
		t.Errorf("50 triggers at once made %d runs of users", n)
	}
	for _, name := range []string{"example/logs", "example/users"} {
		out, err := exec.Command("asa2udm", "verify", r.dir+"/data/"+name).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// TestServeConfigConflict lets two processes meet on each state of a file.
func TestServeConfigConflict(t *testing.T) {
	r := newFleetRig(t)
	r.lists.Fill(5, time.Now().Add(-time.Hour))
	services := []*service{r.startFleet(twoServices), r.startFleet(twoServices)}
	var group sync.WaitGroup
	for i := range 20 {
		r.grow(5)
		group.Go(func() {
			a := answered{}
			for try := 0; a.code != http.StatusOK && try < 100; try++ {
				if a = services[(i+try)%2].trigger("/run/example/logs", ""); a.code != http.StatusOK && a.code != http.StatusServiceUnavailable {
					t.Errorf("got %+v", a)
				}
			}
		})
	}
	group.Wait()
	for _, s := range services {
		s.stop()
		if strings.Contains(s.log.String(), `"severity":"ERROR"`) {
			t.Errorf("the log makes an error of it:\n%s", s.log.String())
		}
	}
	out, err := exec.Command("asa2udm", "verify", r.dir+"/data/example/logs").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "100 events") {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// bad is a source that panics as often as it is told to.
type bad struct {
	collectSource
	panics int
}

func (b *bad) Page(ctx context.Context, cur collector.Cursor) (*collector.Page, error) {
	if b.panics > 0 {
		b.panics--
		panic("oops")
	}
	return b.collectSource.Page(ctx, cur)
}

// TestServeAfterAPanic opens everything anew for the run that follows.
func TestServeAfterAPanic(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(5)
	var out buffer
	u := newUI(nil, nil, &out)
	log, err := newCollectLog(u, "info", "json")
	if err != nil {
		t.Fatal(err)
	}
	f := &serveFlags{}
	f.collect.serving = true
	f.collect.environment = func(name string) string {
		for _, v := range slices.Backward(r.env) {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
	cmd := newServeCommand(u)
	f.collect.set = cmd.Flags()
	f.collect.out, f.collect.objectRecords = r.out, 10
	job, err := f.openJob(t.Context(), u, log)
	if err != nil {
		t.Fatal(err)
	}
	defer job.close()
	before := job.job.work
	before.source = &bad{before.source, 1}
	before.collector.Source = before.source
	runner := trigger.NewRunner(job.run, 0)
	var fault *trigger.PanicError
	if o := runner.Do(t.Context(), trigger.Trigger{}); !errors.As(o.Err, &fault) {
		t.Errorf("the run that panics: %+v", o)
	}
	o := runner.Do(t.Context(), trigger.Trigger{})
	if report, ok := o.Report.(servedReport); !ok || o.Err != nil || report.Events != 5 {
		t.Errorf("the run after it: %+v", o)
	}
	if job.job.work == before {
		t.Error("what the panic has left behind is still used")
	}
	if o := runner.Do(t.Context(), trigger.Trigger{}); o.Err != nil || fmt.Sprint(len(job.metered())) != "1" {
		t.Errorf("and again: %+v", o)
	}
	r.wantLog()
}
