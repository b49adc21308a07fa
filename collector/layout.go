package collector

import (
	"fmt"
	"strconv"
	"strings"
)

// Layout says where the kinds of objects lie in a Bucket: one prefix each, with
// its slash. The names within are the sequence number, so that a repeat after a
// crash finds its own object.
type Layout struct {
	Raw, UDM, Rejects, Pages, Manifest string
}

// RootLayout keeps everything below one root, raw records in raw/, which is the
// prefix for a feed to read.
func RootLayout() Layout {
	return Layout{Raw: "raw/", UDM: "udm/", Rejects: "rejects/", Pages: "pages/", Manifest: "manifest/"}
}

// FeedLayout keeps raw records, and nothing else, right under prefix, where the
// feed of the documented function reads them. The rest lies beside it.
func FeedLayout(prefix string) Layout {
	prefix = strings.Trim(prefix, "/")
	// A feed may have been given the prefix without its slash, so that the name
	// of what lies beside must not begin with it.
	beside := "asa2udm/"
	for strings.HasPrefix(prefix+"/", beside) {
		beside = "_" + beside
	}
	beside += prefix + "/"
	return Layout{
		Raw: prefix + "/", UDM: beside + "udm/", Rejects: beside + "rejects/",
		Pages: beside + "pages/", Manifest: beside + "manifest/",
	}
}

// sequenceDigits holds a batch a second for 30,000 years.
const sequenceDigits = 12

func sequenceName(n int64) string { return fmt.Sprintf("%0*d", sequenceDigits, n) }

// parseSequence reads the sequence from the name of an object below prefix, such
// as raw/000000000001.ndjson.gz.
func parseSequence(name, prefix string) (int64, bool) {
	base, ok := strings.CutPrefix(name, prefix)
	if !ok || len(base) <= sequenceDigits || base[sequenceDigits] != '.' && base[sequenceDigits] != '-' {
		return 0, false
	}
	n, err := strconv.ParseInt(base[:sequenceDigits], 10, 64)
	return n, err == nil && n > 0
}

// StateName is where the State lies unless another place is chosen.
func (l Layout) StateName() string {
	return strings.TrimSuffix(l.Manifest, "manifest/") + "state.json"
}

func (l Layout) manifest(n int64) string { return l.Manifest + sequenceName(n) + ".json" }
