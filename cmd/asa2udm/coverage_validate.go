package main

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/asa2udm/asa2udm/udm"
)

// violationCounts counts violations by what they are and where in the event.
type violationCounts struct {
	errors, warnings int64
	kinds            map[violationKind]*violationCount
	others           int64 // violations beyond the kinds that are kept apart
}

type violationKind struct{ path, code, severity string }

// violationCount is one kind of violation.
type violationCount struct {
	violationKind
	count   int64
	message string // of the first,
	file    string
	line    int64
}

// maxKinds bounds the kinds that are kept apart: the names of unknown fields come
// from the data.
const maxKinds = 1000

var listIndex = regexp.MustCompile(`\[[0-9]+\]`)

// add counts the violations of one event.
func (v *violationCounts) add(file string, line int64, list []udm.Violation) {
	for _, one := range list {
		if one.Severity == udm.Error {
			v.errors++
		} else {
			v.warnings++
		}
		v.count(violationKind{listIndex.ReplaceAllString(one.Path, "[]"), one.Code, one.Severity.String()},
			&violationCount{message: one.Message, file: file, line: line})
	}
}

func (v *violationCounts) count(kind violationKind, first *violationCount) {
	known := v.kinds[kind]
	switch {
	case known != nil:
		known.count++
	case len(v.kinds) >= maxKinds:
		v.others++
	default:
		if v.kinds == nil {
			v.kinds = make(map[violationKind]*violationCount)
		}
		first.violationKind, first.count = kind, 1
		v.kinds[kind] = first
	}
}

// byCount answers the kinds, the most frequent first.
func (v *violationCounts) byCount() []*violationCount {
	var out []*violationCount
	for _, one := range v.kinds {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b *violationCount) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.path, b.path), cmp.Compare(a.code, b.code))
	})
	return out
}
