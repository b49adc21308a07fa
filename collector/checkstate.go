package collector

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CheckState says in words where a run would begin, or why it could not. It
// changes nothing.
func (c *Collector) CheckState(ctx context.Context) (string, error) {
	r := newRun(c)
	text, token, err := c.State.Bucket.Read(ctx, c.State.Name)
	r.token = token
	switch {
	case errors.Is(err, ErrNotExist):
		if err := r.mustBeEmpty(ctx, errStateMissing); err != nil {
			return "", err
		}
		return "not there yet, the first run makes it", nil
	case err != nil:
		return "", err
	}
	if offset, ok := decodeLegacy(text); ok {
		if err := r.mustBeEmpty(ctx, errStateLegacy); err != nil {
			return "", err
		}
		return fmt.Sprintf("the documented function's, to be taken over at offset %q", offset), nil
	}
	s, err := decodeState(text)
	if err != nil {
		return "", r.explain(err)
	}
	if err := r.mustBeOurs(s); err != nil {
		return "", err
	}
	if s.Cursor.Time.IsZero() {
		return fmt.Sprintf("%d objects so far", s.Sequence-1), nil
	}
	return fmt.Sprintf("%d objects so far, the last event is of %s", s.Sequence-1, s.Cursor.Time.Format(time.RFC3339)), nil
}
