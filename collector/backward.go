package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// errNotBackward: asked for the newest records first, the server answered the
// oldest first.
var errNotBackward = errors.New("the server does not answer newest first")

// lookBackPages bounds the search for late records against a server whose pages
// have no end; a busy team's hour is far below it.
const lookBackPages = 1000

// lookBackSample is how many records at the end of the log tell its time: their
// median stands although four of them have a wrong clock.
const lookBackSample = 9

// locate answers the place behind the newest record that is older than since; the
// zero time is the start of the log. Where a source cannot seek, the way there is walked newest first, since
// logs cannot be asked for a time; nothing is kept on it, and the records are
// then read in order like all others.
func (r *run) locate(ctx context.Context, since time.Time) (Cursor, error) {
	if src, ok := r.Source.(Seeker); ok {
		return src.Seek(since), nil
	}
	if since.IsZero() {
		return Cursor{}, nil
	}
	src, ok := r.Source.(Backward)
	if !ok {
		return Cursor{}, fmt.Errorf("%s cannot be read from a point in time", r.Source.Name())
	}
	var at, boundary Cursor
	for {
		page, err := pageBack(ctx, src, at)
		if err != nil {
			return Cursor{}, fmt.Errorf("find the records since %s: %w", since.Format(time.RFC3339), err)
		}
		r.Stats.Pages.Add(1)
		var more bool
		boundary, more = older(page, boundary, since)
		// One old record may have come late; a page of them is the past.
		if !more || !page.More || page.Cursor == at {
			r.followed = true // what was just read is in the log
			return boundary, nil
		}
		at = page.Cursor
	}
}

// older moves the boundary through one page, newest first, and reports whether
// the page held any record since the given time.
func older(p *Page, boundary Cursor, since time.Time) (Cursor, bool) {
	young := len(p.Records) == 0
	for _, rec := range p.Records {
		if !rec.Time.Before(since) {
			boundary, young = Cursor{}, true
		} else if boundary.ID == "" && !rec.Time.IsZero() {
			boundary = Cursor{ID: rec.ID, Time: rec.Time}
		}
	}
	return boundary, young
}

func pageBack(ctx context.Context, src Backward, at Cursor) (*Page, error) {
	p, err := src.PageBack(ctx, at)
	if err != nil {
		return nil, err
	}
	if n := len(p.Records); n > 1 && p.Records[0].Time.Before(p.Records[n-1].Time) && ascends(p.Records) {
		return nil, errNotBackward
	}
	return p, nil
}

func ascends(records []Record) bool {
	return slices.IsSortedFunc(records, func(a, b Record) int { return a.Time.Compare(b.Time) })
}

// lookBack reads the end of the log once more, newest first, and writes records
// that have come to stand before the cursor since it passed. It also notices a
// cursor that the server has silently lost: the log then holds records which it
// never answers.
func (r *run) lookBack(ctx context.Context) error {
	src, ok := r.Source.(Backward)
	if !ok || r.opts.Overlap <= 0 || r.cur.ID == "" {
		return nil
	}
	s := search{run: r}
	var at Cursor
	for n := range lookBackPages {
		page, err := pageBack(ctx, src, at)
		if errors.Is(err, errNotBackward) {
			return nil
		}
		if err != nil {
			// All that came in time is durable; a look back is worth a try, and the
			// next run has another one.
			r.log.Warn("could not look again for late records", "error", err)
			return ctx.Err()
		}
		r.Stats.Pages.Add(1)
		if n == 0 {
			s.limit = r.lookBackLimit(page, src.Now())
		}
		done, err := s.page(ctx, page)
		if err != nil {
			return err
		}
		if done || !page.More || page.Cursor == at {
			return s.finish(ctx)
		}
		at = page.Cursor
	}
	r.log.Warn("gave up looking for late records before the overlap was covered",
		"pages", lookBackPages, "overlap", r.opts.Overlap, "since", s.limit)
	return s.finish(ctx)
}

// lookBackLimit answers the time that a look back must reach, from the newest
// page. A record whose clock is ahead must not move it, or the search ends before
// it has begun.
func (r *run) lookBackLimit(p *Page, now time.Time) time.Time {
	end := earlier(r.state.newest(), now)
	if median, ok := medianTime(p.Records[:min(lookBackSample, len(p.Records))]); ok {
		end = earlier(end, median)
	}
	return later(end.Add(-r.opts.Overlap), r.state.Floor)
}

// medianTime answers the middle one of the times that there are.
func medianTime(records []Record) (time.Time, bool) {
	var times []time.Time
	for _, rec := range records {
		if !rec.Time.IsZero() {
			times = append(times, rec.Time)
		}
	}
	if len(times) == 0 {
		return time.Time{}, false
	}
	slices.SortFunc(times, time.Time.Compare)
	return times[len(times)/2], true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// search is one look back.
type search struct {
	*run
	limit time.Time // set by the first page
	// found says that the cursor has been passed; ahead counts new records
	// before that, and past says that the limit was passed without it.
	found, past bool
	ahead       int
	late        []Record // newest first
}

// page reports whether the search is over.
func (s *search) page(ctx context.Context, p *Page) (done bool, err error) {
	old := 0
	for _, rec := range p.Records {
		if rec.ID == s.cur.ID {
			s.found = true
			continue
		}
		if rec.Time.Before(s.limit) {
			old++
			continue
		}
		seen, err := s.seen(ctx, rec)
		if err != nil {
			return false, err
		}
		switch {
		case seen:
		case s.found:
			s.late = append(s.late, rec)
			s.known[rec.ID] = true
		default:
			s.ahead++
		}
	}
	past := len(p.Records) > 0 && old == len(p.Records) || !p.More
	s.past = s.past || past
	// A few old records may have come late; they are not the past.
	return past || s.found && old > lookBackSample/2, nil
}

func (s *search) finish(ctx context.Context) error {
	if !s.found && s.past && s.ahead > 0 {
		return fmt.Errorf("%w: %d newer records stand in the log, and none is answered after %q", ErrCursor, s.ahead, s.cur.ID)
	}
	if len(s.late) == 0 {
		return nil
	}
	slices.Reverse(s.late)
	s.log.Warn("records had come late and were collected behind newer ones", "records", len(s.late))
	for _, rec := range s.late {
		s.add(rec)
	}
	if err := s.commit(ctx, s.cur); err != nil {
		return err
	}
	s.Stats.Late.Add(int64(len(s.late)))
	return nil
}
