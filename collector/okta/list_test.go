package okta_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/okta/simulator"
)

// service finds a service by its name.
func service(t *testing.T, name string) okta.Service {
	t.Helper()
	s, ok := okta.Lookup(name)
	if !ok {
		t.Fatalf("there is no service %q", name)
	}
	return s
}

// put makes up a revision of an object.
func (r *rig) put(s okta.Service, number, revision int, updated time.Time) {
	id, o := simulator.NewObject(s, number, revision, updated)
	r.lists.Put(s.Name, id, o)
}

// news answers what was collected since the last call, as "change number label".
func (r *rig) news(s okta.Service, known *int) (news []string) {
	r.t.Helper()
	lines := r.lines()
	for _, line := range lines[*known:] {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			r.t.Fatal(err)
		}
		n := o["asa2udm"].(map[string]any)
		id := strings.TrimLeft(strings.TrimPrefix(o[s.ID].(string), "0"+s.Name[:2]), "0")
		change, _ := n["change"].(string)
		label, _ := o["label"].(string)
		news = append(news, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", change, id, strings.TrimPrefix(label, "Revision "))), " "))
	}
	*known = len(lines)
	slices.Sort(news)
	return news
}

// TestEveryListIsReadWhole: each run answers every object, in pages, those that
// are hidden without a filter too.
func TestEveryListIsReadWhole(t *testing.T) {
	for _, s := range okta.Services() {
		if s.Name == okta.Log {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			r := newRig(t, func(c *simulator.Config) { c.MaxPage = 10 })
			r.lists.Fill(25, r.begin)
			for range 2 {
				r.mustRun(s.Name)
			}
			if got := len(r.lines()); got != 50 {
				t.Errorf("two readings of 25 objects answered %d", got)
			}
			var first map[string]any
			if err := json.Unmarshal([]byte(r.lines()[0]), &first); err != nil || first[s.ID] == nil || first["asa2udm"] == nil {
				t.Errorf("first line %s: %v", r.lines()[0], err)
			}
		})
	}
}

// TestOnlyChanges: readings answer what is new, other, or gone.
func TestOnlyChanges(t *testing.T) {
	for _, s := range okta.Services() {
		if s.Name == okta.Log {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			r := newRig(t, func(c *simulator.Config) { c.MaxPage = 4 })
			r.settings.Changes = true
			r.settings.FullEvery = time.Nanosecond
			for i := range 10 {
				r.put(s, i+1, 0, r.begin)
			}
			known := 0
			r.mustRun(s.Name)
			if got := len(r.news(s, &known)); got != 10 {
				t.Fatalf("the first reading answered %d objects, want 10", got)
			}
			step := func(want ...string) {
				t.Helper()
				r.mustRun(s.Name)
				if diff := cmp.Diff(r.news(s, &known), want, cmp.Transformer("", func(s []string) string { return strings.Join(s, ", ") })); diff != "" {
					t.Errorf("changes (-got +want):\n%s", diff)
				}
			}
			step()
			r.put(s, 3, 1, time.Now())
			r.put(s, 11, 0, time.Now())
			id, _ := simulator.NewObject(s, 5, 0, r.begin)
			r.lists.Delete(s.Name, id)
			step("added 11 0", "changed 3 1", "deleted 5")
			step()
			r.put(s, 3, 0, r.begin) // as it was before
			r.put(s, 5, 0, r.begin) // back again
			step("added 5 0", "changed 3 0")
		})
	}
}

// TestFilteredReadings: lists with a filter are asked for changes alone, and read
// whole now and then.
func TestFilteredReadings(t *testing.T) {
	for _, name := range []string{"users", "groups"} {
		s := service(t, name)
		r := newRig(t, nil)
		r.settings.Changes = true
		for i := range 30 {
			r.put(s, i+1, 0, r.begin)
		}
		r.mustRun(name)
		known := len(r.lines())
		r.put(s, 9, 1, time.Now()) // a deprovisioned user
		id, _ := simulator.NewObject(s, 2, 0, r.begin)
		r.lists.Delete(name, id)
		r.asked = nil
		r.mustRun(name)
		if len(r.asked) != 1 || !strings.Contains(r.asked[0], "filter=lastUpdated+gt+%222") {
			t.Errorf("asked %q, want one filtered request", r.asked)
		}
		if diff := cmp.Diff(r.news(s, &known), []string{"changed 9 1"}); diff != "" {
			t.Errorf("%s: changes (-got +want):\n%s", name, diff)
		}
		r.settings.FullEvery = time.Nanosecond
		r.mustRun(name)
		if diff := cmp.Diff(r.news(s, &known), []string{"deleted 2"}); diff != "" {
			t.Errorf("%s: changes (-got +want):\n%s", name, diff)
		}
	}
}

// TestReadingsAreFinished kills runs at every page; each change arrives once, and
// nothing is called deleted that is there.
func TestReadingsAreFinished(t *testing.T) {
	s := service(t, "groups")
	for _, changes := range []bool{false, true} {
		r := newRig(t, func(c *simulator.Config) { c.MaxPage = 5 })
		r.settings.Changes, r.settings.FullEvery = changes, time.Nanosecond
		r.options.BatchRecords = 3
		for i := range 23 {
			r.put(s, i+1, 0, r.begin)
		}
		for n := range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			c := r.collector("groups")
			c.Source = &cutOff{Source: c.Source, after: n, cancel: cancel}
			c.Options.Grace = time.Nanosecond
			if err := c.Run(ctx); err == nil {
				t.Fatalf("run %d was not cut off", n)
			}
			cancel()
		}
		r.mustRun("groups")
		ids := make(map[string]int)
		for _, line := range r.lines() {
			var o struct {
				ID   string
				Note struct{ Read, Change string } `json:"asa2udm"`
			}
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			if o.Note.Change == "deleted" {
				t.Errorf("%s counts as deleted", o.ID)
			}
			ids[o.ID+o.Note.Read]++
		}
		if len(ids) != 23 {
			t.Errorf("changes %t: %d objects were collected, want 23 in one reading", changes, len(ids))
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("changes %t: %s was collected %d times", changes, id, n)
			}
		}
	}
}

// TestMemoryWaitsForRecords: what a reading has seen does not count before its
// records are durable.
func TestMemoryWaitsForRecords(t *testing.T) {
	s := service(t, "apps")
	r := newRig(t, nil)
	r.settings.Changes = true
	r.put(s, 1, 0, r.begin)
	r.mustRun("apps")
	known := len(r.lines())
	r.put(s, 2, 0, r.begin)
	for range 2 {
		c := r.collector("apps")
		c.Sink = failing{c.Sink}
		if err := c.Run(t.Context()); err == nil {
			t.Fatal("the run has not failed")
		}
	}
	r.mustRun("apps")
	if diff := cmp.Diff(r.news(s, &known), []string{"added 2 0"}); diff != "" {
		t.Errorf("changes (-got +want):\n%s", diff)
	}
}

// meanwhile calls do before the first request for a list is sent.
type meanwhile struct {
	next http.RoundTripper
	path string
	once sync.Once
	do   func()
}

func (m *meanwhile) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == m.path {
		m.once.Do(m.do)
	}
	return m.next.RoundTrip(r)
}

// TestReadingsThatMeet: of two processes that read a list at a time one goes on.
// What the other one has seen does not count, so that no change is passed over.
func TestReadingsThatMeet(t *testing.T) {
	s := service(t, "apps")
	r := newRig(t, nil)
	r.settings.Changes = true
	r.put(s, 1, 0, r.begin)
	r.mustRun("apps")
	known := len(r.lines())
	r.config = func(c *okta.Config) {
		c.HTTP.Transport = &meanwhile{next: c.HTTP.Transport, path: "/api/v1/apps", do: func() {
			r.put(s, 2, 0, r.begin)
			r.mustRun("apps")
			r.put(s, 1, 1, r.begin)
		}}
	}
	slow := r.collector("apps")
	r.config = nil
	if err := slow.Run(t.Context()); !errors.Is(err, collector.ErrConflict) {
		t.Errorf("the slower process ended with %v, want a conflict", err)
	}
	r.mustRun("apps")
	if diff := cmp.Diff(r.news(s, &known), []string{"added 2 0", "changed 1 1"}); diff != "" {
		t.Errorf("changes (-got +want):\n%s", diff)
	}
}

// TestDamagedMemory is an error that names the file, and no flood of news.
func TestDamagedMemory(t *testing.T) {
	s := service(t, "zones")
	r := newRig(t, nil)
	r.settings.Changes = true
	r.put(s, 1, 0, r.begin)
	r.mustRun("zones")
	name, text := r.snapshot()
	text[len(text)-3] ^= 1
	r.replace(name, text)
	if _, err := r.run("zones"); err == nil || !errors.Is(err, okta.ErrMemory) || !strings.Contains(err.Error(), name+": it is damaged; move it away to begin anew") {
		t.Errorf("error is %v, want one that names the file", err)
	}
}

// TestSnapshotsLost begins the memory anew, says so, and calls nothing gone that
// it does not know; where that reading is cut off, the next one is none of changes.
func TestSnapshotsLost(t *testing.T) {
	for _, name := range []string{"apps", "users"} {
		t.Run(name, func(t *testing.T) {
			s := service(t, name)
			r := newRig(t, func(c *simulator.Config) { c.MaxPage = 2 })
			r.settings.Changes = true
			r.options.BatchRecords = 1
			for i := range 5 {
				r.put(s, i+1, 0, r.begin)
			}
			r.mustRun(name)
			known := len(r.lines())
			for _, snapshot := range r.snapshots() {
				if err := r.bucket().Remove(t.Context(), snapshot); err != nil {
					t.Fatal(err)
				}
			}
			// What a program before this one has left is not looked at.
			if err := r.bucket().Create(t.Context(), "seen-a.txt", []byte("{}")); err != nil {
				t.Fatal(err)
			}
			id, _ := simulator.NewObject(s, 5, 0, r.begin)
			r.lists.Delete(name, id)
			c := r.collector(name)
			c.Source = &cutOff{Source: c.Source, after: 1, cancel: func() {}}
			if err := c.Run(t.Context()); err == nil {
				t.Fatal("the run was not cut off")
			}
			if !strings.Contains(r.said.String(), "all objects count as found now") {
				t.Errorf("said %q", r.said.String())
			}
			r.mustRun(name)
			if diff := cmp.Diff(r.news(s, &known), []string{"found 1 0", "found 2 0", "found 3 0", "found 4 0"}); diff != "" {
				t.Errorf("changes (-got +want):\n%s", diff)
			}
			r.put(s, 6, 0, time.Now())
			r.mustRun(name)
			if diff := cmp.Diff(r.news(s, &known), []string{"added 6 0"}); diff != "" {
				t.Errorf("changes (-got +want):\n%s", diff)
			}
		})
	}
}

// TestSnapshotsIncomplete is an error that names what to move away.
func TestSnapshotsIncomplete(t *testing.T) {
	s := service(t, "zones")
	r := newRig(t, nil)
	r.settings.Changes = true
	for i := range 2 {
		r.put(s, i+1, 0, r.begin)
		r.mustRun("zones")
	}
	names := r.snapshots()
	if err := r.bucket().Remove(t.Context(), names[0]); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%s: it builds on %s, which is missing; move it away to begin anew", names[1], names[0])
	if _, err := r.run("zones"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %q in it", err, want)
	}
}

// TestOldStateOfChanges restores a state from before: its batches are found, and so
// is the snapshot behind the last one, though the first ones are gone.
func TestOldStateOfChanges(t *testing.T) {
	s := service(t, "apps")
	r := newRig(t, nil)
	r.settings.Changes = true
	r.put(s, 1, 0, r.begin)
	r.mustRun("apps")
	state, _, err := r.bucket().Read(t.Context(), "state.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		r.put(s, i+2, 0, r.begin)
		r.mustRun("apps")
	}
	if first := r.snapshots()[0]; !strings.HasPrefix(first, "seen-000000000016-") {
		t.Errorf("the first snapshot is %s, want none before the last whole one but one", first)
	}
	known := len(r.lines())
	r.replace("state.json", state)
	r.put(s, 1, 1, r.begin)
	if got := r.mustRun("apps").Recovered.Load(); got != 40 {
		t.Errorf("%d batches recovered, want 40", got)
	}
	if diff := cmp.Diff(r.news(s, &known), []string{"changed 1 1"}); diff != "" {
		t.Errorf("changes (-got +want):\n%s", diff)
	}
}

// TestAllThenChanges begins the memory where the records of before told nothing.
func TestAllThenChanges(t *testing.T) {
	s := service(t, "apps")
	r := newRig(t, nil)
	r.put(s, 1, 0, r.begin)
	r.mustRun("apps")
	known := len(r.lines())
	for i, want := range []string{"found 1 0", "changed 1 1"} {
		r.settings.Changes = true
		r.put(s, 1, i, r.begin)
		r.mustRun("apps")
		if diff := cmp.Diff(r.news(s, &known), []string{want}); diff != "" {
			t.Errorf("changes (-got +want):\n%s", diff)
		}
	}
}

// TestOddObjects: an object that changes within a reading is told so, and where it
// changes back, by the next one, since a reading tells a content once. What is no
// object has a name all the same, and what says nothing is not told.
func TestOddObjects(t *testing.T) {
	r := newRig(t, nil)
	r.settings.Changes = true
	for _, step := range []struct {
		body string
		want []string
	}{
		{`[{"id":"1","v":1},{"id":"1","v":2},{"id":"1","v":1},"text",{"id":"a/b\n\"","v":1},{"id":"2"},{"v":3}]`,
			[]string{"found 1", "changed 2", `found "text"`, "found 1", "found 3"}},
		{`[{"id":"1","v":1},"text",{"id":"a/b\n\"","v":1},{"id":"2"},{"v":3}]`, []string{"changed 1"}},
		{`[{"id":"1","v":1},"text",{"id":"a/b\n\"","v":1},{"id":"2"},{"v":3}]`, nil},
		{`[{"id":"1"},"text"]`, []string{"deleted 1", `deleted a/b\n"`, "deleted sha256"}},
		{`[{"id":"1"},"text"]`, nil},
	} {
		known := len(r.lines())
		r.config = func(c *okta.Config) { c.HTTP = &http.Client{Transport: canned(step.body)} }
		r.mustRun("apps")
		var got []string
		for _, line := range r.lines()[known:] {
			var o struct {
				ID    string
				V     int
				Value json.RawMessage
				Note  struct{ Change string } `json:"asa2udm"`
			}
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprint(o.V)
			if o.Value != nil {
				what = string(o.Value)
			} else if o.Note.Change == "deleted" {
				what, _, _ = strings.Cut(strings.ReplaceAll(o.ID, "\n", `\n`), ":")
			}
			got = append(got, o.Note.Change+" "+what)
		}
		if diff := cmp.Diff(got, step.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", step.body, diff)
		}
	}
}

// TestNameThatIsNotText: an object whose id is no UTF-8 is known by its bytes, and
// the state that has its name can be read again.
func TestNameThatIsNotText(t *testing.T) {
	r := newRig(t, nil)
	r.settings.Changes = true
	for _, step := range []struct {
		body string
		want int
	}{{"[{\"id\":\"\xff\",\"v\":1},{\"id\":\"\xfe\",\"v\":1}]", 2}, {"[{\"id\":\"\xff\",\"v\":1}]", 3}, {"[{\"id\":\"\xff\",\"v\":1}]", 3}} {
		r.config = func(c *okta.Config) { c.HTTP = &http.Client{Transport: canned(step.body)} }
		r.mustRun("apps")
		if got := len(r.lines()); got != step.want {
			t.Errorf("%q: %d records, want %d: %q", step.body, got, step.want, r.lines())
		}
	}
}

// TestAdoptedLine: what someone else has put under the name of the next object is
// taken for a batch that was cut off. It says nothing of the list.
func TestAdoptedLine(t *testing.T) {
	s := service(t, "apps")
	r := newRig(t, nil)
	r.settings.Changes = true
	r.put(s, 1, 0, r.begin)
	r.mustRun("apps")
	if err := r.bucket().Create(t.Context(), "raw/000000000002.ndjson", []byte("{\"hello\":1}\n")); err != nil {
		t.Fatal(err)
	}
	r.mustRun("apps")
	known := len(r.lines())
	r.put(s, 1, 1, r.begin)
	r.mustRun("apps")
	if diff := cmp.Diff(r.news(s, &known), []string{"changed 1 1"}); diff != "" {
		t.Errorf("changes (-got +want):\n%s", diff)
	}
}

var errNoRoom = errors.New("no room")
