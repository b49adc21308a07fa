package collector_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/asa2udm/asa2udm/collector"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

var errCut = errors.New("cut")

// cutter is a bucket that stops working at its nth call, before or after the
// call has had its effect, and stays dead: to what is durable that is a crash.
type cutter struct {
	collector.Bucket
	at    int64
	after bool
	calls atomic.Int64
}

// call runs f unless the bucket is dead or dies before it.
func (c *cutter) call(f func() error) error {
	n := c.calls.Add(1)
	if n > c.at || n == c.at && !c.after {
		return errCut
	}
	err := f()
	if n == c.at {
		return errCut
	}
	return err
}

func (c *cutter) Create(ctx context.Context, name string, data []byte) error {
	return c.call(func() error { return c.Bucket.Create(ctx, name, data) })
}

func (c *cutter) Swap(ctx context.Context, name string, data []byte, token collector.Token) (out collector.Token, err error) {
	err = c.call(func() error { out, err = c.Bucket.Swap(ctx, name, data, token); return err })
	return out, err
}

func (c *cutter) Read(ctx context.Context, name string) (data []byte, token collector.Token, err error) {
	err = c.call(func() error { data, token, err = c.Bucket.Read(ctx, name); return err })
	return data, token, err
}

// TestCutAtEveryCall crashes the first, second, third... call to the bucket, then
// the call after that in the run that follows, and lets the log grow in between
// so that the last page comes back longer.
func TestCutAtEveryCall(t *testing.T) {
	for _, normalize := range []bool{false, true} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("normalize=%v after=%v", normalize, after), func(t *testing.T) {
				t.Parallel()
				for at := int64(1); cutTwice(t, at, after, normalize); at++ {
				}
			})
		}
	}
}

// cutTwice reports whether the first cut was within the run.
func cutTwice(t *testing.T, at int64, after, normalize bool) (within bool) {
	r := newRig(t, nil)
	r.grow(17)
	set := settings{options: collector.Options{BatchRecords: 10, KeepPages: true}, sink: func(o *collector.Objects) {
		if normalize {
			o.Normalize = upper
		}
	}}
	for _, cut := range []int64{at, at/2 + 1} {
		s := set
		s.bucket = &cutter{Bucket: r.open(), at: cut, after: after}
		_, err := r.run(s)
		if err != nil && !errors.Is(err, errCut) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		within = within || err != nil
		r.grow(3)
	}
	r.mustRun(set)
	r.wantLog()
	if got, want := len(linesBelow(t, r.open(), "udm/")) > 0, normalize; got != want {
		t.Fatalf("cut at %d: UDM written: %v, want %v", at, got, want)
	}
	return within && at < 200
}

// TestAnotherGzipAfterACrash changes the setting between the object and the state.
func TestAnotherGzipAfterACrash(t *testing.T) {
	r := newRig(t, nil)
	r.grow(5)
	s := settings{bucket: &cutter{Bucket: r.open(), at: 4, after: true}}
	if _, err := r.run(s); !errors.Is(err, errCut) {
		t.Fatalf("error is %v, want the cut", err)
	}
	if got := len(r.collected()); got != 5 {
		t.Fatalf("the crash left %d records, want 5 in an object without a manifest", got)
	}
	r.mustRun(settings{sink: func(o *collector.Objects) { o.Gzip = true }})
	r.wantLog()
}

func TestRaces(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		r := newRig(t, nil)
		r.grow(40)
		var wg sync.WaitGroup
		var mu sync.Mutex
		var lost int
		for i := range 3 {
			wg.Go(func() {
				src := r.source(5 + i)
				sink, state := r.place(r.open(), src)
				c := collector.Collector{Source: src, Sink: sink, State: state, Stats: &collector.Stats{}, Options: collector.Options{
					BatchRecords: 4 + i, Writer: fmt.Sprintf("racer-%d", i),
				}}
				err := c.Run(context.Background())
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					lost++
				}
				if err != nil && !errors.Is(err, collector.ErrConflict) {
					t.Errorf("round %d: %v, want ErrConflict", round, err)
				}
			})
		}
		wg.Wait()
		if lost == 3 {
			t.Errorf("round %d: nobody won", round)
		}
		r.mustRun(settings{})
		r.wantLog()
	}
}

func TestStaleCollectorDoesNotWrite(t *testing.T) {
	r := newRig(t, nil)
	r.grow(5)
	r.mustRun(settings{})
	r.grow(5)
	// The other run takes place between this one's page and its write.
	other := false
	s := settings{bucket: &meanwhile{Bucket: r.open(), do: func() {
		if !other {
			other = true
			r.mustRun(settings{})
		}
	}}}
	if _, err := r.run(s); !errors.Is(err, collector.ErrConflict) {
		t.Errorf("error is %v, want ErrConflict", err)
	}
	if !other {
		t.Fatal("the other run never came")
	}
	r.wantLog()
}

// TestTwoFirstRuns lets one collector begin while another one is looking whether
// the place is empty.
func TestTwoFirstRuns(t *testing.T) {
	r := newRig(t, nil)
	r.grow(5)
	other := false
	s := settings{bucket: &meanwhile{Bucket: r.open(), list: func() {
		if !other {
			other = true
			r.mustRun(settings{})
		}
	}}}
	if _, err := r.run(s); !errors.Is(err, collector.ErrConflict) {
		t.Errorf("error is %v, want ErrConflict", err)
	}
	r.wantLog()
}

// meanwhile lets something happen before the state is looked at, or objects are.
type meanwhile struct {
	collector.Bucket
	do, list func()
}

func (m *meanwhile) List(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	if m.list != nil {
		m.list()
	}
	return m.Bucket.List(ctx, prefix, after)
}

func (m *meanwhile) Stat(ctx context.Context, name string) (collector.Token, error) {
	if m.do != nil {
		m.do()
	}
	return m.Bucket.Stat(ctx, name)
}

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	const second = "000000000002.ndjson"
	for name, tc := range map[string]struct {
		spoil func(root string) error
		want  string
	}{
		"altered object":    {func(root string) error { return appendTo(root, "raw/"+second, "{}\n") }, "raw/" + second + ": it was altered"},
		"missing object":    {func(root string) error { return os.Remove(filepath.Join(root, "raw", second)) }, "raw/" + second + ": it is missing"},
		"altered UDM":       {func(root string) error { return appendTo(root, "udm/"+second, "{}\n") }, "udm/" + second + ": it was altered"},
		"missing rejects":   {func(root string) error { return os.Remove(filepath.Join(root, "rejects", second)) }, "rejects/" + second + ": it is missing"},
		"foreign object":    {func(root string) error { return appendTo(root, "raw/x.ndjson", "{}\n") }, "raw/x.ndjson: it is foreign"},
		"foreign number":    {func(root string) error { return appendTo(root, "raw/000000000009.ndjson", "{}\n") }, "raw/000000000009.ndjson: it is foreign"},
		"second object":     {func(root string) error { return appendTo(root, "raw/"+second+".gz", "{}\n") }, "raw/" + second + ".gz: it is foreign"},
		"missing manifest":  {func(root string) error { return os.Remove(filepath.Join(root, "manifest/000000000002.json")) }, "manifest/000000000002.json: it is missing"},
		"altered manifest":  {func(root string) error { return appendTo(root, "manifest/000000000002.json", "\n") }, "manifest/000000000003.json: it does not follow"},
		"missing last":      {removeLast, "state: it has counted 3 batches, and 2 are there"},
		"state from before": {func(root string) error { return os.WriteFile(filepath.Join(root, "state.json"), []byte("x"), 0o600) }, "state: the state cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			r.grow(28)
			r.mustRun(settings{options: collector.Options{BatchRecords: 10}, sink: func(o *collector.Objects) { o.Normalize = upper }})
			r.verify()
			if err := tc.spoil(r.root); err != nil {
				t.Fatal(err)
			}
			_, findings := r.findings()
			var all []string
			for _, f := range findings {
				all = append(all, f.Object+": "+f.Fault)
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, tc.want) {
				t.Errorf("found\n%s\nwant %q in it", text, tc.want)
			}
		})
	}
}

func TestVerifyFindsADuplicate(t *testing.T) {
	r := newRig(t, nil)
	r.grow(5)
	r.mustRun(settings{})
	// A forged chain that is sound in all but this.
	r.log.Append(r.log.At(2))
	other := newRig(t, nil)
	other.log = r.log
	b := r.open()
	src := r.source(10)
	sink, _ := r.place(b, src)
	page, err := src.Page(t.Context(), collector.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	v := r.verify()
	if _, err := sink.Deliver(t.Context(), collector.Batch{Sequence: 2, Previous: v.Chain, Records: page.Records[2:3]}); err != nil {
		t.Fatal(err)
	}
	_, findings := r.findings()
	if len(findings) != 1 || !strings.Contains(findings[0].Fault, "stands in batch 1 already") {
		t.Errorf("found %v, want one duplicate", findings)
	}
}

func TestVerifyOfNothing(t *testing.T) {
	r := newRig(t, nil)
	if v := r.verify(); v != (collector.Verification{}) {
		t.Errorf("verified %+v in an empty place", v)
	}
}

func TestVerifySeesAnUnfinishedBatch(t *testing.T) {
	for at, want := range map[int64]string{4: "without a manifest", 5: "without a state"} {
		t.Run(want, func(t *testing.T) {
			r := newRig(t, nil)
			r.grow(5)
			if _, err := r.run(settings{bucket: &cutter{Bucket: r.open(), at: at, after: true}}); !errors.Is(err, errCut) {
				t.Fatalf("error is %v, want the cut", err)
			}
			if v := r.verify(); v.Unfinished != 1 {
				t.Errorf("unfinished is %d, want 1", v.Unfinished)
			}
		})
	}
}

func appendTo(root, name, text string) error {
	f, err := os.OpenFile(filepath.Join(root, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func removeLast(root string) error {
	var errs []error
	for _, name := range []string{"raw/000000000003.ndjson", "udm/000000000003.ndjson", "rejects/000000000003.ndjson", "manifest/000000000003.json"} {
		errs = append(errs, os.Remove(filepath.Join(root, name)))
	}
	return errors.Join(errs...)
}

// TestStateFromBefore restores an old copy of the state: the batches behind it
// are found by their numbers, and not collected again.
func TestStateFromBefore(t *testing.T) {
	r := newRig(t, nil)
	s := settings{options: collector.Options{BatchRecords: 10}}
	path := filepath.Join(r.root, "state.json")
	r.grow(15)
	r.mustRun(s)
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.grow(55)
	r.mustRun(s)
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	r.grow(5)
	stats := r.mustRun(s)
	if got := stats.Recovered.Load(); got != 6 {
		t.Errorf("%d batches recovered, want 6", got)
	}
	r.wantLog()
}

// TestFeedThatDeletes takes away what was read: the collector goes on, and says
// so where it would need an object to tell.
func TestFeedThatDeletes(t *testing.T) {
	r := newRig(t, nil)
	old := r.next(1)[0]
	r.grow(2500)
	s := settings{size: 1000, options: collector.Options{BatchRecords: 100}}
	r.mustRun(s)
	if err := os.RemoveAll(filepath.Join(r.root, "raw")); err != nil {
		t.Fatal(err)
	}
	r.grow(50)
	if got := r.mustRun(s).Events.Load(); got != 50 {
		t.Errorf("%d events collected, want the 50 new ones", got)
	}
	// An event within the span of a deleted object may be one of it.
	odd := r.gen.At(5)
	odd.ID = "another"
	odd.Event = []byte(strings.Replace(string(odd.Event), r.gen.At(5).ID, odd.ID, 1))
	r.log.Append(odd)
	if _, err := r.run(s); !errors.Is(err, collector.ErrNotExist) {
		t.Errorf("error is %v, want ErrNotExist", err)
	}
	stats := r.mustRun(settings{size: 1000, sink: func(o *collector.Objects) { o.AcceptUnverified = true }})
	if got := stats.Events.Load(); got != 1 {
		t.Errorf("%d events collected, want the one that was let pass", got)
	}
	// One that is older than all of them is new.
	r.log.Append(old)
	if got := r.mustRun(s).Events.Load(); got != 1 {
		t.Errorf("%d events collected, want the one from before all others", got)
	}
}
