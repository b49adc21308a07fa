package okta_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/gcs"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/okta/simulator"
)

var errKilled = errors.New("killed")

// crossed is a bucket at whose nth call something else happens, before or after
// the call has had its effect; or at which its process is killed, so that no call
// after it has any.
type crossed struct {
	collector.Bucket
	at    int
	after bool
	kill  bool
	do    func()
	calls int
}

func (c *crossed) call(f func() error) error {
	c.calls++
	if c.calls != c.at {
		if c.kill && c.calls > c.at {
			return errKilled
		}
		return f()
	}
	var err error
	if c.after {
		err = f()
	}
	if c.kill {
		return errKilled
	}
	c.do()
	if !c.after {
		err = f()
	}
	return err
}

func (c *crossed) Create(ctx context.Context, name string, data []byte) error {
	return c.call(func() error { return c.Bucket.Create(ctx, name, data) })
}

func (c *crossed) Swap(ctx context.Context, name string, data []byte, token collector.Token) (out collector.Token, err error) {
	err = c.call(func() error { out, err = c.Bucket.Swap(ctx, name, data, token); return err })
	return out, err
}

func (c *crossed) Read(ctx context.Context, name string) (data []byte, token collector.Token, err error) {
	err = c.call(func() error { data, token, err = c.Bucket.Read(ctx, name); return err })
	return data, token, err
}

func (c *crossed) Stat(ctx context.Context, name string) (token collector.Token, err error) {
	err = c.call(func() error { token, err = c.Bucket.Stat(ctx, name); return err })
	return token, err
}

func (c *crossed) List(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	var names []string
	err := c.call(func() error {
		for name, err := range c.Bucket.List(ctx, prefix, after) {
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		return nil
	})
	return func(yield func(string, error) bool) {
		if err != nil {
			yield("", err)
			return
		}
		for _, name := range names {
			if !yield(name, nil) {
				return
			}
		}
	}
}

func (c *crossed) Remove(ctx context.Context, name string) error {
	return c.call(func() error { return c.Bucket.Remove(ctx, name) })
}

// point is where a process is crossed by the next one.
type point struct {
	at    int
	after bool
	kill  bool
}

// crossing is a list that changes while processes cross each other.
type crossing struct {
	*rig
	service okta.Service
	changes []func() // one before each process
	oldest  string   // what the name of the first snapshot begins with in the end, if set
}

func newCrossing(t *testing.T, service string, place func() collector.Bucket) *crossing {
	r := newRig(t, func(c *simulator.Config) { c.MaxPage = 3 })
	r.place = place
	r.settings.Changes = true
	r.options.BatchRecords = 2
	c := &crossing{rig: r, service: okta.Service{}}
	c.service, _ = okta.Lookup(service)
	if c.service.Changed == nil {
		r.settings.FullEvery = time.Nanosecond
	}
	c.changes = []func(){
		func() {
			c.set(1, 1)
			c.set(9, 0)
			c.unset(2)
			c.set(3, 1)
			c.unset(4)
			c.set(8, 1)
		},
		// Some go back to what they were before the process that is crossed.
		func() {
			c.set(3, 0)
			c.set(4, 0)
			c.set(5, 1)
			c.unset(9)
			c.set(10, 0)
			c.unset(6)
		},
		func() { c.set(6, 0); c.set(3, 1); c.set(5, 0); c.set(7, 1); c.set(2, 0) },
		func() { c.unset(3); c.set(9, 1); c.unset(10) },
	}
	c.fill()
	return c
}

// fill makes the list as it is before all changes.
func (c *crossing) fill() {
	for i := range 10 {
		if c.set(i+1, 0); i >= 8 {
			c.unset(i + 1)
		}
	}
}

// set puts an object of a list that is read whole each time as it was in that
// revision, to the byte.
func (c *crossing) set(number, revision int) {
	updated := c.begin
	if c.service.Changed != nil {
		updated = time.Now()
	}
	c.put(c.service, number, revision, updated)
}

func (c *crossing) unset(number int) {
	id, _ := simulator.NewObject(c.service, number, 0, c.begin)
	c.lists.Delete(c.service.Name, id)
}

// cross changes the list and runs a process; at its point the same begins for the
// next one. It answers how many points were reached.
func (c *crossing) cross(changes []func(), points []point) (reached int) {
	c.t.Helper()
	if len(changes) > 0 {
		changes[0]()
		changes = changes[1:]
	}
	if len(points) == 0 {
		c.process(c.bucket())
		return 0
	}
	p := points[0]
	next := func() { reached = 1 + c.cross(changes, points[1:]) }
	b := &crossed{Bucket: c.bucket(), at: p.at, after: p.after, kill: p.kill, do: next}
	c.process(b)
	if p.kill && b.calls >= b.at {
		next()
	}
	return reached
}

// process runs one; it may meet another one or be killed, and nothing else.
func (c *crossing) process(b collector.Bucket) {
	c.t.Helper()
	err := c.collectorIn(c.service.Name, b).Run(c.t.Context())
	if err != nil && !errors.Is(err, collector.ErrConflict) && !errors.Is(err, errKilled) {
		c.t.Fatalf("a process ended with %v", err)
	}
}

// told follows the records, each of which must tell something new of its object,
// and answers what they say in the end.
func (c *crossing) told() map[string]string {
	c.t.Helper()
	now := make(map[string]string)
	for i, line := range c.lines() {
		var o map[string]json.RawMessage
		var note struct{ Change string }
		if err := errors.Join(json.Unmarshal([]byte(line), &o), json.Unmarshal(o["asa2udm"], &note)); err != nil {
			c.t.Fatal(err)
		}
		id := string(o[c.service.ID])
		object, _, _ := strings.Cut(line, `,"asa2udm":`)
		before, known := now[id]
		switch note.Change {
		case "found", "added":
			if known {
				c.t.Errorf("record %d: %s %s, and it was there", i, id, note.Change)
			}
		case "changed":
			if !known || before == object {
				c.t.Errorf("record %d: %s changed, from %q to %q", i, id, before, object)
			}
		case "deleted":
			if !known {
				c.t.Errorf("record %d: %s deleted, and it was not there", i, id)
			}
		default:
			c.t.Errorf("record %d has the change %q", i, note.Change)
		}
		if now[id] = object; note.Change == "deleted" {
			delete(now, id)
		}
	}
	return now
}

// wantTold demands that the records tell each change once, and all there are.
func (c *crossing) wantTold(what string) {
	c.t.Helper()
	c.settings.FullEvery = time.Nanosecond
	c.mustRun(c.service.Name)
	c.mustRun(c.service.Name)
	want := make(map[string]string)
	for _, o := range c.lists.Objects(c.service.Name, false, time.Time{}) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(o.Data, &fields); err != nil {
			c.t.Fatal(err)
		}
		want[string(fields[c.service.ID])] = string(bytes.TrimSuffix(o.Data, []byte("}")))
	}
	if diff := cmp.Diff(c.told(), want); diff != "" {
		c.t.Errorf("the records tell another list (-told +there):\n%s", diff)
	}
	c.wantOldest(c.oldest)
	if c.t.Failed() {
		c.t.Fatalf("%s; records:\n%s", what, strings.Join(c.lines(), "\n"))
	}
}

// wantOldest demands what the name of the first snapshot begins with.
func (c *crossing) wantOldest(prefix string) {
	c.t.Helper()
	if first := c.snapshots()[0]; !strings.HasPrefix(first, prefix) {
		c.t.Errorf("the first snapshot is %s, want %s", first, prefix)
	}
}

// places answers the kinds of places; each call of what they answer is a new one.
func places(t *testing.T) map[string]func(t *testing.T) func() collector.Bucket {
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: 0, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL(), "http://"))
	n := 0
	return map[string]func(t *testing.T) func() collector.Bucket{
		"directory": func(*testing.T) func() collector.Bucket { return nil },
		"bucket": func(t *testing.T) func() collector.Bucket {
			n++
			name := fmt.Sprintf("logs-%d", n)
			server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: name})
			b, err := gcs.Open(context.Background(), name, "okta", gcs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
			return func() collector.Bucket { return b }
		},
	}
}

// TestCrossing lets processes meet at every call to the storage, two and three of
// them, and kills them there. Whoever goes on, and whoever is killed, each change
// is told once.
func TestCrossing(t *testing.T) {
	all := os.Getenv("ASA2UDM_TORTURE") != ""
	kinds := places(t)
	for _, place := range slices.Sorted(maps.Keys(kinds)) {
		for _, service := range []string{"apps", "groups"} {
			if !all && (place == "bucket") == (service == "apps") {
				continue
			}
			campaigns := crossings(all)
			for i, name := range slices.Sorted(maps.Keys(campaigns)) {
				t.Run(place+"/"+service+"/"+name, func(t *testing.T) {
					campaign(t, 1+i, campaigns[name], func() *crossing {
						c := newCrossing(t, service, kinds[place](t))
						c.mustRun(service)
						return c
					})
				})
			}
		}
	}
}

// shortStep is how far the calls lie apart that a campaign crosses with -short: as
// many as there are campaigns, each of which begins at another call, so that together
// they cross all.
const shortStep = 6

// campaign crosses a new list at the points for each call of the first process, as
// long as there are any; with -short, for those from a first one on, a step apart.
func campaign(t *testing.T, first int, points func(at int) [][]point, begin func() *crossing) {
	at, step := 1, 1
	if testing.Short() {
		at, step = first, shortStep
	}
	rounds := 0
	for reached := true; reached; at += step {
		reached = false
		for _, p := range points(at) {
			c := begin()
			reached = c.cross(c.changes, p) > 0 || reached
			c.wantTold(fmt.Sprintf("crossed at %+v", p))
			rounds++
		}
	}
	t.Logf("%d rounds", rounds)
}

// TestCrossingOldSnapshots is the same where the processes store a whole snapshot,
// and remove those before the last one.
func TestCrossingOldSnapshots(t *testing.T) {
	all := os.Getenv("ASA2UDM_TORTURE") != ""
	names := []string{"the second is killed"}
	if all {
		names = append(names, "two", "one is killed")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c := newCrossing(t, "apps", nil)
			for i := range 22 {
				c.set(20+i, 0)
			}
			c.options.BatchRecords = 1
			c.mustRun("apps") // in 30 batches
			c.wantOldest("seen-000000000001-")
			c.oldest = "seen-000000000016-"
			before := os.DirFS(c.root)
			campaign(t, 1, crossings(all)[name], func() *crossing {
				c.fill()
				c.root = t.TempDir()
				if err := os.CopyFS(c.root, before); err != nil {
					t.Fatal(err)
				}
				return c
			})
		})
	}
}

// crossings answers the campaigns: the points for each call of the first process.
// Without all, the second point goes once through its calls while the first one
// does.
func crossings(all bool) map[string]func(at int) [][]point {
	const calls = 30 // about as many as a run has
	second := func(at int) []int {
		if !all {
			return []int{1 + at*7%31} // a prime, so that no step leaves calls out
		}
		var every []int
		for i := range calls {
			every = append(every, i+1)
		}
		return every
	}
	pairs := func(first, other point) func(int) [][]point {
		return func(at int) (plans [][]point) {
			for _, m := range second(at) {
				first.at, other.at = at, m
				plans = append(plans, []point{first, other})
			}
			return plans
		}
	}
	return map[string]func(int) [][]point{
		"two": func(at int) [][]point {
			return [][]point{{{at: at}}, {{at: at, after: true}}}
		},
		"one is killed": func(at int) [][]point {
			return [][]point{{{at: at, kill: true}}, {{at: at, after: true, kill: true}}}
		},
		"three":                        pairs(point{}, point{}),
		"the second is killed":         pairs(point{}, point{kill: true, after: true}),
		"both are killed":              pairs(point{kill: true}, point{kill: true, after: true}),
		"killed, then two that follow": pairs(point{kill: true, after: true}, point{}),
	}
}
