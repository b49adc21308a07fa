package main

import "testing"

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1: "-1", -123456: "-123,456",
	} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[float64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 1550: "1.6 kB", 2.5e6: "2.5 MB", 5e9: "5 GB", 5e12: "5.0 TB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%v) = %q, want %q", n, got, want)
		}
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int{
		"1": 1, "512k": 512 << 10, "16MiB": 16 << 20, "16M": 16 << 20, "20MB": 20e6, "512MiB": 512 << 20, "10 kB": 10e3,
		// Refused, so that the flag keeps its value:
		"": 0, "0": 0, "-1": 0, "x": 0, "1GiB": 0, "99999999999999999999": 0, "MiB": 0, "1.5M": 0,
	} {
		var got byteSize
		err := got.Set(text)
		if int(got) != want || (err == nil) != (want > 0) {
			t.Errorf("Set(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
}
