package lint

import (
	"fmt"
	"path"
	"slices"

	"github.com/asa2udm/asa2udm/mapping"
)

// leaveBase drops what is odd about the files below alone. What only the whole
// brings about, such as a required field whose rule is removed, is reported where
// the file names its base.
func (l *linter) leaveBase(opts Options) {
	foreign := func(f Finding) bool { return f.Pos.File != l.name }
	if !slices.ContainsFunc(l.found, foreign) {
		return
	}
	known, ok := baseFindings(l.name, l.own.Extends.Value, opts)
	var out []Finding
	for _, f := range l.found {
		switch {
		case !foreign(f):
			out = append(out, f)
		case ok && !slices.ContainsFunc(known, func(k Finding) bool { return k.ID == f.ID && k.Pos == f.Pos && k.Msg == f.Msg }):
			out = append(out, l.atExtends(f))
		}
	}
	l.found = out
}

func (l *linter) atExtends(f Finding) Finding {
	at := &linter{name: l.name, lines: l.lines}
	moved := at.reportWhole(f.ID, l.own.Extends, "%s", fmt.Sprintf("%s (at %s)", f.Msg, f.Pos))
	moved.Hint = f.Hint
	return *moved
}

// baseFindings answers what is odd about the file that another extends, comments
// aside. ok is false where that cannot be told.
func baseFindings(from, name string, opts Options) (found []Finding, ok bool) {
	file, src, err := readBase(from, name, opts)
	if err != nil {
		return nil, false
	}
	l, err := newLinter(file, src, opts)
	if err != nil {
		return nil, false
	}
	l.run()
	return l.found, true
}

// readBase finds the file that an extends names, as mapping.Compile does.
func readBase(from, name string, opts Options) (file string, src []byte, err error) {
	if opts.ReadFile != nil {
		file = name
		if !path.IsAbs(name) {
			file = path.Join(path.Dir(from), name)
		}
		if src, err = opts.ReadFile(file); err == nil {
			return file, src, nil
		}
	}
	src, err = mapping.ReadPack(name)
	return name, src, err
}
