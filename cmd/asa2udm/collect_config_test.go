package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asa2udm/asa2udm/collector/devo/devotest"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/okta/simulator"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secops/secopstest"
	"github.com/asa2udm/asa2udm/collector/secret"
	"github.com/asa2udm/asa2udm/collector/secret/secrettest"
)

const oktaCanary = "00Canary-okta_T0ken"

// buffer may be read while others write.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *buffer) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Reset()
}

// fleetRig is the command in service mode, over a simulated org.
type fleetRig struct {
	t      *testing.T
	log    *simulator.Log
	lists  *simulator.Lists
	org    *simulator.Org
	dir    string
	stderr buffer
	stdout buffer
	made   int
	stop   func() int
}

func newFleetRig(t *testing.T) *fleetRig {
	t.Helper()
	r := &fleetRig{t: t, log: &simulator.Log{}, lists: &simulator.Lists{}, dir: t.TempDir()}
	r.org = simulator.New(simulator.Config{Log: r.log, Lists: r.lists, Token: oktaCanary})
	server := httptest.NewServer(r.org)
	t.Cleanup(server.Close)
	t.Setenv("OKTA_URL", server.URL)
	t.Setenv("OKTA_TOKEN", oktaCanary)
	return r
}

func (r *fleetRig) grow(n int) {
	for range n {
		r.log.Append(simulator.NewEvent(r.made, time.Now()))
		r.made++
	}
}

// start runs the command until stop is called, which answers its exit code.
func (r *fleetRig) start(config string, args ...string) {
	r.t.Helper()
	path := filepath.Join(r.dir, "collect.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	code := make(chan int, 1)
	go func() {
		args := append([]string{"collect", "--config", path, "--log-format", "text", "--log-level", "debug"}, args...)
		code <- run(ctx, args, newUI(strings.NewReader(""), &r.stdout, &r.stderr))
	}()
	r.stop = func() int { cancel(); return <-code }
}

// await waits until something holds, and fails the test if it never does.
func (r *fleetRig) await(what string, holds func() bool) {
	r.t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	r.t.Fatalf("%s: never\n%s", what, r.stderr.String())
}

func (r *fleetRig) says(pattern string) func() bool {
	re := regexp.MustCompile(pattern)
	return func() bool { return re.MatchString(r.stderr.String()) }
}

const twoServices = `
out: data
every: 1s
tenants:
  - name: example
    okta_url: env:OKTA_URL
    api_token: env:OKTA_TOKEN
    services:
      logs:
        per_minute: 100000
      users:
        emit: changes
        full_every: 1s
        per_minute: 100000
`

// TestFleet runs services side by side: one is refused for a while and does not
// stop the other; both are measured; the end is in order.
func TestFleet(t *testing.T) {
	r := newFleetRig(t)
	r.grow(30)
	r.lists.Fill(5, time.Now().Add(-time.Hour))
	r.org.Deny("users")
	r.start(twoServices, "--listen", "127.0.0.1:0")
	r.await("logs up to date", r.says(`up to date tenant=example service=logs .*sent=30 `))
	r.await("users refused", r.says(`error: the service cannot be set up .*tenant=example service=users .*number=101 hint=`))
	r.await("an address", r.says(`serving .* address=`))
	address := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(r.stderr.String())[1]
	if body, code := fetch(t, "http://"+address+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "example/users: the last cycle failed") {
		t.Errorf("readyz: %d %s", code, body)
	}
	r.org.Deny("")
	r.grow(7)
	r.await("users collected", r.says(`up to date tenant=example service=users .*sent=5 `))
	r.await("logs go on", r.says(`service=logs .*sent=7 `))
	r.await("ready", func() bool { _, code := fetch(t, "http://"+address+"/readyz"); return code == http.StatusOK })
	metrics, _ := fetch(t, "http://"+address+"/metrics")
	for _, want := range []string{
		`asa2udm_events_total{service="logs",source="okta/127.0.0.1:[0-9]+/logs",tenant="example"} 37\n`,
		`asa2udm_events_total{service="users",.*,tenant="example"} 5\n`,
		`asa2udm_lag_seconds{service="logs",.*tenant="example"} [0-9.e+-]+\n`,
		`asa2udm_runs_total{result="failure",service="users",.*} [1-9]`,
	} {
		if !regexp.MustCompile(want).MatchString(metrics) {
			t.Errorf("metrics have no %s:\n%.3000s", want, metrics)
		}
	}
	if code := r.stop(); code != exitOK {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, text := range []string{r.stderr.String(), r.stdout.String(), metrics} {
		if strings.Contains(text, oktaCanary) {
			t.Error("the token stands in the output")
		}
	}
}

func fetch(t *testing.T, url string) (string, int) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), resp.StatusCode
}

// TestFleetDeadToken: a token that dies is said as an error, again and again.
func TestFleetDeadToken(t *testing.T) {
	r := newFleetRig(t)
	t.Setenv("OKTA_TOKEN", "00revoked")
	r.start(twoServices)
	r.await("errors", func() bool { return strings.Count(r.stderr.String(), "number=100") >= 3 })
	if code := r.stop(); code != exitOK {
		t.Errorf("exit code %d, want 0", code)
	}
}

// TestFleetStopsWhereNothingHelps: a state that cannot be used ends its service,
// and the process when no other is left.
func TestFleetStopsWhereNothingHelps(t *testing.T) {
	r := newFleetRig(t)
	r.grow(3)
	state := filepath.Join(r.dir, "data", "example", "logs", "state.json")
	if err := os.MkdirAll(filepath.Dir(state), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start(twoServices)
	r.await("the end of one", r.says(`this service has stopped, the others go on.*service=logs.*number=400`))
	r.await("the other goes on", r.says(`up to date tenant=example service=users`))
	r.stop()
	r.stderr.reset()
	r.start(twoServices, "--only", "example/logs")
	r.await("the end", r.says(`stopped\n`))
	if code := r.stop(); code != exitCannot {
		t.Errorf("exit code %d, want 2", code)
	}
}

// TestFleetStartChanges: another start in the file takes effect, and is said.
func TestFleetStartChanges(t *testing.T) {
	r := newFleetRig(t)
	for i := range 10 {
		r.log.Append(simulator.NewEvent(i, time.Now().Add(-time.Duration(10-i)*time.Hour)))
	}
	config := func(ago time.Duration) string {
		start := time.Now().Add(-ago).UTC().Format(time.RFC3339)
		return strings.Replace(twoServices, "      logs:\n", "      logs:\n        start: "+start+"\n", 1)
	}
	for _, tc := range []struct {
		ago  time.Duration
		sent int
		says bool
	}{{150 * time.Minute, 2, false}, {330 * time.Minute, 3, true}} {
		r.stderr.reset()
		r.start(config(tc.ago), "--once", "--only", "example/logs")
		r.await("the end", r.says(fmt.Sprintf(`up to date .*sent=%d `, tc.sent)))
		if got := strings.Contains(r.stderr.String(), "the start was changed"); got != tc.says {
			t.Errorf("said that the start was changed: %t, want %t", got, tc.says)
		}
		r.stop()
	}
}

// TestFleetToDevo sends all services to Devo, each under its tag, over
// connections that break off now and then.
func TestFleetToDevo(t *testing.T) {
	r := newFleetRig(t)
	a := devotest.NewAuthority(t)
	receiver := devotest.NewReceiver(t, a.Server(), func(n int) devotest.Fate {
		if n%5 == 4 {
			return devotest.Fate{CutAt: 3000, Reset: true}
		}
		return devotest.Fate{CutAt: -1}
	})
	r.grow(40)
	r.lists.Fill(10, time.Now())
	c := a.Client(receiver.Address())
	key, err := os.ReadFile(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	manager := secrettest.New(t)
	manager.Add("example", "devo-key", string(key))
	manager.Add("example", "okta-token", oktaCanary+"\n")
	t.Setenv("SECRET_MANAGER_ENDPOINT", manager.URL)
	config := fmt.Sprintf(`
out:
  devo: {address: %q, chain: %q, cert: %q, key: %q, gzip: true, spool: spool, host: h}
tenants:
  - name: example
    okta_url: env:OKTA_URL
    api_token: sm://example/okta-token
    services:
`, c.Address, c.Chain, c.Cert, "sm://example/devo-key/1")
	services := okta.Services()
	for _, s := range services {
		config += "      " + s.Name + ":\n"
	}
	config = strings.Replace(config, "users:", "users: {tag: my.app.okta.people}", 1)
	r.start(config, "--check")
	r.await("a check", func() bool { return strings.Count(r.stdout.String(), "state: not there yet") == len(services) })
	if code := r.stop(); code != exitOK {
		t.Fatalf("check ended with %d\n%s", code, r.stdout.String())
	}
	r.start(config, "--once")
	r.await("the end", func() bool { return strings.Count(r.stderr.String(), "up to date") == len(services) })
	if code := r.stop(); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, r.stderr.String())
	}
	tags := make(map[string]map[string]bool)
	for _, line := range receiver.Lines(true) {
		tag, data, _ := strings.Cut(strings.TrimPrefix(line[len("<14>Jan  1 00:00:00 "):], "h "), ": ")
		if tags[tag] == nil {
			tags[tag] = make(map[string]bool)
		}
		tags[tag][data] = true
	}
	for _, s := range services {
		tag, want := s.Tag, 10
		switch s.Name {
		case okta.Log:
			want = 40
		case "users":
			tag = "my.app.okta.people"
		}
		if len(tags[tag]) != want {
			t.Errorf("%s: %d events arrived, want %d", tag, len(tags[tag]), want)
		}
	}
	for _, e := range r.log.Events() {
		if !tags["auth.okta.system"][string(e.Data)] {
			t.Errorf("event %s did not arrive as it is", e.UUID)
		}
	}
}

func TestMemoryIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 16*time.Minute)
		defer cancel()
		logMemory(ctx, &collectLog{Logger: slog.New(slog.NewTextHandler(&out, nil))}, memoryEvery)
		if got := strings.Count(out.String(), "msg=memory resident_mib="); got != 3 {
			t.Errorf("logged %d times in 16 minutes, want 3:\n%s", got, out.String())
		}
	})
}

// TestPartialStatistics are logged while a cycle lasts.
func TestPartialStatistics(t *testing.T) {
	r := newFleetRig(t)
	t.Setenv("GOGC", "40")
	file, err := readConfig(t.Context(), writeConfig(t, r.dir, twoServices), &secret.Resolver{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := &collectLog{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	fl, err := newFleet(newUI(nil, nil, nil), log, &collectFlags{}, file, &secret.Resolver{})
	if err != nil {
		t.Fatal(err)
	}
	j := fl.jobs[0]
	if j.work, err = j.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer fl.close()
	synctest.Test(t, func(t *testing.T) {
		end := j.sayPartial(snapshot(j.work), time.Now())
		time.Sleep(65 * time.Second)
		end()
	})
	if got := strings.Count(out.String(), `msg="still collecting"`); got != 2 || !strings.Contains(out.String(), "final=false") {
		t.Errorf("logged %d times in 65 seconds, want 2:\n%s", got, out.String())
	}
}

func writeConfig(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "collect.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFleetToSecOps pushes events and raw lines of one org to an instance, which
// refuses one service for a while.
func TestFleetToSecOps(t *testing.T) {
	r := newFleetRig(t)
	instance := secops.Instance{Project: "example-project", Location: "eu", ID: "0c1d3e5f-1234-4abc-9def-0123456789ab"}
	api := secopstest.New(t, secopstest.Config{Instance: instance, Tokens: true, LogTypes: []string{"OKTA_USER_CONTEXT"}})
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", api.Credentials(t))
	r.grow(40)
	r.lists.Fill(10, time.Now())
	config := fmt.Sprintf(`
out:
  secops: {instance: %q, spool: spool, endpoint: %q}
tenants:
  - name: example
    okta_url: env:OKTA_URL
    api_token: env:OKTA_TOKEN
    services:
      logs: {rules: okta}
      users: {}
      zones: {log_type: OKTA_ZONES}
`, instance.Name(), api.URL)
	r.start(config, "--check")
	r.await("a check", func() bool { return strings.Count(r.stdout.String(), "state: not there yet") == 3 })
	if code := r.stop(); code != exitOK || strings.Count(r.stdout.String(), instance.String()+" can be read; whether imports are allowed is not proven") != 3 {
		t.Fatalf("check ended with %d\n%s", code, r.stdout.String())
	}
	r.start(config, "--once")
	r.await("the end", r.says(`(?s)(up to date .*){2}`))
	r.await("a refusal", r.says(`error: this cycle has failed .*service=zones .*error="\[222\].*number=222 hint=`))
	if code := r.stop(); code == exitOK {
		t.Error("the command ends as if all were well")
	}
	if !r.says(`up to date tenant=example service=logs .*sent=40 .*pushed=40 `)() {
		t.Errorf("the log says\n%s", r.stderr.String())
	}
	events, users := 0, 0
	for _, e := range api.Accepted() {
		switch e.LogType {
		case "":
			events++
		case "OKTA_USER_CONTEXT":
			users++
		}
	}
	if events != 40 || users != 10 {
		t.Errorf("%d events and %d users arrived", events, users)
	}
	r.start(strings.Replace(config, "OKTA_ZONES", "OKTA_USER_CONTEXT", 1), "--once", "--only", "example/zones")
	r.await("zones", r.says(`service=zones .*pushed=20 `))
	if code := r.stop(); code != exitOK {
		t.Errorf("with another log type it ends with %d\n%s", code, r.stderr.String())
	}
}
