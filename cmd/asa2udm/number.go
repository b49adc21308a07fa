package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// grouped writes a number with its digits in groups: 1,234,567.
func grouped[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// count writes how many there are of a thing: "1 fault", "2 faults".
func count[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(n) + " " + thing + "s"
}

// size writes a number of bytes, in powers of 1000.
func size(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", n), ".0") + " " + unit
		}
		n /= 1000
	}
	return fmt.Sprintf("%.1f TB", n)
}

// byteSize is a flag that takes a number of bytes, no more than the mapper takes for a
// record: 1048576, 512k, 16MiB, 20MB.
type byteSize int

var sizeUnits = []struct {
	suffix string
	bytes  int
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"k", 1 << 10}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1}, {"", 1},
}

func (s *byteSize) Set(text string) error {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n < 1 || n > mapping.LongestRecord/u.bytes {
			break
		}
		*s = byteSize(n * u.bytes)
		return nil
	}
	return fmt.Errorf("want a size from 1 to %dMiB, such as 512KiB or 16MiB", mapping.LongestRecord>>20)
}

func (s *byteSize) String() string {
	if *s >= 1<<20 && *s%(1<<20) == 0 {
		return strconv.Itoa(int(*s>>20)) + "MiB"
	}
	return strconv.Itoa(int(*s))
}

func (s *byteSize) Type() string { return "SIZE" }
