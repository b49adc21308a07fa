package golden

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// RulesName is the name of a rule file that is found without being named.
const RulesName = "rules.yaml"

// ErrNoCases is what Find answers for a directory without any.
var ErrNoCases = errors.New("no cases")

// ErrNotDir is what Find answers for a file.
var ErrNotDir = errors.New("not a directory")

// NoRulesError says that nothing tells which rules a directory of cases is for.
type NoRulesError struct{ Dir string }

func (e *NoRulesError) Error() string {
	return fmt.Sprintf("no rules for the cases in %q", e.Dir)
}

// Find lists the cases in dir and below it, by directory and name. Directories
// whose name begins with a dot are left out.
//
// All cases are for rules, where it is not empty. Else the directory of a case
// decides, or the nearest one above it that can: by a file rules.yaml in it or,
// up to dir, by having the name of a shipped pack ("asa" for asa.yaml). The
// search ends at the root of a git repository. The error is ErrNoCases,
// ErrNotDir, a NoRulesError, or the file system's.
func Find(dir, rules string) ([]Suite, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, ErrNotDir
	}
	var suites []Suite
	dir = filepath.Clean(dir)
	// The separator has a link followed, if dir is one.
	err := filepath.WalkDir(dir+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		path = filepath.Clean(path)
		if path != dir && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		cases, err := casesIn(dir, path)
		if err != nil || len(cases) == 0 {
			return err
		}
		suite := Suite{Dir: path, Rules: rules, Cases: cases}
		if rules == "" {
			if suite.Rules, err = rulesOf(dir, path); err != nil {
				return err
			}
		}
		suites = append(suites, suite)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(suites) == 0 {
		return nil, ErrNoCases
	}
	return suites, nil
}

// casesIn lists the cases in one directory. An expectation without an input is
// a case too: one that fails.
func casesIn(top, dir string) ([]Case, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	known := make(map[string]*Case)
	for _, entry := range entries {
		for _, suffix := range []string{inputSuffix, fullSuffix, partialSuffix} {
			name, ok := strings.CutSuffix(entry.Name(), suffix)
			if !ok || name == "" || entry.IsDir() {
				continue
			}
			c := known[name]
			if c == nil {
				c = &Case{Name: caseName(top, dir, name)}
				known[name] = c
			}
			c.set(suffix, filepath.Join(dir, entry.Name()))
		}
	}
	var cases []Case
	for _, c := range known {
		cases = append(cases, *c)
	}
	slices.SortFunc(cases, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
	return cases, nil
}

func (c *Case) set(suffix, file string) {
	switch suffix {
	case inputSuffix:
		c.Input = file
	case fullSuffix:
		c.Full = file
	case partialSuffix:
		c.Partial = file
	}
}

func caseName(top, dir, name string) string {
	below, err := filepath.Rel(top, dir)
	if err != nil || below == "." {
		return name
	}
	return filepath.ToSlash(filepath.Join(below, name))
}

// rulesOf decides which rules the cases in dir are for.
func rulesOf(top, dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	absTop, err := filepath.Abs(top)
	if err != nil {
		return "", err
	}
	for at, inside := abs, true; ; at = filepath.Dir(at) {
		if isFile(filepath.Join(at, RulesName)) {
			return nearPath(dir, abs, filepath.Join(at, RulesName)), nil
		}
		if pack := filepath.Base(at) + ".yaml"; inside && slices.Contains(mapping.Packs(), pack) {
			return pack, nil
		}
		if at == absTop {
			inside = false
		}
		if at == filepath.Dir(at) || exists(filepath.Join(at, ".git")) {
			return "", &NoRulesError{dir}
		}
	}
}

// nearPath writes a file's path as it is best read from where dir was named: dir
// is abs as the caller wrote it.
func nearPath(dir, abs, file string) string {
	if filepath.IsAbs(dir) {
		return file
	}
	rel, err := filepath.Rel(abs, file)
	if err != nil {
		return file
	}
	return filepath.Join(dir, rel)
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
