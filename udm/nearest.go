package udm

import (
	"slices"
	"strings"
)

// maxSuggestions is how many names a "did you mean" offers at most.
const maxSuggestions = 3

// Nearest returns those of the known names that name is probably a misspelling
// of, best first, at most three. Case and the separators "_", "-" and " " count
// for nothing. It is meant for error messages: it costs the product of the
// lengths for each known name.
func Nearest(name string, known []string) []string {
	type match struct {
		name     string
		distance int
	}
	var matches []match
	for _, k := range known {
		if d, ok := resemblance(name, k); ok {
			matches = append(matches, match{k, d})
		}
	}
	slices.SortStableFunc(matches, func(a, b match) int { return a.distance - b.distance })
	var names []string
	for _, m := range matches[:min(len(matches), maxSuggestions)] {
		names = append(names, m.name)
	}
	return names
}

// resemblance returns how far apart two names are, and whether they are near
// enough for one to be meant by the other.
func resemblance(a, b string) (distance int, near bool) {
	fa, fb := foldName(a), foldName(b)
	if fa == "" || fb == "" || len(fa) > 128 {
		return 0, false
	}
	limit := 1 + max(len(fa), len(fb))/4
	if min(len(fa), len(fb)) <= 2 {
		limit = 0
	}
	if len(fa)-len(fb) > limit || len(fb)-len(fa) > limit {
		return 0, false
	}
	distance = editDistance(fa, fb)
	return distance, distance <= limit
}

func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that lead from a to b (optimal string alignment), in bytes.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
