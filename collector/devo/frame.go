package devo

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/asa2udm/asa2udm/collector"
)

// priority is facility user, severity info.
const priority = 14

// gzipBytes is how much stands in one gzip member; Devo's own senders cut there.
const gzipBytes = 19_500

var tagName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2,}$`)

// CheckTag refuses what is no tag: three words or more with dots between.
func CheckTag(tag string) error {
	if !tagName.MatchString(tag) {
		return fmt.Errorf("tag %q for Devo: want three words or more with dots between, such as auth.okta.system", tag)
	}
	return nil
}

// appendFrame adds a record as one syslog line. Its time is the record's, so that
// a repeated record has the same bytes.
func appendFrame(b []byte, host, tag string, r collector.Record) []byte {
	t := r.Time
	if t.IsZero() {
		t = time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	b = fmt.Appendf(b, "<%d>%s %s %s: ", priority, t.UTC().Format(time.Stamp), host, tag)
	return append(append(b, r.Data...), '\n')
}

// writeFrames sends records, compressed in members or as they are.
func writeFrames(w io.Writer, c Config, tag string, records []collector.Record) error {
	limit := 64 << 10
	if c.Gzip {
		limit = gzipBytes
	}
	var b []byte
	for i, r := range records {
		b = appendFrame(b, c.Host, tag, r)
		if len(b) < limit && i < len(records)-1 {
			continue
		}
		out := b
		if c.Gzip {
			var member bytes.Buffer
			z := gzip.NewWriter(&member)
			if _, err := z.Write(b); err != nil {
				return err
			}
			if err := z.Close(); err != nil {
				return err
			}
			out = member.Bytes()
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
		b = b[:0]
	}
	return nil
}
