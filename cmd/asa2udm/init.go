package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/draft"
)

func newInitCommand(u *ui) *cobra.Command {
	var logType string
	cmd := &cobra.Command{
		Use:                   "init [flags] SAMPLE...",
		DisableFlagsInUseLine: true,
		Short:                 "Propose a rule file for sample records",
		Long: `Reads sample records (NDJSON, .gz, ASA pages, JSON arrays, or - for stdin) and
writes a rule file that compiles as it stands: the time of the event is found,
and every source path is listed with types, counts, examples and, where there is
a clue, a rule in a comment. Examples that look like secrets are masked.`,
		Example: `  $ asa2udm init --log-type ACME_VPN sample.ndjson > acme.yaml
  $ asa2udm check acme.yaml && asa2udm --rules acme.yaml sample.ndjson`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 fine, 1 no records or no time found, 2 could not run.`},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && isTerminal(u.stdin) {
				return hinted(errors.New("no sample named"), "asa2udm init sample.ndjson > my.yaml")
			}
			return runInit(cmd.Context(), u, draft.Options{LogType: logType}, args)
		},
	}
	cmd.Flags().StringVar(&logType, "log-type", "", "Chronicle log type `NAME` of the records")
	return cmd
}

func runInit(ctx context.Context, u *ui, opts draft.Options, args []string) error {
	all, err := u.inputs(args)
	if err != nil {
		return err
	}
	survey := &draft.Survey{}
	records := 0
	for _, in := range all {
		found, err := u.readSample(ctx, survey, in)
		if err != nil {
			return err
		}
		records += found.Records
	}
	if records == 0 {
		u.logf("no records in the samples: want JSON objects, one a line")
		return errFindings
	}
	out, err := survey.RuleFile(opts)
	var noTime *draft.NoTimeError
	switch {
	case errors.As(err, &noTime):
		u.logf("%v", noTime)
		u.hintf("write the time in one of these forms before it gets here, for instance with jq, and try again")
		return errFindings
	case err != nil:
		return err
	}
	_, err = u.stdout.Write(out)
	return err
}

// readSample adds one input to the survey, and says what in it was not as map
// wants it.
func (u *ui) readSample(ctx context.Context, survey *draft.Survey, in input) (draft.Reading, error) {
	var read atomic.Int64
	r, err := in.open(ctx, u, &read)
	if err != nil {
		return draft.Reading{}, err
	}
	defer r.Close()
	found, err := survey.Read(r)
	if err != nil {
		return found, err
	}
	if found.Bad > 0 {
		u.logf("%s: left out what is no JSON object: %s, the first at line %d", in.name, count(found.Bad, "text"), found.FirstBad)
	}
	if found.Arrays {
		u.logf("%s: the records stand in a JSON array; map wants one a line", in.name)
		u.hintf("jq -c '.[]' %s > sample.ndjson", in.name)
	}
	return found, nil
}
