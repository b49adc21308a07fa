package mapping

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/asa2udm/asa2udm/internal/asagen"
	"github.com/asa2udm/asa2udm/udm"
)

// The benchmarks here time one stage each, on values as records have them, so
// that benchstat tells which one a change has moved:
//
//	go test ./mapping -run '^$' -bench 'Value|Decide|Validate|Stream' -count 10 > new.txt
//	benchstat old.txt new.txt

// benchValues runs f over values in turn.
func benchValues(b *testing.B, name string, values []string, f func(v []byte)) {
	b.Run(name, func(b *testing.B) {
		var all [][]byte
		size := 0
		for _, v := range values {
			all = append(all, []byte(v))
			size += len(v)
		}
		b.SetBytes(int64(size / len(values)))
		b.ReportAllocs()
		for i := range b.N {
			f(all[i%len(all)])
		}
	})
}

// BenchmarkValue times what is done to single values.
func BenchmarkValue(b *testing.B) {
	addresses := []string{"203.0.113.7", "203.0.113.7:51234", "2001:db8:4f1::12", "[2001:db8:4f1::12]:51234", "10.20.30.4"}
	benchValues(b, "extract=ip", addresses, func(v []byte) { findIP(v) })
	systems := []string{"Windows 10.0.19045", "macOS 14.2.1", "Ubuntu 22.04.3 LTS", "Darwin 22.3.0", "Android 13"}
	benchValues(b, "extract=version", systems, func(v []byte) { findVersion(v) })

	var dst []byte
	times := []string{"2024-03-01T06:00:00.194354074Z", "2024-03-01T06:00:00Z", "2024-03-01T06:00:00.5Z"}
	benchValues(b, "timestamp=utc", times, func(v []byte) { dst, _ = appendRFC3339(dst[:0], v) })
	zoned := []string{"2024-03-01T06:00:00.194354074+05:30", "2024-03-01T23:00:00-08:00"}
	benchValues(b, "timestamp=zoned", zoned, func(v []byte) { dst, _ = appendRFC3339(dst[:0], v) })

	benchMatch(b, systems)
}

// benchMatch times the platform patterns of the packs: remembered from value to
// value, looked for as literal texts, and as regular expressions.
func benchMatch(b *testing.B, systems []string) {
	for _, pack := range []string{"asa.yaml", "asa-corrected.yaml"} {
		m := compilePack(b, pack).NewMapper()
		s := platformStep(b, m.plan)
		benchValues(b, "match=remembered/rules="+pack, systems, func(v []byte) { m.match(s, v) })
		benchValues(b, "match=anew/rules="+pack, systems, func(v []byte) { pick(s.arms, v, false) })
		benchValues(b, "match=regexp/rules="+pack, systems, func(v []byte) { pick(s.arms, v, true) })
	}
}

// platformStep answers the source of the step that writes principal.platform.
func platformStep(b *testing.B, pl *plan) *source {
	b.Helper()
	for _, st := range pl.steps {
		if st.field.path == "principal.platform" {
			return &st.from
		}
	}
	b.Fatal("no step writes principal.platform")
	return nil
}

// BenchmarkDecide times the event type: its answer remembered, and asked of CEL
// for every record.
func BenchmarkDecide(b *testing.B) {
	records, _ := benchRecords(b, asagen.Options{})
	for _, plain := range []bool{false, true} {
		b.Run(fmt.Sprintf("memo=%t", !plain), func(b *testing.B) {
			m := compilePack(b, "asa.yaml").NewMapper()
			if r := m.scanRecord(records[0]); r != nil {
				b.Fatal(r)
			}
			b.ReportAllocs()
			for range b.N {
				m.plain = plain
				clear(m.present)
				clear(m.decided)
				m.eventType()
			}
		})
	}
}

// BenchmarkValidate times the check of events against the UDM schema: of their
// text, and with the mapping of a record, which tells the validator what it writes.
func BenchmarkValidate(b *testing.B) {
	records, _ := benchRecords(b, asagen.Options{})
	m := compilePack(b, "asa.yaml").NewMapper()
	var events [][]byte
	size := 0
	for _, r := range records {
		event, err := m.Map(nil, r)
		if err != nil {
			b.Fatal(err)
		}
		events = append(events, event)
		size += len(event)
	}
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(size / len(events)))
		b.ReportAllocs()
		var v udm.Validator
		for i := range b.N {
			v.Validate(events[i%len(events)])
		}
	})
	for _, told := range []bool{false, true} {
		b.Run(fmt.Sprintf("mapped,told=%t", told), func(b *testing.B) {
			b.SetBytes(int64(size / len(events)))
			b.ReportAllocs()
			if told {
				m.validator = new(udm.Validator)
			}
			var event []byte
			for i := range b.N {
				event, _ = m.Map(event[:0], records[i%len(records)])
				if told {
					m.validator.Finish(event)
				}
			}
		})
	}
}

// BenchmarkStream times a stream with one worker, reading and writing in memory,
// per record.
func BenchmarkStream(b *testing.B) {
	for _, shuffle := range []bool{false, true} {
		b.Run(fmt.Sprintf("shuffled=%t", shuffle), func(b *testing.B) {
			p := compilePack(b, "asa.yaml")
			records, size := benchRecords(b, asagen.Options{Shuffle: shuffle})
			for i := range records {
				records[i] = append(records[i], '\n')
			}
			b.SetBytes(size)
			b.ReportAllocs()
			in := &recordReader{records: records, left: b.N}
			if _, err := Stream(context.Background(), p, in, io.Discard, StreamOptions{Workers: 1}); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// recordReader reads so many records, over and over the same, a line each.
type recordReader struct {
	records [][]byte
	next    int
	left    int
	rest    []byte
}

func (r *recordReader) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		if len(r.rest) == 0 {
			if r.left == 0 {
				return n, io.EOF
			}
			r.rest = r.records[r.next]
			r.next = (r.next + 1) % len(r.records)
			r.left--
		}
		copied := copy(b[n:], r.rest)
		n, r.rest = n+copied, r.rest[copied:]
	}
	return n, nil
}
