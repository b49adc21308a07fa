package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"

	"golang.org/x/term"
)

// The output rules, for every command: data goes to stdout, all else to stderr
// behind "asa2udm:"; hints stand on lines of their own; colour and progress are
// for terminals only, and NO_COLOR is honoured.

// Exit codes. A command stopped by SIGINT or SIGTERM ends with 130 or 143, as
// shells have it.
const (
	exitOK       = 0
	exitFindings = 1 // rejected records, failed tests, violations, lint findings
	exitCannot   = 2 // the command could not do its work
)

// errFindings ends a command with exitFindings. The command has already said
// what it found, so nothing more is printed.
var errFindings = errors.New("findings")

// errReported ends a command with exitCannot when it has already said why.
var errReported = errors.New("reported")

// hintError adds the next thing to try to an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// hinted gives err a hint, unless the hint is empty.
func hinted(err error, format string, args ...any) error {
	if hint := fmt.Sprintf(format, args...); hint != "" {
		return &hintError{err, hint}
	}
	return err
}

// ui is what a command may talk to. Commands never touch os.Stdin, os.Stdout
// or os.Stderr themselves. Its methods may be called by several goroutines.
type ui struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	mu     sync.Mutex
	status bool // a status line stands on the terminal
}

func newUI(stdin io.Reader, stdout, stderr io.Writer) *ui {
	return &ui{stdin: stdin, stdout: stdout, stderr: stderr}
}

// logf writes one line to stderr.
func (u *ui) logf(format string, args ...any) {
	u.printf("asa2udm: "+format+"\n", args...)
}

// hintf writes the next thing to try to stderr.
func (u *ui) hintf(format string, args ...any) {
	u.printf("asa2udm: hint: "+format+"\n", args...)
}

// printf writes to stderr, in place of the status line if there is one.
func (u *ui) printf(format string, args ...any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.eraseStatus()
	fmt.Fprintf(u.stderr, format, args...)
}

// setStatus shows one line at the foot of the terminal; "" takes it away. The
// caller sees to it that stderr is a terminal.
func (u *ui) setStatus(line string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.eraseStatus()
	if line != "" {
		fmt.Fprint(u.stderr, line)
		u.status = true
	}
}

func (u *ui) eraseStatus() {
	if u.status {
		fmt.Fprint(u.stderr, "\r\x1b[K")
		u.status = false
	}
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
	err := root.ExecuteContext(ctx)
	if stop := (*stopError)(nil); errors.Is(err, context.Canceled) && errors.As(context.Cause(ctx), &stop) {
		err = stop
	}
	return exitCode(u, err)
}

// stdoutClosed reports whether the reader of the standard output has gone, as in
// "| head -1": it has all it wanted, so this is no fault worth a word. Any other pipe,
// or a connection, that breaks gives the same number and is one.
func stdoutClosed(err error) bool {
	var failed *fs.PathError
	return errors.As(err, &failed) && failed.Path == os.Stdout.Name() && errors.Is(failed, syscall.EPIPE)
}

// exitCode prints err, if it has anything to say, and answers the exit code.
func exitCode(u *ui, err error) int {
	var stop *stopError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.Is(err, errReported):
		return exitCannot
	case stdoutClosed(err):
		return exitOK
	case errors.As(err, &stop):
		u.logf("%v", err)
		return stop.code()
	}
	u.logf("%v", err)
	var h *hintError
	if errors.As(err, &h) {
		u.hintf("%s", h.hint)
	}
	return exitCannot
}
