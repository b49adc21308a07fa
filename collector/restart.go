package collector

import (
	"context"
	"fmt"
	"time"
)

// checkFollows tells the records behind the cursor from those of a server that
// has lost it and silently begins at the log's oldest record. They look alike once
// all that was collected is gone from the log, and then records between the two may
// be gone as well, so nothing of the page may be taken.
func (r *run) checkFollows(ctx context.Context, p *Page) error {
	if r.followed || len(p.Records) == 0 {
		return nil
	}
	r.followed = true
	if _, ok := r.Source.(Backward); !ok || r.cur.ID == "" || p.Cursor == r.cur {
		return nil
	}
	known, err := r.anySeen(ctx, p)
	if err != nil || known {
		return err
	}
	oldest, err := r.Source.Page(ctx, Cursor{})
	if err != nil {
		return fmt.Errorf("compare with the start of the log: %w", err)
	}
	r.Stats.Pages.Add(1)
	if len(oldest.Records) == 0 || oldest.Records[0].ID != p.Records[0].ID {
		return nil
	}
	return fmt.Errorf("%w: event %q of %s and all before it are gone, and the log begins with %q of %s; events between the two may be lost",
		ErrCursor, r.cur.ID, r.cur.Time.Format(time.RFC3339), p.Records[0].ID, p.Records[0].Time.Format(time.RFC3339))
}

// anySeen reports whether a record of the page was collected before, or is the
// cursor's own, which some servers answer once more: from there on nothing is
// missing.
func (r *run) anySeen(ctx context.Context, p *Page) (bool, error) {
	for _, rec := range p.Records {
		seen, err := r.seen(ctx, rec)
		if err != nil || seen || rec.ID == r.cur.ID {
			return true, err
		}
	}
	return false, nil
}
