// Command asa2udm collects Okta Advanced Server Access audit events and maps
// them to Google SecOps UDM with a declarative rule file.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

func main() {
	// Without this, Go ends a program whose standard output is closed. A command
	// that has the error instead can still put its other files in order.
	signal.Ignore(syscall.SIGPIPE)
	// net/http tells the standard logger of answers that break the protocol, their
	// bytes included, and those may be a token. Our own logs do not go through it.
	log.SetOutput(io.Discard)
	if os.Getenv("GOGC") == "" {
		collectEarly()
	}
	os.Exit(run(watchSignals(context.Background()), os.Args[1:], newUI(os.Stdin, os.Stdout, os.Stderr)))
}

// collectEarly sets how much garbage there may be. The program lives on few, reused
// buffers: collecting early costs next to no time and keeps the memory small. Only
// the first time comes later, at 8 MiB: for one record, to compile its rules and
// to collect what that leaves behind would take as long as all the rest.
func collectEarly() {
	debug.SetGCPercent(300)
	runtime.AddCleanup(new(*int), func(percent int) { debug.SetGCPercent(percent) }, 40)
}

// watchSignals gives a context that ends, with a stopError as its cause, at the
// first SIGINT or SIGTERM. The second one ends the program at once.
func watchSignals(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		stop := &stopError{syscall.SIGINT}
		if <-signals == syscall.SIGTERM {
			stop.signal = syscall.SIGTERM
		}
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		cancel(stop)
	}()
	return ctx
}

// stopError ends a command that was told to stop.
type stopError struct{ signal syscall.Signal }

func (e *stopError) Error() string { return "stopped by " + e.name() }

func (e *stopError) name() string {
	if e.signal == syscall.SIGTERM {
		return "SIGTERM"
	}
	return "SIGINT"
}

// code is the exit code that shells give a program ended by the signal.
func (e *stopError) code() int { return 128 + int(e.signal) }
