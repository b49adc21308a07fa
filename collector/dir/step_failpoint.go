//go:build failpoint

package dir

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
)

var steps atomic.Int64

// step kills the process, as by SIGKILL, at the step whose number stands in the
// environment, and appends the steps it has passed to a file if one is named.
func step(name string) {
	n := steps.Add(1)
	if path := os.Getenv("ASA2UDM_FAILPOINT_LOG"); path != "" {
		if f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err == nil {
			fmt.Fprintf(f, "%d %s\n", n, name)
			f.Close()
		}
	}
	if at, err := strconv.ParseInt(os.Getenv("ASA2UDM_FAILPOINT"), 10, 64); err == nil && at == n {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
