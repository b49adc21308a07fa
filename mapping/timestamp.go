package mapping

import (
	"strconv"
	"time"
)

// timeFormats are the words that time: may have.
var timeFormats = []string{"rfc3339", "unix", "unix_ms", "unix_us", "unix_ns"}

// unixDigits answers how many digits of a unix time are a fraction of a second.
func unixDigits(format string) int {
	switch format {
	case "unix_ms":
		return 3
	case "unix_us":
		return 6
	case "unix_ns":
		return 9
	}
	return 0
}

// appendRFC3339 appends the RFC 3339 time in text as UTC, its fraction as it
// stands. ok is false where text is no such time with a zone, or its year in UTC
// is not from 1 to 9999, which is all that a protobuf Timestamp holds.
func appendRFC3339(dst, text []byte) (_ []byte, ok bool) {
	const shape = "2006-01-02T15:04:05"
	if len(text) < len(shape)+1 || !hasShape(text[:len(shape)]) {
		return dst, false
	}
	t := clock{
		year: number(text[0:4]), month: number(text[5:7]), day: number(text[8:10]),
		hour: number(text[11:13]), minute: number(text[14:16]), second: number(text[17:19]),
	}
	rest := text[len(shape):]
	fraction := rest[:fractionLen(rest)]
	if len(fraction) == 1 || len(fraction) > 10 || !t.valid() {
		return dst, false
	}
	offset, ok := zoneOffset(rest[len(fraction):])
	if !ok {
		return dst, false
	}
	if offset == 0 {
		if t.year == 0 {
			return dst, false
		}
		dst = append(dst, text[:len(shape)]...)
		dst[len(dst)-len(shape)+10] = 'T'
		return append(append(dst, fraction...), 'Z'), true
	}
	utc := time.Date(t.year, time.Month(t.month), t.day, t.hour, t.minute-offset, t.second, 0, time.UTC)
	if utc.Year() < 1 || utc.Year() > 9999 {
		return dst, false
	}
	return append(append(utc.AppendFormat(dst, shape), fraction...), 'Z'), true
}

// hasShape reports whether text has digits, dashes and colons where an RFC 3339
// time has them.
func hasShape(text []byte) bool {
	for i, c := range text {
		switch i {
		case 4, 7:
			if c != '-' {
				return false
			}
		case 10:
			if c != 'T' && c != 't' {
				return false
			}
		case 13, 16:
			if c != ':' {
				return false
			}
		default:
			if !isDigit(c) {
				return false
			}
		}
	}
	return true
}

func number(digits []byte) int {
	n := 0
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

// fractionLen answers the length of ".digits" at the start of text.
func fractionLen(text []byte) int {
	if len(text) == 0 || text[0] != '.' {
		return 0
	}
	return 1 + digitsLen(text[1:])
}

// zoneOffset reads Z or ±hh:mm, in minutes east of UTC.
func zoneOffset(zone []byte) (int, bool) {
	if len(zone) == 1 && (zone[0] == 'Z' || zone[0] == 'z') {
		return 0, true
	}
	if len(zone) != 6 || zone[0] != '+' && zone[0] != '-' || zone[3] != ':' ||
		digitsLen(zone[1:3]) != 2 || digitsLen(zone[4:6]) != 2 {
		return 0, false
	}
	hours, minutes := number(zone[1:3]), number(zone[4:6])
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	if zone[0] == '-' {
		return -hours*60 - minutes, true
	}
	return hours*60 + minutes, true
}

// clock is a time as written, before its zone is known.
type clock struct{ year, month, day, hour, minute, second int }

func (c clock) valid() bool {
	return c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= daysIn(c.year, c.month) &&
		c.hour <= 23 && c.minute <= 59 && c.second <= 59
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// appendUnix appends the unix time in text, whose last digits decimal places are
// a fraction of a second. A fraction in the text itself is kept too, up to nine
// digits in all.
func appendUnix(dst, text []byte, digits int) (_ []byte, ok bool) {
	whole := text
	var fraction []byte
	for i, c := range text {
		if c == '.' {
			whole, fraction = text[:i], text[i+1:]
			break
		}
	}
	if len(fraction) != digitsLen(fraction) || len(whole) < len(text) && len(fraction) == 0 || digits+len(fraction) > 9 {
		return dst, false
	}
	n, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil || !isDigit(whole[len(whole)-1]) || whole[0] == '+' {
		return dst, false
	}
	unit := int64(1)
	for range digits {
		unit *= 10
	}
	seconds, parts := n/unit, n%unit
	for _, c := range fraction {
		parts, unit = parts*10+int64(c-'0')*sign(whole), unit*10
	}
	if parts < 0 {
		seconds, parts = seconds-1, parts+unit
	}
	if seconds < minUnix || seconds > maxUnix {
		return dst, false
	}
	dst = time.Unix(seconds, 0).UTC().AppendFormat(dst, "2006-01-02T15:04:05")
	if parts > 0 {
		// The digit before the fraction becomes its point.
		dst = strconv.AppendInt(dst, unit+parts, 10)
		dst[len(dst)-digits-len(fraction)-1] = '.'
	}
	return append(dst, 'Z'), true
}

// The first second of the year 1 and the last of the year 9999.
const (
	minUnix = -62_135_596_800
	maxUnix = 253_402_300_799
)

func sign(number []byte) int64 {
	if number[0] == '-' {
		return -1
	}
	return 1
}
