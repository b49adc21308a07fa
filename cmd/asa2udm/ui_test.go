package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestBrokenPipe checks that only a reader of the standard output may go without a
// word: a connection that breaks is a fault.
func TestBrokenPipe(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		code int
	}{
		{"stdout", &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, exitOK},
		{"another pipe", &fs.PathError{Op: "write", Path: "rejects", Err: syscall.EPIPE}, exitCannot},
		{"a connection", &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}, exitCannot},
		{"a full disk", &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}, exitCannot},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			code := exitCode(newUI(strings.NewReader(""), nil, &stderr), fmt.Errorf("write events: %w", tt.err))
			if code != tt.code || (stderr.Len() > 0) != (code == exitCannot) {
				t.Errorf("got code %d and %q, want %d", code, &stderr, tt.code)
			}
		})
	}
}
