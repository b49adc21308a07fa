// Package collectortest holds what every implementation of the collector's
// interfaces must pass.
package collectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asa2udm/asa2udm/collector"
)

// Bucket runs the conformance suite. Each call of open answers a handle to the
// same empty place within one test, and to a new place in the next.
func Bucket(t *testing.T, place func(t *testing.T) (open func() collector.Bucket)) {
	for name, test := range map[string]func(*testing.T, func() collector.Bucket){
		"create":               testCreate,
		"create once":          testCreateOnce,
		"large object":         testLarge,
		"swap":                 testSwap,
		"swap race":            testSwapRace,
		"create race":          testCreateRace,
		"list":                 testList,
		"remove":               testRemove,
		"check leaves nothing": testCheck,
		"whole objects only":   testWhole,
	} {
		t.Run(name, func(t *testing.T) { test(t, place(t)) })
	}
}

func testCreate(t *testing.T, open func() collector.Bucket) {
	ctx, b := t.Context(), open()
	if _, _, err := b.Read(ctx, "a/b.txt"); !errors.Is(err, collector.ErrNotExist) {
		t.Errorf("Read of nothing: %v, want ErrNotExist", err)
	}
	if token, err := b.Stat(ctx, "a/b.txt"); token != "" || err != nil {
		t.Errorf("Stat of nothing = %q, %v, want the empty token", token, err)
	}
	must(t, b.Create(ctx, "a/b.txt", []byte("one")))
	data, token, err := open().Read(ctx, "a/b.txt")
	must(t, err)
	if string(data) != "one" || token == "" {
		t.Errorf("Read = %q, token %q", data, token)
	}
	again, err := b.Stat(ctx, "a/b.txt")
	must(t, err)
	if again != token {
		t.Errorf("Stat = %q, Read said %q", again, token)
	}
}

func testCreateOnce(t *testing.T, open func() collector.Bucket) {
	ctx, b := t.Context(), open()
	must(t, b.Create(ctx, "x", []byte("one")))
	must(t, open().Create(ctx, "x", []byte("one")))
	if err := b.Create(ctx, "x", []byte("two")); !errors.Is(err, collector.ErrExist) {
		t.Errorf("second Create: %v, want ErrExist", err)
	}
	if err := b.Create(ctx, "x", []byte("ten")); !errors.Is(err, collector.ErrExist) {
		t.Errorf("Create with as many bytes: %v, want ErrExist", err)
	}
	wantContent(t, b, "x", "one")
	must(t, b.Create(ctx, "empty", nil))
	must(t, b.Create(ctx, "empty", nil))
	wantContent(t, b, "empty", "")
}

func testLarge(t *testing.T, open func() collector.Bucket) {
	ctx, b := t.Context(), open()
	data := bytes.Repeat([]byte("0123456789abcdef"), 20<<16)
	must(t, b.Create(ctx, "large", data))
	got, _, err := b.Read(ctx, "large")
	must(t, err)
	if !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back for %d", len(got), len(data))
	}
}

func testSwap(t *testing.T, open func() collector.Bucket) {
	ctx, b := t.Context(), open()
	first, err := b.Swap(ctx, "state", []byte("1"), "")
	must(t, err)
	if _, err := open().Swap(ctx, "state", []byte("other"), ""); !errors.Is(err, collector.ErrChanged) {
		t.Errorf("Swap of nothing: %v, want ErrChanged", err)
	}
	second, err := b.Swap(ctx, "state", []byte("2"), first)
	must(t, err)
	if _, err := b.Swap(ctx, "state", []byte("3"), first); !errors.Is(err, collector.ErrChanged) {
		t.Errorf("Swap of an old version: %v, want ErrChanged", err)
	}
	if stat, err := open().Stat(ctx, "state"); err != nil || stat != second || stat == first {
		t.Errorf("Stat = %q, %v, want %q and not %q", stat, err, second, first)
	}
	wantContent(t, b, "state", "2")
	if _, err := b.Swap(ctx, "absent", []byte("1"), second); !errors.Is(err, collector.ErrChanged) {
		t.Errorf("Swap of an absent object: %v, want ErrChanged", err)
	}
}

func testSwapRace(t *testing.T, open func() collector.Bucket) {
	ctx := t.Context()
	token, err := open().Swap(ctx, "state", []byte("start"), "")
	must(t, err)
	won := race(t, func(i int) error {
		_, err := open().Swap(ctx, "state", fmt.Append(nil, i), token)
		return err
	}, collector.ErrChanged)
	wantContent(t, open(), "state", fmt.Sprint(won))
}

func testCreateRace(t *testing.T, open func() collector.Bucket) {
	won := race(t, func(i int) error {
		return open().Create(t.Context(), "object", fmt.Append(nil, i))
	}, collector.ErrExist)
	wantContent(t, open(), "object", fmt.Sprint(won))
}

// race runs 16 attempts at once, of which one may succeed, and answers which.
func race(t *testing.T, attempt func(i int) error, lost error) (won int64) {
	t.Helper()
	var wg sync.WaitGroup
	var wins atomic.Int64
	var winner atomic.Int64
	for i := range 16 {
		wg.Go(func() {
			switch err := attempt(i); {
			case err == nil:
				wins.Add(1)
				winner.Store(int64(i))
			case !errors.Is(err, lost):
				t.Errorf("attempt %d: %v, want %v", i, err, lost)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 {
		t.Fatalf("%d attempts won, want 1", wins.Load())
	}
	return winner.Load()
}

func testList(t *testing.T, open func() collector.Bucket) {
	ctx, b := t.Context(), open()
	for _, name := range []string{"raw/2", "raw/1", "raw/10", "raw.x", "raw/3/a", "udm/1", "a"} {
		must(t, b.Create(ctx, name, []byte(name)))
	}
	for _, tc := range []struct {
		prefix, after string
		want          []string
	}{
		{"", "", []string{"a", "raw.x", "raw/1", "raw/10", "raw/2", "raw/3/a", "udm/1"}},
		{"raw/", "", []string{"raw/1", "raw/10", "raw/2", "raw/3/a"}},
		{"raw/1", "", []string{"raw/1", "raw/10"}},
		{"raw/", "raw/10", []string{"raw/2", "raw/3/a"}},
		{"raw", "raw/10", []string{"raw/2", "raw/3/a"}},
		{"nothing/", "", nil},
	} {
		if diff := cmp.Diff(list(t, b, tc.prefix, tc.after), tc.want); diff != "" {
			t.Errorf("List(%q, %q) (-got +want):\n%s", tc.prefix, tc.after, diff)
		}
	}
}

func testRemove(t *testing.T, open func() collector.Bucket) {
	ctx, b := t.Context(), open()
	must(t, b.Remove(ctx, "a/absent"))
	must(t, b.Create(ctx, "a/b", []byte("one")))
	must(t, b.Create(ctx, "a/c", []byte("one")))
	must(t, b.Remove(ctx, "a/b"))
	must(t, open().Remove(ctx, "a/b"))
	if got := list(t, open(), "", ""); !cmp.Equal(got, []string{"a/c"}) {
		t.Errorf("Remove has left %q", got)
	}
	must(t, b.Create(ctx, "a/b", []byte("two")))
	wantContent(t, b, "a/b", "two")
}

func testCheck(t *testing.T, open func() collector.Bucket) {
	b := open()
	must(t, b.Check(t.Context(), "state/"))
	must(t, b.Check(t.Context(), ""))
	if got := list(t, b, "", ""); len(got) > 0 {
		t.Errorf("Check has left %q", got)
	}
}

// testWhole reads while objects are written: each is absent or whole.
func testWhole(t *testing.T, open func() collector.Bucket) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	data := bytes.Repeat([]byte("x"), 1<<20)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer cancel()
		b := open()
		for i := range 20 {
			if err := b.Create(t.Context(), fmt.Sprintf("o/%02d", i), data); err != nil {
				t.Error(err)
			}
		}
	})
	b := open()
	for ctx.Err() == nil {
		for name, err := range b.List(t.Context(), "o/", "") {
			must(t, err)
			got, _, err := b.Read(t.Context(), name)
			must(t, err)
			if len(got) != len(data) {
				t.Fatalf("%s has %d bytes of %d", name, len(got), len(data))
			}
		}
	}
	wg.Wait()
}

func list(t *testing.T, b collector.Bucket, prefix, after string) (names []string) {
	t.Helper()
	for name, err := range b.List(t.Context(), prefix, after) {
		must(t, err)
		names = append(names, name)
	}
	return names
}

func wantContent(t *testing.T, b collector.Bucket, name, want string) {
	t.Helper()
	got, _, err := b.Read(t.Context(), name)
	must(t, err)
	if string(got) != want {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
