package check

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/agext/levenshtein"
)

// suggest answers a hint at the key of some maps that is most like a name, or "".
func suggest(name string, maps ...any) string {
	var names []string
	for _, m := range maps {
		for _, key := range reflect.ValueOf(m).MapKeys() {
			names = append(names, key.String())
		}
	}
	return suggestOf(name, names)
}

func suggestOf(name string, names []string) string {
	slices.Sort(names)
	best, distance := "", len(name)/3+2
	for _, n := range names {
		if d := levenshtein.Distance(name, n, nil); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}
