package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/collector"
)

// Alerts count lines with severity ERROR. Two runs that met are none, unless the log
// would not tell of them at all.
func TestSeverityOfFailure(t *testing.T) {
	conflict := hinted(fmt.Errorf("collect: %w", collector.ErrConflict), "wait")
	for name, tc := range map[string]struct {
		level string
		err   error
		want  string
	}{
		"conflict":           {"info", conflict, "WARNING"},
		"conflict and quiet": {"error", conflict, "ERROR"},
		"anything else":      {"info", errors.New("no network"), "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs strings.Builder
			log, err := newCollectLog(newUI(strings.NewReader(""), &out, &errs), tc.level, "json")
			if err != nil {
				t.Fatal(err)
			}
			if err := log.fail(t.Context(), "collect failed", tc.err); !errors.Is(err, errReported) {
				t.Errorf("error %v, want one that is reported", err)
			}
			if !strings.Contains(errs.String(), `"severity":"`+tc.want+`"`) {
				t.Errorf("logged %s, want severity %s", errs.String(), tc.want)
			}
		})
	}
}
