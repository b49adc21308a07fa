package devo_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/devo"
	"github.com/asa2udm/asa2udm/collector/devo/devotest"
	"github.com/asa2udm/asa2udm/collector/dir"
)

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// numbers is a source that counts; its pages may be cut anywhere.
type numbers struct{ n, size int }

func (s *numbers) Name() string { return "numbers" }

func (s *numbers) Page(_ context.Context, cur collector.Cursor) (*collector.Page, error) {
	from := 0
	if cur.ID != "" {
		fmt.Sscan(cur.ID, &from)
	}
	p := &collector.Page{}
	for i := from + 1; i <= min(from+s.size, s.n); i++ {
		line := fmt.Appendf(nil, `{"id":"%d","text":%q}`, i, strings.Repeat("x", i*37%300))
		p.Records = append(p.Records, s.Record(line))
	}
	p.Cursor = cur.Behind(p.Records)
	p.More = from+s.size < s.n
	return p, nil
}

func (s *numbers) Record(line []byte) collector.Record {
	var o struct{ ID string }
	n := 0
	if json.Unmarshal(line, &o) == nil {
		fmt.Sscan(o.ID, &n)
	}
	return collector.Record{ID: o.ID, Time: begin.Add(time.Duration(n) * time.Second), Data: line}
}

// rig collects from a counting source into Devo.
type rig struct {
	t      *testing.T
	source *numbers
	config devo.Config
	root   string
	stats  devo.Stats
	runs   int
	batch  int
}

func newRig(t *testing.T, gzip bool, next func(int) devotest.Fate) (*rig, *devotest.Receiver) {
	t.Helper()
	a := devotest.NewAuthority(t)
	rec := devotest.NewReceiver(t, a.Server(), next)
	r := &rig{t: t, source: &numbers{size: 40}, config: a.Client(rec.Address()), root: t.TempDir(), batch: 100}
	r.config.Gzip = gzip
	return r, rec
}

// run collects as a new process would.
func (r *rig) run(ctx context.Context) (*collector.Stats, error) {
	r.t.Helper()
	client, err := devo.New(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := dir.Open(r.root)
	if err != nil {
		r.t.Fatal(err)
	}
	r.runs++
	c := collector.Collector{
		Source: r.source, State: collector.StateFile{Bucket: b, Name: "state.json"}, Stats: &collector.Stats{},
		Sink:    &devo.Sink{Client: client, Tag: "auth.okta.system", Spool: b, Identify: r.source.Record, Stats: &r.stats},
		Options: collector.Options{BatchRecords: r.batch, Writer: fmt.Sprint("run ", r.runs), Grace: 50 * time.Millisecond},
	}
	return c.Stats, c.Run(ctx)
}

// sequence is the state's next batch, 0 without a state.
func (r *rig) sequence() (n int64) {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.root, "state.json"))
	if err != nil {
		return 0
	}
	var s struct {
		Record struct{ Sequence int64 } `json:"asa2udm"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		r.t.Fatal(err)
	}
	return s.Record.Sequence
}

// frame is the line that a number must arrive as.
func (r *rig) frame(i int) string {
	line := fmt.Sprintf(`{"id":"%d","text":%q}`, i, strings.Repeat("x", i*37%300))
	return fmt.Sprintf("<14>%s collector-1 auth.okta.system: %s", begin.Add(time.Duration(i)*time.Second).Format(time.Stamp), line)
}

// want demands each of n events, byte by byte, at least once, and no more
// repeated ones than were counted.
func (r *rig) want(rec *devotest.Receiver, n int) {
	r.t.Helper()
	got := rec.Lines(r.config.Gzip)
	times := make(map[string]int)
	for _, line := range got {
		times[line]++
	}
	repeated := 0
	for i := 1; i <= n; i++ {
		line := r.frame(i)
		if times[line] == 0 {
			r.t.Fatalf("event %d is lost", i)
		}
		repeated += times[line] - 1
		delete(times, line)
	}
	for line := range times {
		r.t.Errorf("a line that is no event: %.100q", line)
	}
	if counted := r.stats.Repeated.Load(); int64(repeated) > counted {
		r.t.Errorf("%d events arrived again, counted were %d", repeated, counted)
	}
}

// TestSend sends in order, once, as syslog lines and in gzip members.
func TestSend(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		r, rec := newRig(t, gzip, nil)
		for _, n := range []int{0, 1, 250, 250, 1234} {
			r.source.n = n
			if _, err := r.run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var want []string
		for i := range 1234 {
			want = append(want, r.frame(i+1))
		}
		if diff := cmp.Diff(rec.Lines(gzip), want); diff != "" {
			t.Errorf("gzip %t: received (-got +want):\n%.1000s", gzip, diff)
		}
		if r.stats.Sent.Load() != 1234 || r.stats.Repeated.Load() != 0 || r.stats.Failures.Load() != 0 {
			t.Errorf("counted %d sent, %d repeated, %d failures", r.stats.Sent.Load(), r.stats.Repeated.Load(), r.stats.Failures.Load())
		}
	}
}

// TestLargeEvent is one event larger than any batch.
func TestLargeEvent(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		r, rec := newRig(t, gzip, nil)
		client, err := devo.New(r.config)
		if err != nil {
			t.Fatal(err)
		}
		b, err := dir.Open(r.root)
		if err != nil {
			t.Fatal(err)
		}
		sink := &devo.Sink{Client: client, Tag: "auth.okta.system", Spool: b, Identify: r.source.Record, Stats: &r.stats}
		data := []byte(`{"id":"1","text":"` + strings.Repeat("ä\\n", 2<<20) + `"}`)
		if _, err := sink.Deliver(t.Context(), collector.Batch{Sequence: 1, Records: []collector.Record{{ID: "1", Data: data}}}); err != nil {
			t.Fatal(err)
		}
		if got := rec.Lines(gzip); len(got) != 1 || got[0] != "<14>Jan  1 00:00:00 collector-1 auth.okta.system: "+string(data) {
			t.Errorf("gzip %t: %d lines arrived, not the one as it is", gzip, len(got))
		}
	}
}

// TestFates lets connections break off, Stall and end in every way.
func TestFates(t *testing.T) {
	cut := func(at int, reset bool) func(int) devotest.Fate {
		return func(n int) devotest.Fate {
			if n%2 == 0 {
				return devotest.Fate{CutAt: at, Reset: reset}
			}
			return devotest.Fate{CutAt: -1}
		}
	}
	for name, next := range map[string]func(int) devotest.Fate{
		"cut at once":      cut(0, false),
		"cut after a byte": cut(1, false),
		"cut within":       cut(5000, false),
		"reset at once":    cut(0, true),
		"reset within":     cut(5000, true),
		"slow":             func(int) devotest.Fate { return devotest.Fate{CutAt: -1, Stall: 300 * time.Millisecond} },
		"late end":         func(int) devotest.Fate { return devotest.Fate{CutAt: -1, Mute: 300 * time.Millisecond} },
		"deaf": func(n int) devotest.Fate {
			return devotest.Fate{CutAt: -1, Stall: 300 * time.Millisecond, Deaf: n%2 == 0}
		},
		"silent where an end was due": func(n int) devotest.Fate {
			if n%3 == 0 {
				return devotest.Fate{CutAt: -1, Mute: 3 * time.Second}
			}
			return devotest.Fate{CutAt: -1}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, gzip := range []bool{false, true} {
				r, rec := newRig(t, gzip, next)
				r.source.n = 250
				if _, err := r.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.want(rec, 250)
			}
		})
	}
}

// TestCampaign mixes fates and kills for many runs. Nothing is lost, and what
// arrives again was counted.
func TestCampaign(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	r, rec := newRig(t, true, func(int) devotest.Fate {
		f := devotest.Fate{CutAt: -1}
		switch rng.IntN(6) {
		case 0:
			f.CutAt = rng.IntN(9000)
		case 1:
			f.CutAt, f.Reset = rng.IntN(9000), true
		case 2:
			f.Stall = time.Duration(rng.IntN(100)) * time.Millisecond
		case 3:
			f.Deaf, f.Stall = true, time.Duration(rng.IntN(100))*time.Millisecond
		}
		return f
	})
	r.config.Attempts = 2
	failed := 0
	for range 40 {
		r.source.n += 60
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(50+rand.IntN(500))*time.Millisecond)
		before := r.sequence()
		if _, err := r.run(ctx); err != nil {
			failed++
		}
		if after := r.sequence(); after < before {
			t.Errorf("the state went back from %d to %d", before, after)
		}
		cancel()
	}
	r.config.Attempts = 50
	if _, err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if failed == 0 {
		t.Error("no run has failed")
	}
	r.want(rec, r.source.n)
	t.Logf("%d runs failed, %d connections failed, %d events counted as repeated of %d", failed, r.stats.Failures.Load(), r.stats.Repeated.Load(), r.source.n)
}

// TestSpool keeps what could not be sent, does not move the cursor, asks for
// nothing new, and sends it first when the endpoint is back.
func TestSpool(t *testing.T) {
	r, rec := newRig(t, false, nil)
	good := r.config.Address
	r.config.Address, r.config.Attempts = "127.0.0.1:1", 2
	r.source.n = 70
	for range 2 {
		stats, err := r.run(t.Context())
		if !errors.Is(err, devo.ErrConnect) || stats.Events.Load() != 0 {
			t.Errorf("%d events counted, %v; want none and ErrConnect", stats.Events.Load(), err)
		}
	}
	if got := r.sequence(); got != 1 {
		t.Errorf("the state is at %d, want 1", got)
	}
	if spooled, err := os.ReadDir(filepath.Join(r.root, "spool")); err != nil || len(spooled) != 1 {
		t.Errorf("%d batches on disk, %v; want 1", len(spooled), err)
	}
	r.config.Address = good
	r.source.n = 90
	stats, err := r.run(t.Context())
	if err != nil || stats.Recovered.Load() != 1 || stats.Events.Load() != 90 {
		t.Errorf("%d recovered, %d events, %v; want 1, 90 and no error", stats.Recovered.Load(), stats.Events.Load(), err)
	}
	r.want(rec, 90)
	if got := rec.Lines(false); got[0] != r.frame(1) || len(got) != 90 {
		t.Errorf("%d lines arrived, the first is %.80q", len(got), got[0])
	}
	if spooled, err := os.ReadDir(filepath.Join(r.root, "spool")); err != nil || len(spooled) != 0 {
		t.Errorf("%d batches on disk after all, %v", len(spooled), err)
	}
}

// TestSentButNotNoted: a batch that was proven is not sent again when the state
// did not learn of it.
func TestSentButNotNoted(t *testing.T) {
	r, rec := newRig(t, false, nil)
	r.source.n = 50
	if _, err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(r.root, "state.json")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.source.n = 80
	if _, err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(rec.Lines(false)); got != 80 || r.stats.Repeated.Load() != 0 {
		t.Errorf("%d lines arrived and %d were repeated, want 80 and 0", got, r.stats.Repeated.Load())
	}
}

// TestSeen remembers the last hour of events over a restart.
func TestSeen(t *testing.T) {
	r, _ := newRig(t, false, nil)
	r.batch = 1000
	r.source.n, r.source.size = 8000, 500
	if _, err := r.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := dir.Open(r.root)
	if err != nil {
		t.Fatal(err)
	}
	sink := &devo.Sink{Spool: b, Stats: &r.stats}
	for id, want := range map[string]bool{"8000": true, "5000": true, "100": false, "9000": false} {
		if got, err := sink.Seen(t.Context(), collector.Record{ID: id}, 99); got != want || err != nil {
			t.Errorf("event %s seen: %t, %v; want %t", id, got, err, want)
		}
	}
	sent, err := os.ReadDir(filepath.Join(r.root, "sent"))
	if err != nil || len(sent) > 5 {
		t.Errorf("%d batches are remembered, %v; want those of an hour", len(sent), err)
	}
}

// TestCheck tells the causes of a setup that does not work from each other.
func TestCheck(t *testing.T) {
	a, other := devotest.NewAuthority(t), devotest.NewAuthority(t)
	rec := devotest.NewReceiver(t, a.Server(), nil)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	go func() {
		for {
			c, err := plain.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("220 mail.example.com ESMTP\r\n"))
		}
	}()
	open := devotest.NewReceiver(t, a.Server(), func(int) devotest.Fate { return devotest.Fate{CutAt: -1, Mute: 5 * time.Second} })
	closed := devotest.NewReceiver(t, a.Server(), func(int) devotest.Fate { return devotest.Fate{CutAt: 0} })
	foreignCert, foreignKey := other.Issue("foreign", nil)
	expiredCert, expiredKey := a.Issue("expired", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	names := a.Server()
	names.Certificates = []tls.Certificate{wrongName(t, a)}
	misnamed := devotest.NewReceiver(t, names, nil)
	for name, tc := range map[string]struct {
		change func(*devo.Config)
		want   error
	}{
		"all right":            {func(*devo.Config) {}, nil},
		"no such file":         {func(c *devo.Config) { c.Key += ".missing" }, devo.ErrFile},
		"chain is no PEM":      {func(c *devo.Config) { c.Chain = c.Key }, devo.ErrFile},
		"key is no PEM":        {func(c *devo.Config) { c.Key = c.Chain }, devo.ErrFile},
		"another key":          {func(c *devo.Config) { c.Key = foreignKey }, devo.ErrPair},
		"expired certificate":  {func(c *devo.Config) { c.Cert, c.Key = expiredCert, expiredKey }, devo.ErrExpired},
		"unknown name":         {func(c *devo.Config) { c.Address = "collector.invalid:443" }, devo.ErrResolve},
		"nobody there":         {func(c *devo.Config) { c.Address = "127.0.0.1:1" }, devo.ErrConnect},
		"no TLS":               {func(c *devo.Config) { c.Address = plain.Addr().String() }, devo.ErrNoTLS},
		"unknown authority":    {func(c *devo.Config) { c.Chain = other.Chain() }, devo.ErrServerCert},
		"another name":         {func(c *devo.Config) { c.Address = misnamed.Address() }, devo.ErrServerCert},
		"foreign client":       {func(c *devo.Config) { c.Cert, c.Key = foreignCert, foreignKey }, devo.ErrRefused},
		"ends before we do":    {func(c *devo.Config) { c.Address = closed.Address() }, devo.ErrNotDrained},
		"does not end with us": {func(c *devo.Config) { c.Address = open.Address() }, devo.ErrNotDrained},
	} {
		t.Run(name, func(t *testing.T) {
			c := a.Client(rec.Address())
			tc.change(&c)
			client, err := devo.New(c)
			if err == nil {
				err = client.Check(t.Context())
			}
			var all []error
			for _, e := range []error{devo.ErrFile, devo.ErrPair, devo.ErrExpired, devo.ErrResolve, devo.ErrConnect, devo.ErrNoTLS, devo.ErrServerCert, devo.ErrRefused, devo.ErrNotDrained} {
				if errors.Is(err, e) {
					all = append(all, e)
				}
			}
			if tc.want == nil && err != nil || tc.want != nil && !slices.Equal(all, []error{tc.want}) {
				t.Errorf("error is %v, want %v alone", err, tc.want)
			}
		})
	}
}

func wrongName(t *testing.T, a *devotest.Authority) tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(a.Issue("elsewhere", func(c *x509.Certificate) {
		c.IPAddresses, c.DNSNames = nil, []string{"elsewhere.example.com"}
	}))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestTags(t *testing.T) {
	for tag, good := range map[string]bool{
		"auth.okta.system": true, "my.app.okta.users": true, "auth.okta": false, "": false, "auth.okta.system: x": false, "a..b": false, "a.b.c\n": false,
	} {
		if err := devo.CheckTag(tag); (err == nil) != good {
			t.Errorf("tag %q: %v", tag, err)
		}
	}
}
