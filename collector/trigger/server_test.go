package trigger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const sharedToken = "0123456789abcdef0123456789"

// served is a server that listens, and its log.
type served struct {
	t       *testing.T
	server  *Server
	address string
	mu      sync.Mutex
	log     bytes.Buffer
	stop    func() error // as SIGTERM does
}

// Write takes the log.
func (s *served) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

func (s *served) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// serve starts a server for the runs; change may set more.
func serve(t *testing.T, change func(*Config), targets ...Target) *served {
	t.Helper()
	s := newServed(t, change, targets...)
	s.start()
	return s
}

// serveHurried starts one whose callers have half a second for what they send.
func serveHurried(t *testing.T, target Target) *served {
	t.Helper()
	s := newServed(t, nil, target)
	s.server.headerTime, s.server.bodyTime = 500*time.Millisecond, 500*time.Millisecond
	s.start()
	return s
}

func newServed(t *testing.T, change func(*Config), targets ...Target) *served {
	t.Helper()
	auth, err := NewToken(TokenConfig{Token: sharedToken})
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t}
	c := Config{Targets: targets, Auth: auth, MaxBody: 1000, Log: slog.New(slog.NewJSONHandler(s, nil))}
	if change != nil {
		change(&c)
	}
	s.server = New(c)
	return s
}

func (s *served) start() {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = l.Addr().String()
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(ctx, l) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	s.t.Cleanup(func() { s.stop() })
}

// post calls with the token, and answers the status and the body.
func (s *served) post(path, body string, header ...string) (int, http.Header, string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sharedToken)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return s.do(req)
}

func (s *served) do(req *http.Request) (int, http.Header, string) {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Error(err)
		return 0, nil, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Error(err)
	}
	return resp.StatusCode, resp.Header, strings.TrimSpace(string(text))
}

// fine is a run that answers a report.
func fine(context.Context, Trigger) (any, error) { return map[string]int{"events": 3}, nil }

func failing(err error) Run { return func(context.Context, Trigger) (any, error) { return nil, err } }

var errConflict = errors.New("another one is at work")

func TestAnswers(t *testing.T) {
	for _, tc := range []struct {
		name   string
		run    Run
		status int
		body   string
		retry  bool
	}{
		{"fine", fine, 200, `{"status":"ok","runs":[{"status":"ok","triggers":1,"report":{"events":3}}]}`, false},
		{"failed", failing(errors.New("no role")), 500, `{"status":"failed","runs":[{"status":"failed","triggers":1,"error":"no role","hint":"a cure"}]}`, false},
		{"conflict", failing(fmt.Errorf("batch: %w", errConflict)), 503, `{"status":"conflict","runs":[{"status":"conflict","triggers":1,"error":"batch: another one is at work","hint":"a cure"}]}`, true},
		{"incomplete", failing(ErrIncomplete), 503, `{"status":"incomplete","runs":[{"status":"incomplete","triggers":1,"error":"` + ErrIncomplete.Error() + `","hint":"a cure"}]}`, true},
		{"panic", func(context.Context, Trigger) (any, error) { panic("oops") }, 500, `{"status":"failed","runs":[{"status":"failed","triggers":1,"error":"a fault in the program: oops","hint":"a cure"}]}`, false},
		{"no report", func(context.Context, Trigger) (any, error) { return make(chan int), nil }, 500, `{"status":"failed","error":"the report cannot be written"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, func(c *Config) {
				c.Conflict = func(err error) bool { return errors.Is(err, errConflict) }
				c.Hint = func(error) string { return "a cure" }
			}, Target{Run: tc.run})
			for range 2 { // a failure leaves nothing behind
				status, header, body := s.post("/", "")
				if status != tc.status || body != tc.body {
					t.Errorf("got %d %s\nwant %d %s", status, body, tc.status, tc.body)
				}
				if got := header.Get("Retry-After") != ""; got != tc.retry {
					t.Errorf("Retry-After: %t, want %t", got, tc.retry)
				}
			}
			if tc.name == "panic" && !strings.Contains(s.said(), "goroutine ") {
				t.Errorf("the log has no stack: %s", s.said())
			}
		})
	}
}

func TestTargets(t *testing.T) {
	s := serve(t, nil, Target{"one/logs", fine}, Target{"one/users", failing(errors.New("refused"))})
	for path, want := range map[string]int{
		"/": 500, "/run": 500, "/run/one/logs": 200, "/run/one/users": 500, "/run/one": 404, "/run/two/logs": 404, "/other": 404,
	} {
		status, _, body := s.post(path, "")
		if status != want {
			t.Errorf("POST %s = %d, want %d", path, status, want)
		}
		if path == "/" && !strings.HasPrefix(body, `{"status":"failed","runs":[{"name":"one/logs","status":"ok",`) {
			t.Errorf("POST / says %s", body)
		}
	}
}

func TestCallsThatAreRefused(t *testing.T) {
	runs := 0
	s := serve(t, nil, Target{Run: func(context.Context, Trigger) (any, error) { runs++; return nil, nil }})
	large := strings.Repeat("x", 1001)
	for name, tc := range map[string]struct {
		body   io.Reader
		header []string
		method string
		status int
		says   string
	}{
		"no token":           {status: 401, header: []string{"Authorization", ""}, says: `{"status":"refused","error":"Unauthorized"}`},
		"a wrong token":      {status: 401, header: []string{"Authorization", "Bearer wrong"}, says: `{"status":"refused","error":"Unauthorized"}`},
		"too large":          {body: strings.NewReader(large), status: 413, says: "the body has 1001 bytes, the limit is 1000"},
		"too large, chunked": {body: io.MultiReader(strings.NewReader(large)), status: 413, says: "the limit of a body is 1000 bytes"},
		"no event":           {body: strings.NewReader("garbage"), header: []string{"Content-Type", "application/cloudevents+json"}, status: 400, says: "the body is no JSON"},
		"GET":                {method: http.MethodGet, status: 405},
		"PUT":                {method: http.MethodPut, status: 405},
		"large and no token": {body: strings.NewReader(large), header: []string{"Authorization", ""}, status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			method := tc.method
			if method == "" {
				method = http.MethodPost
			}
			req, err := http.NewRequest(method, "http://"+s.address+"/", tc.body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+sharedToken)
			for i := 0; i < len(tc.header); i += 2 {
				req.Header.Set(tc.header[i], tc.header[i+1])
			}
			status, header, body := s.do(req)
			if status != tc.status || !strings.Contains(body, tc.says) {
				t.Errorf("got %d %s", status, body)
			}
			if (header.Get("WWW-Authenticate") != "") != (tc.status == 401) {
				t.Errorf("WWW-Authenticate: %q", header.Get("WWW-Authenticate"))
			}
		})
	}
	if runs != 0 {
		t.Errorf("%d runs", runs)
	}
	if strings.Contains(s.said(), sharedToken) {
		t.Errorf("the log shows the token: %s", s.said())
	}
}

// TestSlowCallers cuts off who sends a byte now and then, and lets others in all
// the while.
func TestSlowCallers(t *testing.T) {
	s := serveHurried(t, Target{Run: fine})
	authorized := "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + sharedToken + "\r\n"
	for name, begin := range map[string]string{
		"headers":          authorized,
		"body":             authorized + "Content-Length: 900\r\n\r\n",
		"chunks":           authorized + "Transfer-Encoding: chunked\r\n\r\n",
		"body, no token":   "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n",
		"nothing":          "",
		"body of a health": "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", s.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, begin)
			cut := make(chan struct{})
			go func() {
				defer close(cut)
				io.Copy(io.Discard, conn) // until the server ends it
			}()
			ticker := time.NewTicker(50 * time.Millisecond)
			defer ticker.Stop()
			for range 200 {
				select {
				case <-cut:
					return
				case <-ticker.C:
					io.WriteString(conn, "x")
				}
			}
			t.Error("the connection is still open")
		})
	}
	t.Run("beside them", func(t *testing.T) {
		t.Parallel()
		if status, _, _ := s.post("/", "{}"); status != http.StatusOK {
			t.Errorf("got %d", status)
		}
	})
}

// TestLongRun lasts longer than a caller may take to send: the limits are not
// those of the answer.
func TestLongRun(t *testing.T) {
	s := serveHurried(t, Target{Run: func(ctx context.Context, _ Trigger) (any, error) {
		time.Sleep(time.Second)
		return nil, ctx.Err()
	}})
	for _, body := range []string{"", "{}"} {
		if status, _, said := s.post("/", body); status != http.StatusOK || !strings.Contains(said, `"ok"`) {
			t.Errorf("with body %q: %d %s", body, status, said)
		}
	}
}

func TestLargeHeader(t *testing.T) {
	s := serve(t, nil, Target{Run: fine})
	if status, _, _ := s.post("/", "", "X-Large", strings.Repeat("x", 128<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", status)
	}
}

func (s *served) get(path string) (int, string) {
	s.t.Helper()
	resp, err := http.Get("http://" + s.address + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func TestHealth(t *testing.T) {
	s := serve(t, nil, Target{Run: failing(errors.New("gs://secret-bucket: no role"))})
	s.post("/", "")
	for path, want := range map[string]string{"/livez": "ok\n", "/healthz": "ok\n", "/health": "ok\n", "/readyz": "ready\n", "/ready": "ready\n"} {
		if status, body := s.get(path); status != http.StatusOK || body != want {
			t.Errorf("%s = %d %q", path, status, body)
		}
	}
	if status, _ := s.get("/metrics"); status != http.StatusNotFound {
		t.Errorf("/metrics = %d, it was not asked for", status)
	}
}

// awaitTriggers returns when n triggers wait for the end of a run.
func (s *served) awaitTriggers(n int) {
	s.t.Helper()
	r := s.server.targets[0].runner
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		r.mu.Lock()
		waiting := r.waiting
		met := waiting != nil && waiting.outcome.Triggers == n
		r.mu.Unlock()
		if met {
			return
		}
	}
	s.t.Fatalf("%d triggers never came", n)
}

// TestServeStops takes no more triggers while a run ends, and answers all.
func TestServeStops(t *testing.T) {
	begun, ending, release := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := serve(t, nil, Target{Run: func(ctx context.Context, _ Trigger) (any, error) {
		close(begun)
		<-ctx.Done()
		close(ending)
		<-release
		return map[string]int{"events": 7}, context.Cause(ctx)
	}})
	var group sync.WaitGroup
	bodies := make([]string, 3)
	for i := range bodies {
		group.Go(func() {
			status, _, body := s.post("/", "")
			if bodies[i] = body; status != http.StatusServiceUnavailable {
				t.Errorf("trigger %d: %d", i, status)
			}
		})
		<-begun
	}
	// A trigger that is still on its way may find nobody who listens.
	s.awaitTriggers(2)
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	<-ending
	if status, _, body := s.post("/", ""); status != http.StatusServiceUnavailable || !strings.Contains(body, "stopping") {
		t.Errorf("a trigger while it stops: %d %s", status, body)
	}
	if status, _ := s.get("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz while it stops: %d", status)
	}
	if status, _ := s.get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz while it stops: %d", status)
	}
	close(release)
	group.Wait()
	if err := <-stopped; err != nil {
		t.Errorf("Serve = %v", err)
	}
	if !strings.Contains(bodies[0], `"report":{"events":7}`) {
		t.Errorf("the run at hand: %s", bodies[0])
	}
	if _, err := net.Dial("tcp", s.address); err == nil {
		t.Error("it still listens")
	}
}

// TestCallerHangsUp lets the run go on for the others.
func TestCallerHangsUp(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := serve(t, nil, Target{Run: func(ctx context.Context, _ Trigger) (any, error) {
		once.Do(func() { close(begun) })
		<-release
		return nil, ctx.Err()
	}})
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", sharedToken)
	<-begun
	var group sync.WaitGroup
	group.Go(func() {
		if status, _, body := s.post("/", ""); status != http.StatusOK {
			t.Errorf("who waits got %d %s", status, body)
		}
	})
	conn.Close()
	for range 1500 {
		if strings.Contains(s.said(), "has gone before its answer") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	close(release)
	group.Wait()
	if !strings.Contains(s.said(), "has gone before its answer") {
		t.Errorf("the log says %s", s.said())
	}
}

// TestHandlerPanics answers 500 and goes on.
func TestHandlerPanics(t *testing.T) {
	s := serve(t, func(c *Config) { c.Auth = panicking{} }, Target{Run: fine})
	for range 2 {
		if status, _, body := s.post("/", ""); status != 500 || body != `{"status":"failed","error":"a fault in the program"}` {
			t.Errorf("got %d %s", status, body)
		}
	}
}

type panicking struct{}

func (panicking) Check(*http.Request) (string, error) { panic("oops") }

// TestLogIsTraced puts the lines of a call, and of the run that it has begun, to
// its trace.
func TestLogIsTraced(t *testing.T) {
	var traced Traced
	var runLog *slog.Logger
	s := serve(t, func(c *Config) { c.Project = "example" }, Target{Run: func(_ context.Context, by Trigger) (any, error) {
		traced.Begin(by.Trace.Attrs("example"))
		runLog.With("tenant", "t").Info("collected")
		return nil, nil
	}})
	runLog = slog.New(traced.Handler(slog.NewJSONHandler(s, nil)))
	s.post("/", "", "X-Cloud-Trace-Context", "4bf92f3577b34da6a3ce929d0e0e4736/10;o=1", "X-CloudScheduler-JobName", "nightly")
	s.post("/", "")
	var got []string
	for lines := bufio.NewScanner(strings.NewReader(s.said())); lines.Scan(); {
		var line map[string]any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%v %v %v %v", line["msg"], line["logging.googleapis.com/trace"], line["logging.googleapis.com/spanId"], line["logging.googleapis.com/trace_sampled"]))
	}
	const trace = " projects/example/traces/4bf92f3577b34da6a3ce929d0e0e4736 000000000000000a true"
	want := []string{"triggered" + trace, "collected" + trace, "triggered <nil> <nil> <nil>", "collected <nil> <nil> <nil>"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
