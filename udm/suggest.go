package udm

import (
	"cmp"
	"slices"
	"strings"
)

// searchDepth is how many fields deep a search for a name goes below the message
// where it was looked for. Deeper paths are seldom meant and very many.
const searchDepth = 3

// clearlyWorse is how far behind the best suggestion another one may be.
const clearlyWorse = 12

// candidate is a path that may be meant. Lower rank is better; equal ranks keep
// the order of the schema, shallow paths first.
type candidate struct {
	path string
	rank int
}

// suggest returns paths near to path, of which m resolved only done.
func (m *Message) suggest(path string, done Path, bad *PathError) []string {
	if bad.Segment == "" {
		return nil
	}
	found := m.respellings(path, done, bad)
	found = append(found, m.elsewhere(path, done, bad)...)
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
	var paths []string
	for _, c := range found {
		if len(paths) < maxSuggestions && c.rank <= found[0].rank+clearlyWorse && !slices.Contains(paths, c.path) {
			paths = append(paths, c.path)
		}
	}
	return paths
}

// respellings tries the siblings that look like the bad segment, and for each of
// them the rest of the path, which may hold a misspelling of its own.
func (m *Message) respellings(path string, done Path, bad *PathError) []candidate {
	if bad.Parent == nil {
		return nil
	}
	_, rest, _ := strings.Cut(path[bad.Offset:], ".")
	var found []candidate
	for i := range bad.Parent.Fields {
		f := &bad.Parent.Fields[i]
		distance, near := resemblance(bad.Segment, f.Name)
		if !near {
			continue
		}
		tail, extra := f.complete(rest)
		if f.Deprecated {
			extra += 15
		}
		found = append(found, candidate{append(slices.Clip(done), Step{Field: f}).String() + tail, 10*distance + extra})
	}
	return found
}

// complete appends as much of rest below f as can be made sense of, and how bad
// the fit is.
func (f *Field) complete(rest string) (tail string, penalty int) {
	if rest == "" {
		return "", 0
	}
	below := f.Message()
	if below == nil {
		return "", 25
	}
	p, err := below.resolve(rest)
	if err == nil {
		return "." + p.String(), 0
	}
	if near := below.respellings(rest, p, err); len(near) > 0 {
		best := slices.MinFunc(near, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) })
		return "." + best.path, best.rank
	}
	return "", 25
}

// elsewhere searches for fields with the name of the bad segment, or of the last
// segment of path: below the part that was resolved, then anywhere.
func (m *Message) elsewhere(path string, done Path, bad *PathError) []candidate {
	wanted := []string{bad.Segment}
	last := path[strings.LastIndexByte(path, '.')+1:]
	if last != bad.Segment {
		wanted = append(wanted, last)
	}
	var found []candidate
	for i, name := range wanted {
		s := search{name: foldName(name), path: path, slips: name == last}
		if bad.Parent != nil {
			s.below(bad.Parent, done, 5*i)
		}
		if len(done) > 0 {
			s.home = done[0].Field
			s.below(m, nil, 5*i+5)
		}
		found = append(found, s.found...)
	}
	return found
}

// search collects the paths that end in a field called name.
type search struct {
	name  string // folded
	path  string // as it was asked for
	slips bool   // the name may be misspelt
	home  *Field // paths that begin elsewhere are less likely; nil if all are alike
	found []candidate
}

func (s *search) below(m *Message, prefix Path, rank int) {
	s.walk(m, prefix, len(prefix)+searchDepth, rank)
}

func (s *search) walk(m *Message, prefix Path, depth, rank int) {
	for i := range m.Fields {
		f := &m.Fields[i]
		if f.Deprecated {
			continue
		}
		path := append(slices.Clip(prefix), Step{Field: f})
		if distance, same := s.matches(f.Name); same {
			s.found = append(s.found, candidate{path.String(), rank + s.rank(path, distance)})
		}
		if below := f.Message(); below != nil && len(path) < depth {
			s.walk(below, path, depth, rank)
		}
	}
}

// rank prefers short paths, those that begin at home, and those that end as the
// path that was asked for.
func (s *search) rank(path Path, distance int) int {
	rank := 3*len(path) + 5*distance
	if s.home != nil && path[0].Field != s.home {
		rank += 15
	}
	if strings.HasSuffix(path.String(), "."+s.path) {
		rank -= 10
	}
	return rank
}

// matches reports whether a field is called name, give or take case,
// separators, a plural, a leading or trailing word or two slips of the pen.
func (s *search) matches(field string) (distance int, same bool) {
	if n := len(s.name); n < 2 || len(field)+1 < n {
		return 0, false
	}
	folded := foldName(field)
	switch {
	case s.name == folded:
		return 0, true
	case s.name+"s" == folded, s.name == folded+"s":
		return 1, true
	case len(s.name) >= 4 && (strings.HasPrefix(folded, s.name) || strings.HasSuffix(folded, s.name)):
		return 2, true
	case s.slips && len(s.name) >= 5 && len(folded) >= 5 && s.name[0] == folded[0]:
		// Only this needs time, so it is asked last and of likely names.
		distance, near := resemblance(s.name, folded)
		return distance + 1, near && distance <= 2
	}
	return 0, false
}
