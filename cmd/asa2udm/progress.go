package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asa2udm/asa2udm/mapping"
)

// progress shows on a terminal how far a run over inputs has come.
type progress struct {
	ui    *ui
	now   func() time.Time
	start time.Time
	shown time.Time
	total int64 // bytes of all inputs, 0 where one is no regular file
	read  *atomic.Int64
}

// newProgress answers nil where nobody would see it.
func newProgress(u *ui, all []input, read *atomic.Int64) *progress {
	// Where events and progress share a terminal they would tear each other apart.
	if !isTerminal(u.stderr) || isTerminal(u.stdout) {
		return nil
	}
	p := &progress{ui: u, now: time.Now, read: read, start: time.Now()}
	for _, in := range all {
		if in.info == nil || !in.info.Mode().IsRegular() {
			p.total = 0
			return p
		}
		p.total += in.info.Size()
	}
	return p
}

const progressEvery = 200 * time.Millisecond

// update shows the state, unless it was shown just now.
func (p *progress) update(s mapping.Stats) {
	now := p.now()
	if now.Sub(p.shown) < progressEvery {
		return
	}
	p.shown = now
	p.ui.setStatus(p.line(s, now.Sub(p.start)))
}

func (p *progress) line(s mapping.Stats, took time.Duration) string {
	seconds := max(took.Seconds(), 0.001)
	line := fmt.Sprintf("%s records, %s/s, %s/s", grouped(s.Records), grouped(int64(float64(s.Records)/seconds)),
		size(float64(s.BytesIn)/seconds))
	if p.total > 0 {
		line += fmt.Sprintf(", %d%%", min(100, 100*p.read.Load()/p.total))
	}
	if s.Rejected > 0 {
		line += fmt.Sprintf(", %s rejected", grouped(s.Rejected))
	}
	return line
}

func (p *progress) end() { p.ui.setStatus("") }
