// Package lint finds what is odd about a rule file though it compiles: patterns
// that match more than was meant, events that Google SecOps refuses, rules that
// never apply.
//
// Check is the way in, Fix repairs what is certain, Kinds lists what is looked
// for; docs/lint.md explains each kind with an example. WriteText and WriteSARIF
// write findings down, and a Finding knows its JSON form. A finding that is as it
// should be is silenced in the rule file, with the reason:
//
//	# lint:ignore substring-trap the vendor's table has it so
//
// Nothing in the package has state, so any number of goroutines may use it.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/asa2udm/asa2udm/mapping"
)

// Severity says how much a finding matters.
type Severity uint8

// The severities. An Error gives events that Google SecOps refuses; a Warning is
// most likely a mistake; an Info could be written better.
const (
	Info Severity = iota + 1
	Warning
	Error
)

// String answers "info", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "info"
}

// Finding is one thing that is odd about a rule file.
type Finding struct {
	ID       string // of its Kind, or CompileID
	Severity Severity
	Pos      mapping.Pos
	EndCol   int    // column behind the place, in bytes from 1, on the same line; 0 where it is not known
	Msg      string // lower case, no full stop, input quoted with %q
	Hint     string // the next thing to try; may be empty
	Source   string // the line of the rule file; may be empty
	Fix      []Edit // what repairs it with no change of meaning; nil where that is not certain
}

// Options changes how a rule file is read. The zero value is right for most.
type Options struct {
	// ReadFile finds the file that extends names, as mapping.Options has it.
	ReadFile func(name string) ([]byte, error)
}

// Check answers what is odd about a rule file, in the order of the file, without
// what its lint:ignore comments silence. A file that extends another is looked
// at as a whole, but what is odd about the other alone is not repeated. name
// stands in messages. A file that does not compile comes back as the
// mapping.ErrorList that mapping.Compile answers.
func Check(name string, src []byte, opts Options) ([]Finding, error) {
	l, err := newLinter(name, src, opts)
	if err != nil {
		return nil, err
	}
	l.run()
	l.leaveBase(opts)
	l.ignores()
	return sorted(l.found), nil
}

// linter holds what is known about one rule file.
type linter struct {
	name   string
	src    []byte
	lines  []string
	own    *mapping.Ruleset // the file alone
	rules  *mapping.Ruleset // with the files it extends
	exprs  *exprParser
	writes []*write
	reads  []read // all paths that conditions read
	paths  *pathNode
	found  []Finding
}

func newLinter(name string, src []byte, opts Options) (*linter, error) {
	p, err := mapping.Compile(name, src, mapping.Options{ReadFile: opts.ReadFile})
	if err != nil {
		return nil, err
	}
	own, err := mapping.Parse(name, src)
	if err != nil {
		return nil, err
	}
	l := &linter{name: name, src: src, lines: strings.Split(string(src), "\n"), own: own, rules: p.Ruleset()}
	if l.exprs, err = newExprParser(l.rules.Conditions); err != nil {
		return nil, fmt.Errorf("cannot set up CEL: %w", err)
	}
	l.model()
	return l, nil
}

// run looks for every kind.
func (l *linter) run() {
	for _, check := range checks() {
		check(l)
	}
}

// report adds a finding. Its severity is that of its kind.
func (l *linter) report(id string, pos mapping.Pos, format string, args ...any) *Finding {
	f := Finding{ID: id, Severity: severityOf(id), Pos: pos, Msg: fmt.Sprintf(format, args...)}
	if pos.File == l.name && pos.Line >= 1 && pos.Line <= len(l.lines) {
		f.Source = strings.TrimSuffix(l.lines[pos.Line-1], "\r")
	}
	l.found = append(l.found, f)
	return &l.found[len(l.found)-1]
}

// reportText adds a finding about the bytes from..to of a text.
func (l *linter) reportText(id string, t mapping.Text, from, to int, format string, args ...any) *Finding {
	f := l.report(id, t.At(from), format, args...)
	if end := t.At(to); end.Line == f.Pos.Line && end.Col > f.Pos.Col {
		f.EndCol = end.Col
	}
	return f
}

// reportWhole adds a finding about all of a text.
func (l *linter) reportWhole(id string, t mapping.Text, format string, args ...any) *Finding {
	return l.reportText(id, t, 0, len(t.Value), format, args...)
}

// sorted answers the findings in the order of the file, each once: a block that
// is used twice is looked at twice.
func sorted(found []Finding) []Finding {
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.CompactFunc(found, func(a, b Finding) bool {
		return a.Pos == b.Pos && a.ID == b.ID && a.Msg == b.Msg
	})
}
