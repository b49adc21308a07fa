//go:build unix

package main

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/asa2udm/asa2udm/collector/asa/simulator"
	"github.com/asa2udm/asa2udm/collector/secret/secrettest"
)

// secretSigns are the forms in which a secret or a token could leak. The
// simulator's tokens begin with a word of their own.
var secretSigns = []string{canary, url.QueryEscape(canary), canary[:12], "simulated."}

func wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, sign := range secretSigns {
		if i := strings.Index(text, sign); i >= 0 {
			t.Errorf("%s holds %q: ...%s", where, sign, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}

// TestCanary looks for the secret in all that the command leaves behind.
func TestCanary(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"code":400,"type":"invalid_request","message":"you sent `+strings.ReplaceAll(string(body), `"`, `'`)+`"}`)
	}))
	defer echo.Close()
	manager, broken := secrettest.New(t), secrettest.New(t)
	manager.Add("example", "asa", "a-former-secret")
	manager.Add("example", "asa", canary+"\n")
	broken.Fault(slices.Repeat([]secrettest.Answer{{Body: "<html>" + canary}, {Status: 500, Body: canary}}, 10)...)
	for name, tc := range map[string]struct {
		change func(*simulator.Config)
		env    []string
		args   []string
	}{
		"all is well": {args: []string{"--raw-pages", "--normalize"}},
		"check":       {args: []string{"--check"}},
		"wrong key":   {change: func(c *simulator.Config) { c.KeyID = "other" }},
		"no role":     {change: func(c *simulator.Config) { c.NoRole = true }},
		"faults": {change: func(c *simulator.Config) {
			c.Faults = simulator.Faults{Unauthorized: .3, Forbidden: .1, Reset: .1, Cut: .1}
		}},
		"Secret Manager":    {env: []string{"SECRET_MANAGER_ENDPOINT=" + manager.URL, "ASA_KEY_SECRET=sm://example/asa"}, args: []string{"--raw-pages"}},
		"by flag":           {env: []string{"SECRET_MANAGER_ENDPOINT=" + manager.URL}, args: []string{"--key-secret-file", "sm://example/asa/2", "--check"}},
		"refused by ASA":    {env: []string{"SECRET_MANAGER_ENDPOINT=" + manager.URL, "ASA_KEY_SECRET=sm://example/asa"}, change: func(c *simulator.Config) { c.KeyID = "other" }},
		"broken manager":    {env: []string{"SECRET_MANAGER_ENDPOINT=" + broken.URL, "ASA_KEY_SECRET=sm://example/asa"}},
		"a secret for name": {env: []string{"ASA_KEY_SECRET=sm://" + canary}},
		"echoing server":    {env: []string{"ASA_BASE_URL=" + echo.URL}},
		"no server":         {env: []string{"ASA_BASE_URL=http://127.0.0.1:1"}, args: []string{"--check"}},
		"unknown flag":      {args: []string{"--key-secret", "x"}},
		"text at debug":     {args: []string{"--log-format", "text"}},
		"secret in proxy":   {env: []string{"HTTPS_PROXY=http://user:" + url.QueryEscape(canary) + "@127.0.0.1:1", "ASA_BASE_URL=https://192.0.2.1"}, args: []string{"--check", "--timeout", "2s"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "dir", tc.change)
			r.grow(45)
			cmd := r.collect(append([]string{"--log-level", "debug", "--json"}, tc.args...)...)
			cmd.Env = append(cmd.Env, tc.env...)
			out, _ := cmd.CombinedOutput() // most of these fail, and say why
			wantNoSecret(t, "the output", string(out))
			wantNoSecretBelow(t, r.out)
		})
	}
}

func wantNoSecretBelow(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		wantNoSecret(t, path, string(text))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Error(err)
	}
}

// TestCanaryInServiceAndDump looks at metrics, health and the dump of all
// goroutines that SIGQUIT makes, as a panic would.
func TestCanaryInServiceAndDump(t *testing.T) {
	r := newRig(t, "dir", func(c *simulator.Config) { c.Faults.Unauthorized = .5 })
	r.grow(45)
	s := r.serve("--log-level", "debug")
	s.await("/metrics", "asa2udm_requests_total")
	var all bytes.Buffer
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/debug/pprof/cmdline", "/"} {
		_, body := s.get(path)
		all.WriteString(body)
	}
	wantNoSecret(t, "HTTP", all.String())
	if err := s.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	s.Wait()
	if !strings.Contains(s.log.String(), "goroutine ") {
		t.Errorf("no dump in\n%s", s.log.String())
	}
	wantNoSecret(t, "the dump", s.log.String())
}
