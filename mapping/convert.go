package mapping

import (
	"encoding/base64"
	"math"
	"strconv"

	"github.com/asa2udm/asa2udm/udm"
)

// appendConverted appends text as a JSON value of the field's type, by the rules
// of proto3 JSON. ok is false where text is no such value; dst is then as it was.
func appendConverted(dst, text []byte, conv conversion, f *udm.Field, timeFormat string) (_ []byte, ok bool) {
	mark := len(dst)
	switch conv {
	case toString:
		return appendQuoted(dst, text), true
	case toNumber:
		if !fitsNumber(text, f.Kind) {
			return dst, false
		}
		return append(dst, text...), true
	case toWideNumber:
		if !fitsNumber(text, f.Kind) {
			return dst, false
		}
		return appendQuoted(dst, text), true
	case toBool:
		if string(text) != "true" && string(text) != "false" {
			return dst, false
		}
		return append(dst, text...), true
	case toBytes:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, text)
		return append(dst, '"'), true
	case toEnum:
		if f.Enum().Value(string(text)) == nil {
			return dst, false
		}
		return appendQuoted(dst, text), true
	case toTimestamp:
		dst = append(dst, '"')
		if timeFormat == "" || timeFormat == "rfc3339" {
			dst, ok = appendRFC3339(dst, text)
		} else {
			dst, ok = appendUnix(dst, text, unixDigits(timeFormat))
		}
		if !ok {
			return dst[:mark], false
		}
		return append(dst, '"'), true
	case toDuration:
		if !isDuration(text) {
			return dst, false
		}
		return appendQuoted(dst, text), true
	}
	return dst, false
}

// fitsNumber reports whether text is a JSON number that a field of the kind can
// hold.
func fitsNumber(text []byte, kind udm.Kind) bool {
	if !isNumber(text) {
		return false
	}
	var err error
	switch kind {
	case udm.Int32:
		_, err = strconv.ParseInt(string(text), 10, 32)
	case udm.Int64:
		_, err = strconv.ParseInt(string(text), 10, 64)
	case udm.Uint32:
		_, err = strconv.ParseUint(string(text), 10, 32)
	case udm.Uint64:
		_, err = strconv.ParseUint(string(text), 10, 64)
	case udm.Float:
		var v float64
		v, err = strconv.ParseFloat(string(text), 64)
		if math.Abs(v) > math.MaxFloat32 {
			return false
		}
	default:
		_, err = strconv.ParseFloat(string(text), 64)
	}
	return err == nil
}

// isNumber reports whether text is a number by the grammar of JSON.
func isNumber(text []byte) bool {
	return len(text) > 0 && numeral(text, 0) == len(text)
}

// maxDuration is what a protobuf Duration holds, in seconds.
const maxDuration = 315_576_000_000

// isDuration reports whether text is a duration as proto3 JSON has it: seconds
// with up to nine fraction digits and an s.
func isDuration(text []byte) bool {
	if len(text) < 2 || text[len(text)-1] != 's' {
		return false
	}
	number := text[:len(text)-1]
	if number[0] == '-' {
		number = number[1:]
	}
	whole := digitsLen(number)
	if whole == 0 || whole > 12 || whole > 1 && number[0] == '0' {
		return false
	}
	seconds, _ := strconv.ParseInt(string(number[:whole]), 10, 64)
	fraction := number[whole:]
	if len(fraction) > 0 && (fraction[0] != '.' || len(fraction) < 2 || len(fraction) > 10 || digitsLen(fraction[1:]) != len(fraction)-1) {
		return false
	}
	return seconds <= maxDuration
}
