package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/mapping"
	"github.com/asa2udm/asa2udm/udm"
)

type validateFlags struct {
	json, strict bool
	maxEvent     byteSize
}

// defaultMaxEvent leaves room for rules that write one text to several fields.
const defaultMaxEvent = 4 * mapping.DefaultMaxRecord

func newValidateCommand(u *ui) *cobra.Command {
	f := &validateFlags{maxEvent: defaultMaxEvent}
	cmd := &cobra.Command{
		Use:                   "validate [flags] [FILE...]",
		DisableFlagsInUseLine: true,
		Short:                 "Check UDM events of any origin",
		Long: `Checks UDM events in JSON, one a line or indented, against the UDM schema and
the rules of their event type. They may be bare, in a list, or wrapped as Google
SecOps has them: {"udm":{}}, {"event":{"idm":{"readOnlyUdm":{}}}}, {"events":[]}`,
		Example:     `  $ asa2udm audit.ndjson | asa2udm validate --strict`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 no errors, 1 errors (--strict: or warnings), 2 could not run.`},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && isTerminal(u.stdin) {
				u.logf("reading events from the terminal; end with Ctrl-D")
			}
			return runValidate(cmd.Context(), u, f, args)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "answer each violation as one line of JSON")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "let warnings count as errors")
	cmd.Flags().Var(&f.maxEvent, "max-event", "the longest event that is taken")
	return cmd
}

// violationLine is one violation as JSON.
type violationLine struct {
	File     string `json:"file"`
	Line     int64  `json:"line"`
	Path     string `json:"path"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// validateRun is one run of the command.
type validateRun struct {
	ui               *ui
	flags            *validateFlags
	out              *bufio.Writer
	validator        udm.Validator
	progress         *progress
	stats            mapping.Stats // for progress
	errors, warnings int64
	read             atomic.Int64
}

func runValidate(ctx context.Context, u *ui, f *validateFlags, args []string) error {
	all, err := u.inputs(args)
	if err != nil {
		return err
	}
	v := &validateRun{ui: u, flags: f, out: bufio.NewWriter(u.stdout)}
	v.progress = newProgress(u, all, &v.read)
	for _, in := range all {
		if err = v.file(ctx, in); err != nil {
			break
		}
	}
	if v.progress != nil {
		v.progress.end()
	}
	if err := errors.Join(err, v.out.Flush()); err != nil {
		return err
	}
	u.logf("%s, %s, %s", count(v.stats.Records, "event"), count(v.errors, "error"), count(v.warnings, "warning"))
	if v.errors > 0 || f.strict && v.warnings > 0 {
		return errFindings
	}
	return nil
}

// file checks the events of one input.
func (v *validateRun) file(ctx context.Context, in input) error {
	r, err := in.open(ctx, v.ui, &v.read)
	if err != nil {
		return err
	}
	defer r.Close()
	events := newEventReader(r, int(v.flags.maxEvent))
	for ctx.Err() == nil {
		text, err := events.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := v.text(in.name, text); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func (v *validateRun) text(name string, text eventText) error {
	v.stats.BytesIn += int64(len(text.json))
	if text.size > 0 {
		v.stats.Records++
		return v.write(name, text.line, "", udm.Violation{Severity: udm.Error, Code: mapping.CodeSize,
			Message: fmt.Sprintf("the text is over the limit of %s bytes, which --max-event sets", grouped(int64(v.flags.maxEvent)))})
	}
	for _, event := range eventsIn(text.json) {
		v.stats.Records++
		for _, violation := range v.validator.Validate(event.json) {
			if err := v.write(name, text.line, event.path, violation); err != nil {
				return err
			}
		}
	}
	if v.progress != nil {
		v.progress.update(v.stats)
	}
	return nil
}

func (v *validateRun) write(name string, line int64, path string, violation udm.Violation) error {
	if violation.Severity == udm.Error {
		v.errors++
	} else {
		v.warnings++
	}
	violation.Path = joinPath(path, violation.Path)
	if !v.flags.json {
		_, err := fmt.Fprintf(v.out, "%s:%d: %s\n", name, line, violation)
		return err
	}
	enc := json.NewEncoder(v.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(violationLine{name, line, violation.Path, violation.Severity.String(), violation.Code, violation.Message})
}
