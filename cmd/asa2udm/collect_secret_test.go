//go:build unix

package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/asa2udm/asa2udm/collector/secret/secrettest"
)

// TestSecretIsReplacedInMidRun lets ASA refuse the secret that the run began
// with; the latest version is the right one by then.
func TestSecretIsReplacedInMidRun(t *testing.T) {
	manager := secrettest.New(t)
	manager.Add("example", "asa", "a-former-secret")
	r := newRig(t, "dir", nil)
	r.env = append(r.env, "SECRET_MANAGER_ENDPOINT="+manager.URL, "ASA_KEY_SECRET=sm://example/asa")
	r.grow(45)
	var once sync.Once
	r.onAPI.set(func(serve func()) {
		once.Do(func() { manager.Add("example", "asa", canary) })
		serve()
	})
	if said := r.mustCollect(); !strings.Contains(said, "has been replaced") {
		t.Errorf("the log says nothing of it:\n%s", said)
	}
	r.wantLog()
}

// TestSecretCannotBeRead names the reference and what to do, and the run ends
// before it has begun.
func TestSecretCannotBeRead(t *testing.T) {
	manager := secrettest.New(t)
	manager.Add("example", "disabled", "")
	for name, tc := range map[string]struct {
		ref    string
		answer []secrettest.Answer
		says   string
	}{
		"no role":   {"sm://example/asa", []secrettest.Answer{secrettest.Denied}, "secret sm://example/asa/latest: access is refused: grant roles/secretmanager.secretAccessor"},
		"not there": {"sm://example/asa", nil, "there is no such secret or version"},
		"disabled":  {"sm://example/disabled/1", nil, "this version is disabled or destroyed: enable it"},
		"wrong":     {"sm://example", nil, "--key-secret-file: want env:NAME, file:PATH or sm://PROJECT/SECRET/VERSION"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "dir", nil)
			manager.Fault(tc.answer...)
			cmd := r.collect("--key-secret-file", tc.ref, "--log-format", "text")
			cmd.Env = append(cmd.Env, "SECRET_MANAGER_ENDPOINT="+manager.URL)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			checkExit(t, cmd.Run(), exitCannot)
			if !strings.Contains(stderr.String(), tc.says) {
				t.Errorf("got %s, want %q", stderr.String(), tc.says)
			}
		})
	}
}
