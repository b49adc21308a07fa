package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/asa2udm/asa2udm/internal/asagen"
)

// setKind is one way to compose records.
type setKind struct {
	name  string
	about string
	opts  asagen.Options
}

var setKinds = []setKind{
	{"realistic", "joined records of all event families, keys in the order of the API", asagen.Options{}},
	{"shuffled", "the keys of every object in random order, and fields that are seldom seen", asagen.Options{Shuffle: true}},
}

// recordSet is a set of records in files.
type recordSet struct {
	kind  setKind
	all   sample
	tenth sample // the first tenth, for slow engines
	empty string // a file without records, to measure what starting costs
}

// sample is a file of records.
type sample struct {
	path    string
	records int
	bytes   int64
}

// compose writes a set of records.
func compose(base string, kind setKind, records int) (recordSet, error) {
	s := recordSet{kind: kind, empty: base + ".empty"}
	if err := os.WriteFile(s.empty, nil, 0o600); err != nil {
		return s, err
	}
	var err error
	if s.all, err = composeFile(base+".ndjson", kind.opts, records); err != nil {
		return s, err
	}
	s.tenth, err = composeFile(base+".tenth.ndjson", kind.opts, records/10)
	return s, err
}

// composeFile writes records to a file. The same options give the same records.
func composeFile(path string, opts asagen.Options, records int) (sample, error) {
	f, err := os.Create(path)
	if err != nil {
		return sample{}, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 256<<10)
	g := asagen.New(1, opts)
	s := sample{path: path, records: records}
	var line []byte
	for range records {
		line = append(g.Next(line[:0]), '\n')
		s.bytes += int64(len(line))
		if _, err := w.Write(line); err != nil {
			return s, err
		}
	}
	if err := w.Flush(); err != nil {
		return s, err
	}
	return s, f.Close()
}

// composeLarge writes records of a size whose bulk is one text that a rule
// copies, so that their events are as large. escaped texts have to be decoded and
// quoted anew.
func composeLarge(path string, records, size int, escaped bool) (sample, error) {
	f, err := os.Create(path)
	if err != nil {
		return sample{}, err
	}
	defer f.Close()
	piece := "a long description of one client. "
	if escaped {
		piece = `a \"long\" description\n\u00e9`
	}
	w := bufio.NewWriterSize(f, 256<<10)
	s := sample{path: path, records: records}
	for range records {
		n, err := fmt.Fprintf(w, `{"timestamp":"2024-03-01T06:00:00Z","id":"large","details":{"client":{"description":"%s"}}}`+"\n",
			strings.Repeat(piece, size/len(piece)))
		if err != nil {
			return s, err
		}
		s.bytes += int64(n)
	}
	if err := w.Flush(); err != nil {
		return s, err
	}
	return s, f.Close()
}
