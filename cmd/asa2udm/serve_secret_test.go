//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asa2udm/asa2udm/collector/secret/secrettest"
)

// TestServeIsStoppedBeforeItServes sends SIGTERM while a secret is being read: that
// is a stop in order, as one of a service that serves, and the log says so.
func TestServeIsStoppedBeforeItServes(t *testing.T) {
	asked := make(chan struct{}, 100)
	manager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer manager.Close()
	config := writeConfig(t, t.TempDir(), "out: data\ntenants:\n  - name: example\n    okta_url: https://okta.example.com\n    api_token: sm://example/okta\n    services: {logs: }\n")
	for name, args := range map[string][]string{
		"the callers' token": {"--auth", "token", "--auth-token", "sm://example/token", "--out", t.TempDir()},
		"the API key":        {"--auth", "token", "--auth-token", "env:TRIGGER_TOKEN", "--out", t.TempDir(), "--key-secret-file", "sm://example/asa"},
		"one of a file":      {"--auth", "token", "--auth-token", "env:TRIGGER_TOKEN", "--config", config},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("asa2udm", append([]string{"serve", "--address", "127.0.0.1:0"}, args...)...)
			cmd.Env = append(os.Environ(), "SECRET_MANAGER_ENDPOINT="+manager.URL, "TRIGGER_TOKEN="+triggerToken, "ASA_TEAM_NAME=example", "ASA_KEY_ID=key-1")
			var log buffer
			cmd.Stderr = &log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-asked:
			case err := <-ended:
				t.Fatalf("it ended before it read the secret: %v\n%s", err, log.String())
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Errorf("it ended with %v", err)
			}
			if said := log.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, `"severity":"INFO","message":"stopped before it served","signal":"SIGTERM"`) {
				t.Errorf("the log is\n%s", said)
			}
		})
	}
}

// TestServeCannotRenewItsSecret names the secret and the role where a secret that
// is refused cannot be read again, and not the API key.
func TestServeCannotRenewItsSecret(t *testing.T) {
	const cure = "cannot be read again: grant the account that runs this roles/secretmanager.secretAccessor on that secret"
	t.Run("ASA", func(t *testing.T) {
		manager := secrettest.New(t)
		manager.Add("example", "asa", "a-former-secret")
		r := newRig(t, "dir", nil)
		r.env = append(r.env, "SECRET_MANAGER_ENDPOINT="+manager.URL, "ASA_KEY_SECRET=sm://example/asa")
		r.grow(5)
		s := r.served()
		manager.Fault(secrettest.Denied)
		a := s.trigger("/", "")
		if a.code != http.StatusInternalServerError || !strings.Contains(a.Runs[0].Hint, "sm://example/asa/latest") || !strings.Contains(a.Runs[0].Hint, cure) {
			t.Errorf("got %+v", a)
		}
		manager.Add("example", "asa", canary)
		if a := s.trigger("/", ""); a.code != http.StatusOK || a.Runs[0].Report.Events != 5 {
			t.Errorf("with the new version: %+v", a)
		}
		s.stop()
	})
	t.Run("Okta", func(t *testing.T) {
		manager := secrettest.New(t)
		manager.Add("example", "okta", "a-former-token")
		r := newFleetRig(t)
		t.Setenv("SECRET_MANAGER_ENDPOINT", manager.URL)
		s := r.startFleet(strings.ReplaceAll(twoServices, "env:OKTA_TOKEN", "sm://example/okta"))
		manager.Fault(secrettest.Denied)
		a := s.trigger("/run/example/logs", "")
		if a.code != http.StatusInternalServerError || !strings.Contains(a.Runs[0].Hint, "sm://example/okta/latest") || !strings.Contains(a.Runs[0].Hint, cure) {
			t.Errorf("got %+v", a)
		}
		s.stop()
		if !strings.Contains(s.log.String(), `"number":4,"hint":"what was read of sm://example/okta/latest before`) {
			t.Errorf("the log is\n%s", s.log.String())
		}
	})
}

// TestServeRenewsItsToken takes a token that was replaced where its reference leads.
func TestServeRenewsItsToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		write(triggerToken)
		var out buffer
		log, err := newCollectLog(newUI(nil, nil, &out), "info", "json")
		if err != nil {
			t.Fatal(err)
		}
		f := &serveFlags{token: "file:" + path}
		f.collect.environment = func(string) string { return "" }
		auth, err := f.sharedToken(t.Context(), log)
		if err != nil {
			t.Fatal(err)
		}
		check := func(token string) error {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			_, err := auth.Check(r)
			return err
		}
		time.Sleep(time.Hour)
		if err := check(triggerToken); err != nil {
			t.Error(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := check(triggerToken); err != nil || !strings.Contains(out.String(), `"severity":"WARNING","message":"the token of the callers could not be read again`) {
			t.Errorf("without the file: %v, the log is\n%s", err, out.String())
		}
		write("another-token-0123456789")
		time.Sleep(time.Minute)
		if err := check("another-token-0123456789"); err != nil {
			t.Errorf("the new token: %v\n%s", err, out.String())
		}
		if err := check(triggerToken); err == nil {
			t.Error("the old token is taken")
		}
	})
}

// TestServeSaysThatThereIsMore says in the answer whether a limit has ended the run
// before the log's end.
func TestServeSaysThatThereIsMore(t *testing.T) {
	r := newRig(t, "dir", nil)
	r.grow(50)
	s := r.served("--max-records", "25")
	for i, want := range []struct {
		events int64
		more   bool
	}{{25, true}, {25, false}, {0, false}} {
		a := s.trigger("/", "")
		if a.code != http.StatusOK || a.Runs[0].Report.Events != want.events || a.Runs[0].Report.More != want.more {
			t.Errorf("trigger %d: %+v, want %+v", i, a, want)
		}
	}
	s.stop()
	r.wantLog()
	if n := strings.Count(s.log.String(), `"more":true`); n != 1 {
		t.Errorf("the log says %d times that there is more:\n%s", n, s.log.String())
	}
}
