package objects

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// Overlap answers a test for the names of objects in a place: whether the pattern
// means what lies there. A file has many paths - relative, in full, through a link to
// its folder - so that its path as it is written says too little. The test is safe for
// concurrent use.
func (p Pattern) Overlap(place Place) func(name string) bool {
	written := func(name string) bool { return p.Match(string(place) + name) }
	if !p.Local() || !Local(string(place)) {
		return written
	}
	root, rootErr := settle(p.root)
	dir, dirErr := settle(string(place))
	if rootErr != nil || dirErr != nil {
		return written
	}
	return func(name string) bool {
		below, ok := strings.CutPrefix(path.Join(dir, name), strings.TrimSuffix(root, "/")+"/")
		return ok && p.Match(p.root+below) || written(name)
	}
}

// settle answers a folder's one path from the root, with all links followed. What
// is not there yet is taken as it is written.
func settle(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rest := ""
	for {
		found, err := filepath.EvalSymlinks(dir)
		if err == nil {
			return filepath.ToSlash(filepath.Join(found, rest)), nil
		}
		if up := filepath.Dir(dir); !errors.Is(err, fs.ErrNotExist) || up == dir {
			return "", err
		}
		dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest)
	}
}
