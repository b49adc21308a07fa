package udm

import "bytes"

// timestampFault says why text is no time in RFC 3339 that a protocol buffer
// takes, or "" if it is one: upper-case T and Z, at most nine fraction digits,
// years 1 to 9999 in UTC.
func timestampFault(text []byte) string {
	const layout = "0000-00-00T00:00:00"
	if len(text) <= len(layout) || !likeLayout(text, layout) {
		return "want YYYY-MM-DDThh:mm:ss with a zone"
	}
	year, month, day := number2(text)*100+number2(text[2:]), number2(text[5:]), number2(text[8:])
	hour, minute, second := number2(text[11:]), number2(text[14:]), number2(text[17:])
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return "no such day"
	}
	if hour > 23 || minute > 59 || second > 59 {
		return "no such time of day"
	}
	zone, fault := fractionFault(text[len(layout):])
	if fault != "" {
		return fault
	}
	offset, fault := zoneMinutes(zone)
	if fault != "" {
		return fault
	}
	if utc := hour*60 + minute - offset; year == 0 || year == 1 && month == 1 && day == 1 && utc < 0 ||
		year == 9999 && month == 12 && day == 31 && utc >= 24*60 {
		return "the year in UTC is not within 1 to 9999"
	}
	return ""
}

// likeLayout reports whether text begins like layout, with any digit for a 0.
func likeLayout(text []byte, layout string) bool {
	for i := range len(layout) {
		if c := text[i]; layout[i] == '0' && (c < '0' || c > '9') || layout[i] != '0' && c != layout[i] {
			return false
		}
	}
	return true
}

func number2(text []byte) int { return int(text[0]-'0')*10 + int(text[1]-'0') }

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

// fractionFault reads a fraction of the second, if there is one.
func fractionFault(text []byte) (rest []byte, fault string) {
	if text[0] != '.' {
		return text, ""
	}
	digits := leadingDigits(text[1:])
	if digits == 0 || digits > 9 {
		return nil, "want 1 to 9 digits after the point"
	}
	return text[1+digits:], ""
}

func leadingDigits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// zoneMinutes reads Z or an offset such as +02:00.
func zoneMinutes(zone []byte) (minutes int, fault string) {
	if string(zone) == "Z" {
		return 0, ""
	}
	if len(zone) != 6 || zone[0] != '+' && zone[0] != '-' || !likeLayout(zone[1:], "00:00") {
		return 0, "want Z or an offset such as +02:00 at the end"
	}
	hours, rest := number2(zone[1:]), number2(zone[4:])
	if hours > 23 || rest > 59 {
		return 0, "no such offset"
	}
	minutes = hours*60 + rest
	if zone[0] == '-' {
		minutes = -minutes
	}
	return minutes, ""
}

// maxDurationSeconds is the bound of google.protobuf.Duration, 10,000 years.
const maxDurationSeconds = 315_576_000_000

// isDuration reports whether text is seconds with up to nine fraction digits
// and an s: "3s", "-1.5s".
func isDuration(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("-"))
	whole := leadingDigits(text)
	if whole == 0 || whole > len("315576000000") {
		return false
	}
	var seconds integer
	seconds.add(text[:whole])
	rest := text[whole:]
	if len(rest) > 1 && rest[0] == '.' {
		digits := leadingDigits(rest[1:])
		if digits == 0 || digits > 9 {
			return false
		}
		rest = rest[1+digits:]
	}
	return string(rest) == "s" && seconds.magnitude <= maxDurationSeconds
}
