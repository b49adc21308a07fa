package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/term"
)

// The output rules, for every command: data goes to stdout, all else to stderr
// behind "asa2udm:"; hints stand on lines of their own; colour and progress are
// for terminals only, and NO_COLOR is honoured.

// Exit codes.
const (
	exitOK       = 0
	exitFindings = 1 // rejected records, failed tests, violations, lint findings
	exitCannot   = 2 // the command could not do its work
)

// errFindings ends a command with exitFindings. The command has already said
// what it found, so nothing more is printed.
var errFindings = errors.New("findings")

// hintError adds the next thing to try to an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// ui is what a command may talk to. Commands never touch os.Stdin, os.Stdout
// or os.Stderr themselves.
type ui struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

func newUI(stdin io.Reader, stdout, stderr io.Writer) *ui {
	return &ui{stdin: stdin, stdout: stdout, stderr: stderr}
}

// logf writes one line to stderr.
func (u *ui) logf(format string, args ...any) {
	fmt.Fprintf(u.stderr, "asa2udm: "+format+"\n", args...)
}

// hintf writes the next thing to try to stderr.
func (u *ui) hintf(format string, args ...any) {
	fmt.Fprintf(u.stderr, "asa2udm: hint: "+format+"\n", args...)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colour reports whether w may be coloured.
func colour(w any) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// run executes one command line and answers its exit code.
func run(ctx context.Context, args []string, u *ui) int {
	root := newRootCommand(u)
	root.SetArgs(args)
	root.SetIn(u.stdin)
	root.SetOut(u.stdout)
	root.SetErr(u.stderr)
	return exitCode(u, root.ExecuteContext(ctx))
}

// exitCode prints err, if it has anything to say, and answers the exit code.
func exitCode(u *ui, err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, syscall.EPIPE):
		// The reader of our output has gone, as in "| head -1": it has all it
		// wanted, so this is no fault worth a word.
		return exitOK
	}
	u.logf("%v", err)
	var h *hintError
	if errors.As(err, &h) && h.hint != "" {
		u.hintf("%s", h.hint)
	}
	return exitCannot
}
