package golden

import (
	"slices"
	"strings"
)

// fieldDiff is one field of an event that is not as expected. The JSON of a
// value that is not there is empty.
type fieldDiff struct {
	kind      Kind
	path, at  string
	want, got string
}

// diffEvents compares two events field by field: first what is expected, in its
// order, then what is there besides. Each list of labels is then held against
// the expected order of its keys.
func diffEvents(want, got []leaf) []fieldDiff {
	given := make(map[string]*leaf, len(got))
	for i := range got {
		given[got[i].path] = &got[i]
	}
	var out []fieldDiff
	expected := make(map[string]bool, len(want))
	for _, w := range want {
		expected[w.path] = true
		g := given[w.path]
		switch {
		case g == nil:
			out = append(out, fieldDiff{FieldDiffers, w.path, "", w.json, ""})
		case g.json != w.json:
			out = append(out, fieldDiff{FieldDiffers, w.path, g.at, w.json, g.json})
		}
	}
	for _, g := range got {
		if !expected[g.path] {
			out = append(out, fieldDiff{FieldDiffers, g.path, g.at, "", g.json})
		}
	}
	return append(out, diffOrder(want, got, expected, given)...)
}

// diffOrder finds lists whose labels are all there, in another order.
func diffOrder(want, got []leaf, expected map[string]bool, given map[string]*leaf) []fieldDiff {
	var out []fieldDiff
	wanted := orders(want, func(path string) bool { return given[path] != nil })
	there := orders(got, func(path string) bool { return expected[path] })
	for _, l := range wanted {
		i := slices.IndexFunc(there, func(o order) bool { return o.list == l.list })
		if i >= 0 && !slices.Equal(l.paths, there[i].paths) {
			out = append(out, fieldDiff{OrderDiffers, l.list, l.list, l.json(), there[i].json()})
		}
	}
	return out
}

// order is the labels of a list in their order.
type order struct {
	list        string
	paths, keys []string
}

// json writes the keys of the labels as a list.
func (o order) json() string { return "[" + strings.Join(o.keys, ",") + "]" }

func orders(all []leaf, in func(path string) bool) []order {
	var out []order
	for _, l := range all {
		if l.list == "" || !in(l.path) {
			continue
		}
		if n := len(out); n == 0 || out[n-1].list != l.list {
			out = append(out, order{list: l.list})
		}
		last := &out[len(out)-1]
		last.paths, last.keys = append(last.paths, l.path), append(last.keys, l.key)
	}
	return out
}

// same reports whether an outcome is as expected.
func (o *outcome) same(got *outcome) bool {
	if (o.reject == nil) != (got.reject == nil) {
		return false
	}
	if o.reject != nil {
		w, g := o.reject, got.reject
		return w.Line == g.Line && sameIndex(w.Index, g.Index) && w.Error == g.Error
	}
	return o.json == got.json || len(diffEvents(o.leaves, got.leaves)) == 0
}

func sameIndex(a, b *int) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

// pair is an expected and a given outcome that belong together. One of them is
// nil where the other has no partner.
type pair struct{ want, got *outcome }

// maxAligned bounds the work of finding partners: beyond it outcomes are paired
// by position.
const maxAligned = 250_000

// align finds the outcomes that belong together, so that one event too many or
// too few does not make all that follow it differ. Only pairs that differ are in
// the answer.
func align(want, got []outcome) []pair {
	for len(want) > 0 && len(got) > 0 && want[0].same(&got[0]) {
		want, got = want[1:], got[1:]
	}
	for len(want) > 0 && len(got) > 0 && want[len(want)-1].same(&got[len(got)-1]) {
		want, got = want[:len(want)-1], got[:len(got)-1]
	}
	if len(want)*len(got) > maxAligned {
		return byPosition(want, got)
	}
	return slices.DeleteFunc(cheapest(want, got), func(p pair) bool {
		return p.want != nil && p.got != nil && p.want.same(p.got)
	})
}

func byPosition(want, got []outcome) []pair {
	var out []pair
	for i := range max(len(want), len(got)) {
		var p pair
		if i < len(want) {
			p.want = &want[i]
		}
		if i < len(got) {
			p.got = &got[i]
		}
		if p.want == nil || p.got == nil || !p.want.same(p.got) {
			out = append(out, p)
		}
	}
	return out
}

// The costs of an alignment: a pair costs what share of it differs, an outcome
// without a partner as much as a pair that differs in most.
const (
	costOfGap     = 0.7
	costOfOutcome = 1.0 // an event for a reject, or a reject for an event
)

// cheapest finds the alignment of the lowest cost.
func cheapest(want, got []outcome) []pair {
	costs := make([][]float64, len(want)+1)
	for i := range costs {
		costs[i] = make([]float64, len(got)+1)
	}
	pairCost := func(i, j int) float64 { return want[i].cost(&got[j]) }
	for i := len(want); i >= 0; i-- {
		for j := len(got); j >= 0; j-- {
			switch {
			case i == len(want):
				costs[i][j] = costOfGap * float64(len(got)-j)
			case j == len(got):
				costs[i][j] = costOfGap * float64(len(want)-i)
			default:
				costs[i][j] = min(pairCost(i, j)+costs[i+1][j+1], costOfGap+costs[i+1][j], costOfGap+costs[i][j+1])
			}
		}
	}
	var out []pair
	for i, j := 0, 0; i < len(want) || j < len(got); {
		switch {
		case i < len(want) && j < len(got) && costs[i][j] == pairCost(i, j)+costs[i+1][j+1]:
			out = append(out, pair{&want[i], &got[j]})
			i, j = i+1, j+1
		case j == len(got) || i < len(want) && costs[i][j] == costOfGap+costs[i+1][j]:
			out = append(out, pair{want: &want[i]})
			i++
		default:
			out = append(out, pair{got: &got[j]})
			j++
		}
	}
	return out
}

func (o *outcome) cost(got *outcome) float64 {
	switch {
	case (o.reject == nil) != (got.reject == nil):
		return costOfOutcome
	case o.reject == nil:
		diffs := len(diffEvents(o.leaves, got.leaves))
		return min(1, float64(diffs)/float64(max(1, len(o.leaves), len(got.leaves))))
	case o.same(got):
		return 0
	case o.reject.Line == got.reject.Line && sameIndex(o.reject.Index, got.reject.Index):
		return costOfGap / 2
	}
	return costOfOutcome
}
