//go:build unix

package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector/asa/simulator"
)

// The campaigns of this file kill the command and let it race, and hold what it
// has collected against the log it was collected from. They are short in an
// ordinary run; ASA2UDM_TORTURE=1 makes them long and builds a real binary.

func TestTortureRandomKills(t *testing.T) {
	buildForTorture(t)
	for _, storage := range []string{"dir", "gcs"} {
		t.Run(storage, func(t *testing.T) {
			r := newRig(t, storage, nil)
			rng := rand.New(rand.NewPCG(1, uint64(len(storage))))
			want := rounds(500, 3)
			kills, runs := 0, 0
			for ; kills < want; runs++ {
				r.grow(rng.IntN(60))
				cmd := r.collect("--object-records", "15", "--normalize", "--overlap", "1h")
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				timer := time.AfterFunc(time.Duration(rng.IntN(250))*time.Millisecond, func() { cmd.Process.Kill() })
				if err := cmd.Wait(); killed(err) {
					kills++
				} else if err != nil {
					t.Fatalf("run %d: %v", runs, err)
				}
				timer.Stop()
			}
			r.mustCollect("--normalize")
			r.wantLog()
			r.wantUDM()
			t.Logf("%d SIGKILLs in %d runs, %d events: 0 lost, 0 duplicate", kills, runs, r.log.Len())
		})
	}
}

func buildForTorture(t *testing.T) {
	t.Helper()
	if torture {
		build(t)
	}
}

// killed reports that a process was ended by SIGKILL.
func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// TestTortureEveryCall kills the command at each of its calls to the API and to
// the storage, before the call is served and after it was answered.
func TestTortureEveryCall(t *testing.T) {
	buildForTorture(t)
	places := 0
	for _, tc := range []struct{ storage, calls string }{{"dir", "api"}, {"gcs", "api"}, {"gcs", "storage"}} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%s/after=%v", tc.storage, tc.calls, after), func(t *testing.T) {
				step := rounds(1, 8)
				if testing.Short() {
					step *= 3
				}
				for at := 1; killAtCall(t, tc.storage, tc.calls, at, after); at += step {
					places++
				}
			})
		}
	}
	t.Logf("killed at %d calls: 0 lost, 0 duplicate", places)
}

// killAtCall reports whether the run was killed, which is false when it made
// fewer calls.
func killAtCall(t *testing.T, storage, calls string, at int, after bool) bool {
	t.Helper()
	r := newRig(t, storage, nil)
	r.grow(35)
	cmd := r.collect("--object-records", "15", "--normalize", "--overlap", "0s")
	var n atomic.Int64
	kill := func(serve func()) {
		if n.Add(1) != int64(at) {
			serve()
			return
		}
		if after {
			serve()
		}
		cmd.Process.Kill()
	}
	started := make(chan struct{}) // cmd.Process is set then
	hook := func(serve func()) { <-started; kill(serve) }
	if calls == "api" {
		r.onAPI.set(hook)
	} else {
		r.onStorage.set(hook)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	err := cmd.Wait()
	if err != nil && !killed(err) {
		t.Fatalf("call %d: %v", at, err)
	}
	r.onAPI.clear()
	r.onStorage.clear()
	r.grow(5)
	r.mustCollect("--normalize", "--overlap", "0s")
	r.wantLog()
	r.wantUDM()
	return killed(err)
}

// TestTortureEveryStep kills the command at each write, sync, link and rename.
// It needs a binary with these places in it.
func TestTortureEveryStep(t *testing.T) {
	if !torture {
		t.Skip("set ASA2UDM_TORTURE=1; the collector's own tests cut every call to the directory")
	}
	build(t)
	for at := 1; ; at++ {
		r := newRig(t, "dir", nil)
		r.grow(35)
		cmd := r.collect("--object-records", "15", "--normalize", "--overlap", "0s")
		cmd.Env = append(cmd.Env, "ASA2UDM_FAILPOINT="+strconv.Itoa(at))
		err := cmd.Run()
		if err != nil && !killed(err) {
			t.Fatalf("step %d: %v", at, err)
		}
		r.grow(5)
		r.mustCollect("--normalize", "--overlap", "0s")
		r.wantLog()
		r.wantUDM()
		if err == nil {
			t.Logf("killed at %d steps: 0 lost, 0 duplicate", at-1)
			if at < 50 {
				t.Errorf("the run had %d steps only", at-1)
			}
			return
		}
	}
}

// TestTortureRaces lets two commands start at once on one state.
func TestTortureRaces(t *testing.T) {
	buildForTorture(t)
	for _, storage := range []string{"dir", "gcs"} {
		t.Run(storage, func(t *testing.T) {
			r := newRig(t, storage, nil)
			lost := 0
			for range rounds(50, 2) {
				r.grow(60)
				var errs [2]error
				var stderr [2]bytes.Buffer
				var wg sync.WaitGroup
				for i := range errs {
					cmd := r.collect("--object-records", strconv.Itoa(10+i), "--overlap", "0s", "--log-format", "text")
					cmd.Stderr = &stderr[i]
					wg.Go(func() { errs[i] = cmd.Run() })
				}
				wg.Wait()
				if errs[0] != nil && errs[1] != nil {
					t.Fatalf("nobody won:\n%s\n%s", stderr[0].String(), stderr[1].String())
				}
				for i, err := range errs {
					if err == nil {
						continue
					}
					lost++
					if !strings.Contains(stderr[i].String(), "another collector is at work on this state") {
						t.Fatalf("the loser says\n%s", stderr[i].String())
					}
				}
				r.wantLog()
			}
			t.Logf("%d races, %d losers stopped: nothing lost, doubled or interleaved", rounds(50, 2), lost)
		})
	}
}

// TestTortureThroughput collects a long log and reports what it took.
func TestTortureThroughput(t *testing.T) {
	if !torture {
		t.Skip("set ASA2UDM_TORTURE=1")
	}
	build(t)
	for _, args := range [][]string{nil, {"--normalize"}} {
		const events = 1_000_000
		log := simulator.Generate(1, events, time.Now().Add(-events*time.Second), time.Second)
		r := newRig(t, "dir", func(c *simulator.Config) { c.Log = log })
		cmd := r.collect(append([]string{"--page-size", "1000", "--json"}, args...)...)
		var stdout bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, os.Stderr
		start := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		peak := make(chan int, 1)
		go func() { peak <- residentPeak(cmd.Process.Pid, done) }()
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		close(done)
		took, rss := time.Since(start), <-peak
		t.Logf("%q: %d events in %s, %.0f/s, peak RSS %d MiB; report %s", args, events, took.Round(100*time.Millisecond),
			events/took.Seconds(), rss>>10, stdout.String())
		if out, err := exec.Command(r.program(), "verify", r.out).CombinedOutput(); err != nil || !strings.Contains(string(out), "1,000,000 events") {
			t.Errorf("verify: %v\n%s", err, out)
		}
	}
}

// residentPeak watches the largest resident set of a process in KiB. What the
// kernel reports at its end would count the memory of the parent it was made
// from.
func residentPeak(pid int, done <-chan struct{}) (kib int) {
	for {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				fmt.Sscan(value, &kib)
			}
		}
		select {
		case <-done:
			return kib
		case <-time.After(50 * time.Millisecond):
		}
	}
}
