package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Pos is a place in a rule file. Line and Col count from 1; Col counts bytes.
// The zero Pos means that no place is known.
type Pos struct {
	File      string
	Line, Col int
}

// String answers file:line:col.
func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// from answers p for somebody who looks at o: the file is named if it is another.
func (p Pos) from(o Pos) string {
	if p.File == o.File {
		return fmt.Sprintf("line %d", p.Line)
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// Error is one fault in a rule file, or one warning about it.
type Error struct {
	Pos     Pos
	Msg     string // lower case, no full stop, input quoted with %q
	Hint    string // the next thing to try; may be empty
	Source  string // the line of the rule file the fault is in; may be empty
	Warning bool   // the file compiles all the same
}

// Error answers the fault in one line: file:line:col: message.
func (e *Error) Error() string {
	if e.Warning {
		return fmt.Sprintf("%s: warning: %s", e.Pos, e.Msg)
	}
	return fmt.Sprintf("%s: %s", e.Pos, e.Msg)
}

// Frame answers the fault for people: its line, the source line, a caret under
// the place, and the hint.
func (e *Error) Frame() string {
	var b strings.Builder
	b.WriteString(e.Error())
	if e.Source != "" && e.Pos.Col > 0 {
		caret := min(e.Pos.Col-1, len(e.Source))
		fmt.Fprintf(&b, "\n    %s\n    %s^", e.Source, blanks(e.Source[:caret]))
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, "\n    hint: %s", e.Hint)
	}
	return b.String()
}

// blanks answers white space as wide as s, so that a caret stands under the
// right character whatever tabs and multi-byte characters come before it.
func blanks(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\t':
			b.WriteByte('\t')
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case isWide(r):
			b.WriteString("  ")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// isWide reports whether terminals give a character two columns.
func isWide(r rune) bool {
	return 0x1100 <= r && r <= 0x115f || 0x2e80 <= r && r <= 0xa4cf || 0xac00 <= r && r <= 0xd7a3 || 0xf900 <= r && r <= 0xfaff ||
		0xfe30 <= r && r <= 0xfe6f || 0xff00 <= r && r <= 0xff60 || 0xffe0 <= r && r <= 0xffe6 || 0x1f300 <= r && r <= 0x1faff || 0x20000 <= r && r <= 0x3fffd
}

// ErrorList is every fault found in a rule file, in the order of the file.
type ErrorList []*Error

// Error answers all faults, one a line.
func (l ErrorList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single faults.
func (l ErrorList) Unwrap() []error {
	errs := make([]error, len(l))
	for i, e := range l {
		errs[i] = e
	}
	return errs
}

// faults gathers what is wrong with a rule file, so that one fault never hides
// the next.
type faults struct {
	files map[string][]string // lines by file name, for Error.Source
	list  ErrorList
}

func (f *faults) addSource(file string, src []byte) {
	if f.files == nil {
		f.files = make(map[string][]string)
	}
	f.files[file] = strings.Split(string(src), "\n")
}

func (f *faults) errorf(pos Pos, format string, args ...any) *Error {
	e := &Error{Pos: pos, Msg: fmt.Sprintf(format, args...)}
	if lines := f.files[pos.File]; pos.Line >= 1 && pos.Line <= len(lines) {
		e.Source = strings.TrimSuffix(lines[pos.Line-1], "\r")
	}
	f.list = append(f.list, e)
	return e
}

func (f *faults) warnf(pos Pos, format string, args ...any) *Error {
	e := f.errorf(pos, format, args...)
	e.Warning = true
	return e
}

// split answers the errors and the warnings, each in the order of the file and
// each fault once.
func (f *faults) split() (errs, warnings ErrorList) {
	slices.SortStableFunc(f.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	seen := make(map[string]bool)
	for _, e := range f.list {
		if line := e.Error(); seen[line] {
			continue
		} else {
			seen[line] = true
		}
		if e.Warning {
			warnings = append(warnings, e)
		} else {
			errs = append(errs, e)
		}
	}
	return errs, warnings
}
