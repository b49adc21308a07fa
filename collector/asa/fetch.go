package asa

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/internal/page"
)

// fetch answers the page at an address and its next link, wherever that leads.
func (s *Source) fetch(ctx context.Context, at *url.URL) (*collector.Page, *url.URL, error) {
	var lines [][]byte
	var unresolved int
	// A body that was cut off, or that comes from something in between, is no
	// page and is asked for again.
	join := func(body []byte) (err error) {
		lines, unresolved, err = page.Join(body)
		return err
	}
	resp, err := s.get(ctx, at, join)
	if err != nil {
		return nil, nil, err
	}
	s.noteClock(resp.Header)
	p := &collector.Page{Raw: resp.Body, Unresolved: unresolved, Records: make([]collector.Record, len(lines))}
	for i, line := range lines {
		p.Records[i] = identify(line)
	}
	next, err := s.client.NextLink(resp.Header, at)
	return p, next, err
}

// get sends the token with the call.
func (s *Source) get(ctx context.Context, at *url.URL, valid func([]byte) error) (*rest.Response, error) {
	return s.tokens.Send(ctx, func(ctx context.Context, bearer string) (*rest.Response, error) {
		return s.client.Do(ctx, func(ctx context.Context) (*http.Request, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
			if err == nil {
				req.Header.Set("Authorization", "Bearer "+bearer)
			}
			return req, err
		}, valid)
	})
}

// noteClock learns the server's clock from an answer.
func (s *Source) noteClock(h http.Header) {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		s.skew.Store(int64(time.Until(date)))
	}
}

// Record implements collector.Source.
func (s *Source) Record(line []byte) collector.Record { return Record(line) }

// Record reads what identifies an event that was collected.
func Record(line []byte) collector.Record {
	if !json.Valid(line) {
		return nameless(line)
	}
	return identify(line)
}

// identify reads the id and the time of an event that is valid JSON. Of repeated
// keys the last one counts. An id that is not UTF-8 is none: the State could not
// keep it.
func identify(line []byte) collector.Record {
	event := gjson.ParseBytes(line)
	if !event.IsObject() {
		return nameless(line)
	}
	var id, at gjson.Result
	event.ForEach(func(key, value gjson.Result) bool {
		switch key.Str {
		case "id":
			id = value
		case "timestamp":
			at = value
		}
		return true
	})
	rec := collector.Record{ID: id.Str, Data: line}
	if id.Str == "" || !utf8.ValidString(id.Str) {
		rec = nameless(line)
	}
	rec.Time = collector.RecordTime(at.Str)
	return rec
}

// nameless stands for an event without an id, which is known by its bytes.
func nameless(line []byte) collector.Record {
	sum := sha256.Sum256(line)
	return collector.Record{ID: "sha256:" + hex.EncodeToString(sum[:]), Nameless: true, Data: line}
}

// Authenticate proves the key by getting a token.
func (s *Source) Authenticate(ctx context.Context) error {
	_, err := s.tokens.Get(ctx)
	return err
}

// explain tells a cursor that the API does not know from other refusals. They
// share their status, so the same call without the cursor must decide.
func (s *Source) explain(ctx context.Context, cur collector.Cursor, err error) error {
	var status *rest.StatusError
	if cur.ID == "" || !errors.As(err, &status) {
		return err
	}
	switch status.Status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
	default:
		return err
	}
	if _, _, probe := s.fetch(ctx, s.address(oldestFirst, collector.Cursor{}, 1)); probe != nil {
		return err
	}
	return fmt.Errorf("%w: event %q of %s, perhaps because it is older than the 90 days that are kept: %w",
		collector.ErrCursor, cur.ID, cur.Time.Format(time.RFC3339), err)
}
