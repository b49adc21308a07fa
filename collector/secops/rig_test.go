package secops_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/dir"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secops/secopstest"
)

var (
	begin    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	instance = secops.Instance{Project: "example-project", Location: "eu", ID: "0c1d3e5f-1234-4abc-9def-0123456789ab"}
)

// TestMain forgets the credentials of whoever runs the tests.
func TestMain(m *testing.M) {
	for _, name := range []string{"GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "GOOGLE_CLOUD_QUOTA_PROJECT"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// numbers is a source that counts. Every seventh record does not map to UDM.
type numbers struct {
	n, size int
	// fill answers how many bytes record i carries.
	fill func(i int) int
}

func (s *numbers) Name() string { return "numbers" }

func (s *numbers) line(i int) string {
	return fmt.Sprintf(`{"id":"%d","text":%q}`, i, strings.Repeat("x", s.fill(i)))
}

func (s *numbers) Page(_ context.Context, cur collector.Cursor) (*collector.Page, error) {
	from := 0
	if cur.ID != "" {
		fmt.Sscan(cur.ID, &from)
	}
	p := &collector.Page{}
	for i := from + 1; i <= min(from+s.size, s.n); i++ {
		p.Records = append(p.Records, s.Record([]byte(s.line(i))))
	}
	p.Cursor = cur.Behind(p.Records)
	p.More = from+s.size < s.n
	return p, nil
}

func number(line []byte) (id string, n int) {
	var o struct{ ID string }
	if json.Unmarshal(line, &o) == nil {
		fmt.Sscan(o.ID, &n)
	}
	return o.ID, n
}

func (s *numbers) Record(line []byte) collector.Record {
	id, n := number(line)
	return collector.Record{ID: id, Time: begin.Add(time.Duration(n) * time.Second), Data: line}
}

func unmapped(i int) bool { return i%7 == 0 }

// event is what record i maps to, without an id.
func event(i int, text string) string {
	return fmt.Sprintf(`{"metadata":{"event_timestamp":%q,"event_type":"GENERIC_EVENT"},"additional":{"id":"%d","text":%q}}`,
		begin.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i, text)
}

// normalize maps the records.
func normalize(_ context.Context, raw []byte) (udm, rejects []byte, err error) {
	for i, line := range bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")) {
		var o struct{ Text string }
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, nil, err
		}
		_, n := number(line)
		if unmapped(n) {
			rejects = fmt.Appendf(rejects, "{\"line\":%d,\"error\":\"timestamp\"}\n", i+1)
			continue
		}
		udm = append(append(udm, event(n, o.Text)...), '\n')
	}
	return udm, rejects, nil
}

// rig collects from a counting source into a simulated API.
type rig struct {
	t      *testing.T
	source *numbers
	api    *secopstest.Server
	root   string
	udm    bool
	batch  int
	dead   int
	config secops.Config
	stats  secops.Stats
	log    bytes.Buffer
	runs   int
	// bucket stands around the spool, if set.
	bucket func(collector.Bucket) collector.Bucket
	// clock is the machine's, if set.
	clock time.Time
	// rebuild asks for a new state.
	rebuild bool
}

func newRig(t *testing.T, udm bool, c secopstest.Config) *rig {
	t.Helper()
	c.Instance = instance
	r := &rig{t: t, api: secopstest.New(t, c), root: t.TempDir(), udm: udm, batch: 100}
	r.source = &numbers{size: 40, fill: func(i int) int { return i * 37 % 300 }}
	r.config = secops.Config{Instance: instance, Endpoint: r.api.URL, Retry: rest.Retry{Base: time.Microsecond, Attempts: 4}}
	return r
}

// run collects as a new process would.
func (r *rig) run(ctx context.Context) (*collector.Stats, error) {
	r.t.Helper()
	client, err := secops.New(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	var b collector.Bucket
	if b, err = dir.Open(r.root); err != nil {
		r.t.Fatal(err)
	}
	if r.bucket != nil {
		b = r.bucket(b)
	}
	r.runs++
	objects := &collector.Objects{Bucket: b, Layout: collector.RootLayout(), Identify: r.source.Record}
	if r.udm {
		objects.Normalize = normalize
	}
	now := begin.Add(24*time.Hour + time.Duration(r.runs)*time.Minute)
	if !r.clock.IsZero() {
		now = r.clock
	}
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	c := collector.Collector{
		Source: r.source, State: collector.StateFile{Bucket: b, Name: "state.json"}, Stats: &collector.Stats{},
		Sink: &secops.Sink{
			Objects: objects, Client: client, Source: r.source.Name(), LogType: "NUMBERS", MaxDead: r.dead, Stats: &r.stats,
			Now: func() time.Time { return now }, Log: log,
		},
		Options: collector.Options{BatchRecords: r.batch, Writer: fmt.Sprint("run ", r.runs), Grace: time.Second, Rebuild: r.rebuild, Log: log},
	}
	return c.Stats, c.Run(ctx)
}

func (r *rig) mustRun() {
	r.t.Helper()
	if _, err := r.run(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// arrived is how often something was accepted, by its id.
type arrived struct {
	data  string
	times int
}

// want demands each record that maps, whole, and no more repeats than counted;
// those with a number in except must be missing.
func (r *rig) want(except ...int) {
	r.t.Helper()
	got := make(map[string]arrived)
	byNumber := make(map[int]string)
	for _, e := range r.api.Accepted() {
		a := got[e.ID]
		if a.times > 0 && a.data != e.Data {
			r.t.Fatalf("two events have the id %s:\n%.200s\n%.200s", e.ID, a.data, e.Data)
		}
		got[e.ID] = arrived{e.Data, a.times + 1}
		n := r.number(e)
		if id, ok := byNumber[n]; ok && id != e.ID {
			r.t.Fatalf("event %d has the ids %s and %s", n, id, e.ID)
		}
		byNumber[n] = e.ID
	}
	missing := make(map[int]bool)
	for _, n := range except {
		missing[n] = true
	}
	repeated := 0
	for i := 1; i <= r.source.n; i++ {
		id, there := byNumber[i]
		if gone := missing[i] || r.udm && unmapped(i); gone == there {
			r.t.Fatalf("event %d: accepted %t, want %t", i, there, !gone)
		}
		if there {
			repeated += got[id].times - 1
		}
	}
	if len(byNumber) != len(got) {
		r.t.Errorf("%d ids for %d events", len(got), len(byNumber))
	}
	if counted := r.stats.Repeated.Load(); int64(repeated) > counted {
		r.t.Errorf("%d events arrived again, counted were %d", repeated, counted)
	}
}

// number answers which record an event was made of, and demands that it is whole.
func (r *rig) number(e secopstest.Event) int {
	r.t.Helper()
	if !r.udm {
		_, n := number([]byte(e.Data))
		if e.Data != r.source.line(n) {
			r.t.Fatalf("arrived %.200s\nwant %.200s", e.Data, r.source.line(n))
		}
		return n
	}
	var o struct{ Additional json.RawMessage }
	if err := json.Unmarshal([]byte(e.Data), &o); err != nil {
		r.t.Fatal(err)
	}
	_, n := number(o.Additional)
	whole := event(n, strings.Repeat("x", r.source.fill(n)))
	if want := strings.Replace(whole, `{"metadata":{`, `{"metadata":{"id":"`+e.ID+`",`, 1); e.Data != want {
		r.t.Fatalf("arrived %.300s\nwant %.300s", e.Data, want)
	}
	return n
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

// read answers a file of the spool, "" for none.
func (r *rig) read(name string) string {
	text, err := os.ReadFile(filepath.Join(r.root, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		r.t.Fatal(err)
	}
	return string(text)
}

// letters are the lines of all dead letters.
func (r *rig) letters() (all []map[string]any) {
	r.t.Helper()
	names, err := filepath.Glob(filepath.Join(r.root, "dead", "*"))
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var l map[string]any
			if err := json.Unmarshal(line, &l); err != nil {
				r.t.Fatal(err)
			}
			all = append(all, l)
		}
	}
	return all
}

// breaking is a bucket that dies at one of its calls, before it is done or after.
type breaking struct {
	collector.Bucket
	at    int
	after bool
	calls *int
}

var errDead = errors.New("the process has died")

func (b *breaking) die(do func() error) error {
	*b.calls++
	switch {
	case *b.calls > b.at || *b.calls == b.at && !b.after:
		return errDead
	case *b.calls == b.at:
		return errors.Join(do(), errDead)
	}
	return do()
}

func (b *breaking) Create(ctx context.Context, name string, data []byte) error {
	return b.die(func() error { return b.Bucket.Create(ctx, name, data) })
}

func (b *breaking) Swap(ctx context.Context, name string, data []byte, token collector.Token) (now collector.Token, err error) {
	err = b.die(func() error { now, err = b.Bucket.Swap(ctx, name, data, token); return err })
	return now, err
}

func (b *breaking) Read(ctx context.Context, name string) (data []byte, token collector.Token, err error) {
	err = b.die(func() error { data, token, err = b.Bucket.Read(ctx, name); return err })
	return data, token, err
}

func (b *breaking) List(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	if err := b.die(func() error { return nil }); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return b.Bucket.List(ctx, prefix, after)
}
