package draft

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// timeFormat is a way to write a time, as a rule's key time has it.
type timeFormat uint8

const (
	rfc3339 timeFormat = iota
	unix
	unixMillis
	unixMicros
	unixNanos
	timeFormats
)

var timeNames = [timeFormats]string{"rfc3339", "unix", "unix_ms", "unix_us", "unix_ns"}

var (
	rfc3339Text  = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$`)
	nearlyATime  = regexp.MustCompile(`^\d{4}[-/]\d\d?[-/]\d\d?([ Tt]\d|$)|^\d\d?[-/. ](\d\d?|[A-Za-z]{3,})[-/. ]\d{4}\b|^([A-Za-z]{3},? )?[A-Za-z]{3} +\d\d? |^[A-Za-z]{3}, \d\d? `)
	integralText = regexp.MustCompile(`^\d{9,19}(\.\d{1,9})?$`)
)

// Unix times count from 2000 to 2100: an earlier or later number is something
// else.
const earliest, latest = 946_684_800, 4_102_444_800

// time counts what a value is as a time.
func (p *place) time(v string, isNumber bool) {
	if len(v) > maxExample || !strings.ContainsAny(v, "0123456789") {
		return
	}
	if f, ok := timeFormatOf(v, isNumber); ok {
		p.times[f]++
	} else if p.almost == "" && !isNumber && p.looked < maxLooked && (nearlyATime.MatchString(v) || rfc3339Text.MatchString(v)) {
		p.almost = v
	}
}

func timeFormatOf(v string, isNumber bool) (timeFormat, bool) {
	if !isNumber && rfc3339Text.MatchString(v) {
		_, err := time.Parse(time.RFC3339Nano, strings.ToUpper(v))
		return rfc3339, err == nil
	}
	if !integralText.MatchString(v) {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(v, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, false
	}
	// The places of the unit and those of the fraction may be nine in all.
	for f, places := unix, 0; f < timeFormats; f, places = f+1, places+3 {
		if n >= earliest && n < latest {
			return f, places+len(fraction) <= 9
		}
		n /= 1000
	}
	return 0, false
}

// moment is a place that may be the time of the event.
type moment struct {
	place  *place
	format timeFormat
	good   int // values that are a time in this format
	rank   int
}

// Names of the event's own time, best first, and of other times.
var (
	eventTimes = []string{
		"event timestamp", "event time", "timestamp", "published", "time", "datetime", "date time", "ts", "occurred at",
		"occurred", "happened at", "event date", "when", "logged at", "start time", "date", "t", "created at", "created",
		"creation time", "create time", "received at", "ingested at",
	}
	otherTimes = []string{
		"expires", "expiry", "expiration", "expire", "valid", "birth", "birthday", "last", "next", "previous", "not before",
		"not after", "deadline", "renewal", "until", "eol",
	}
)

const (
	unknownTime = 100 // rank of a name that says nothing
	otherTime   = 1000
)

// rankOf answers how likely a key is to be the time of the event: less is more.
func rankOf(p *place) int {
	words := wordsOf(p.key)
	for _, w := range words {
		if slices.Contains(otherTimes, w) {
			return otherTime
		}
	}
	for i, phrase := range eventTimes {
		if endsWith(words, phrase) {
			return i
		}
	}
	return unknownTime
}

// moments answers the places that may be the time of the event, best first. Those
// that most records have come before all others.
func (s *Survey) moments() []moment {
	var all []moment
	s.record.each(func(p *place) {
		for f, good := range p.times {
			m := moment{p, timeFormat(f), good, rankOf(p)}
			// A number is only taken for a time if it is called one.
			named := m.rank < unknownTime || m.format == rfc3339
			if p.path != "" && named && good > 0 && 2*good >= p.scalars() && !p.secret {
				all = append(all, m)
			}
		}
	})
	slices.SortStableFunc(all, func(a, b moment) int {
		return cmp.Or(
			cmp.Compare(s.tenth(b), s.tenth(a)),
			cmp.Compare(a.rank, b.rank),
			cmp.Compare(len(a.place.words), len(b.place.words)),
			cmp.Compare(a.format, b.format),
		)
	})
	return all
}

// tenth answers how many tenths of the records have a time at a place, so that a
// few records without one do not decide.
func (s *Survey) tenth(m moment) int { return (10*m.good + 5) / max(1, s.records) }

// each visits all places below, depth first, those in lists left out.
func (p *place) each(visit func(*place)) {
	for _, m := range p.members {
		visit(m)
		m.each(visit)
	}
}

// NoTimeError says that no place of the records holds a time, which every event
// needs.
type NoTimeError struct {
	Records int
	// Almost are places whose values look like a time but are none that a rule
	// can read, as "created: \"2024-03-01 06:00\"". At most three.
	Almost []string
}

func (e *NoTimeError) Error() string {
	msg := fmt.Sprintf("no time of the event found in %d records: looked for RFC 3339 with a zone (2024-03-01T06:00:00Z) under any name, and "+
		"for unix seconds, milli-, micro- or nanoseconds under names such as timestamp, time, ts, published, date, created_at", e.Records)
	if e.Records == 1 {
		msg = strings.Replace(msg, "1 records", "1 record", 1)
	}
	if len(e.Almost) > 0 {
		msg += "; nearly: " + strings.Join(e.Almost, ", ")
	}
	return msg
}

func (s *Survey) noTime() error {
	e := &NoTimeError{Records: s.records}
	s.record.each(func(p *place) {
		if p.almost != "" && len(e.Almost) < 3 && !p.secret {
			e.Almost = append(e.Almost, fmt.Sprintf("%s: %q", p.path, p.almost))
		}
	})
	return e
}
