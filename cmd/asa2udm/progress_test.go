package main

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asa2udm/asa2udm/mapping"
)

func TestProgressLine(t *testing.T) {
	var read atomic.Int64
	read.Store(25)
	for _, tt := range []struct {
		name  string
		stats mapping.Stats
		total int64
		want  string
	}{
		{"a pipe", mapping.Stats{Records: 2000, BytesIn: 5_000_000}, 0, "2,000 records, 1,000/s, 2.5 MB/s"},
		{"files", mapping.Stats{Records: 10, BytesIn: 50, Rejected: 3}, 100, "10 records, 5/s, 25 B/s, 25%, 3 rejected"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := progress{total: tt.total, read: &read}
			if got := p.line(tt.stats, 2*time.Second); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The line is shown now and then, gives way to messages, and is gone at the end.
func TestProgressOnTerminal(t *testing.T) {
	var stderr bytes.Buffer
	u := newUI(nil, nil, &stderr)
	clock := time.Unix(0, 0)
	p := progress{ui: u, now: func() time.Time { return clock }, start: clock, read: new(atomic.Int64)}
	step := func(d time.Duration, records int64) {
		clock = clock.Add(d)
		p.update(mapping.Stats{Records: records})
	}
	step(time.Second, 1)
	step(time.Millisecond, 2) // too soon
	step(time.Second, 4)
	u.logf("a message")
	p.end()
	const erase = "\r\x1b[K"
	want := "1 records, 1/s, 0 B/s" + erase + "4 records, 1/s, 0 B/s" + erase + "asa2udm: a message\n"
	if got := stderr.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
