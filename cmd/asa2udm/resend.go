package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
)

// resendFlags are the settings of the command resend. Where to send is not among
// them: the notes at the spool say it.
type resendFlags struct {
	rules     string
	dryRun    bool
	json      bool
	endpoint  string
	forwarder string
	caFile    string
}

func newResendCommand(u *ui) *cobra.Command {
	f := &resendFlags{}
	cmd := &cobra.Command{
		Use:   "resend DIR|gs://bucket/prefix...",
		Short: "Send events again that Google SecOps has refused",
		Long: `Pushes the dead letters of a spool again, under the ids that they had, to where
collect has pushed them. What is accepted is marked and not sent once more; what
is refused stays, with the words of now.`,
		Example: `  $ asa2udm resend --dry-run ./spool
  $ asa2udm resend --rules my.yaml gs://example-logs/asa`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 nothing is left, 1 something was refused, 2 could not send.`},
		Args:        cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runResend(cmd.Context(), u, f, args)
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.rules, "rules", "", "map records to UDM again, by `FILE` or a shipped pack")
	set.BoolVar(&f.dryRun, "dry-run", false, "list what would be sent, with the words about it")
	set.BoolVar(&f.json, "json", false, "write the result as JSON")
	set.StringVar(&f.endpoint, "secops-endpoint", "", "`URL` of the API (default that of the location)")
	set.StringVar(&f.forwarder, "secops-forwarder", "", "`ID` of the forwarder to push raw lines as")
	set.StringVar(&f.caFile, "ca-file", "", "trust the certificates in `FILE`, too")
	return cmd
}

// resendResult is what --json writes, a line for each spool.
type resendResult struct {
	Spool string `json:"spool"`
	secops.Resent
	DryRun  bool          `json:"dry_run,omitempty"`
	Refused []secops.Left `json:"events"`
	Error   string        `json:"error,omitempty"`
}

func runResend(ctx context.Context, u *ui, f *resendFlags, spools []string) error {
	if err := secops.CheckEndpoint(f.endpoint); err != nil {
		return fmt.Errorf("--secops-endpoint: %w", err)
	}
	var rules collector.Normalizer
	if f.rules != "" {
		var err error
		if rules, err = newNormalizer(u, f.rules); err != nil {
			return err
		}
	}
	left := 0
	for _, spool := range spools {
		r, err := f.resend(ctx, u, spool, rules)
		if err != nil {
			return hinted(fmt.Errorf("%s: %w", spool, err), "%s", resendHint(err))
		}
		left += r.Left
	}
	if left > 0 && !f.dryRun {
		return errFindings
	}
	return nil
}

// resend sends the dead letters of one spool, and tells what has come of it.
func (f *resendFlags) resend(ctx context.Context, u *ui, spool string, rules collector.Normalizer) (resendResult, error) {
	result := resendResult{Spool: spool, DryRun: f.dryRun, Refused: []secops.Left{}}
	failed := f.send(ctx, u, &result, rules)
	if failed != nil {
		result.Error = failed.Error()
	}
	if f.json {
		if err := json.NewEncoder(u.stdout).Encode(result); err != nil {
			return result, errors.Join(failed, err)
		}
	}
	u.resent(result)
	return result, failed
}

func (f *resendFlags) send(ctx context.Context, u *ui, result *resendResult, rules collector.Normalizer) error {
	bucket, err := f.open(ctx, result.Spool)
	if err != nil {
		return err
	}
	defer bucket.Close()
	work := &secops.Resend{Bucket: bucket, Connect: f.connect, Identify: identifyCollected, Normalize: rules, DryRun: f.dryRun, Left: func(l secops.Left) {
		result.Refused = append(result.Refused, l)
		if !f.json {
			fmt.Fprintf(u.stdout, "%s: event %d: %s\n", l.Letters, l.Index, l.Reason)
		}
	}}
	result.Resent, err = work.Run(ctx)
	return err
}

// open opens a spool that must be there.
func (f *resendFlags) open(ctx context.Context, spool string) (collector.Bucket, error) {
	p, err := parseLocation(spool)
	if err != nil {
		return nil, err
	}
	b, err := openToRead(ctx, p)
	if err != nil || f.dryRun {
		return b, err
	}
	if err := b.Close(); err != nil {
		return nil, err
	}
	return openBucket(ctx, p)
}

func (f *resendFlags) connect(i secops.Instance) (*secops.Client, error) {
	return secops.New(secops.Config{Instance: i, Endpoint: f.endpoint, Forwarder: f.forwarder, CAFile: f.caFile, UserAgent: "asa2udm/" + version()})
}

// rejects tells of records that the rules reject, if there are any.
func (r *resendResult) rejects() string {
	if r.Rejected == 0 {
		return ""
	}
	return fmt.Sprintf("; the rules reject %s", count(r.Rejected, "record"))
}

func (u *ui) resent(r resendResult) {
	switch {
	case r.Error != "":
		if r.Letters > 0 && !r.DryRun {
			u.logf("accepted %s in %s, by %s, before this:", count(r.Accepted, "dead letter"), r.Spool, count(r.Requests, "request"))
		}
	case r.DryRun && r.Letters > 0:
		u.logf("%s in %s would be sent again%s", count(r.Letters-r.Rejected, "dead letter"), r.Spool, r.rejects())
	case r.Nothing:
		u.logf("nothing was pushed from %s", r.Spool)
		u.hintf("give what --spool names, and with --config SPOOL/TENANT/SERVICE")
	case r.Letters == 0:
		u.logf("there are no dead letters in %s", r.Spool)
	default:
		u.logf("accepted %d of %s in %s, by %s%s", r.Accepted, count(r.Letters, "dead letter"), r.Spool, count(r.Requests, "request"), r.rejects())
	}
}

// resendHint names the cure for an error of resend. What helps a run of collect to
// go on helps here, too; but there is no next run.
func resendHint(err error) string {
	var status *rest.StatusError
	errors.As(err, &status)
	switch {
	case errors.Is(err, secops.ErrRequest) && status != nil && status.Status != http.StatusNotImplemented:
		return "the words tell why; what was accepted is marked; run this again once it is cured"
	case errors.Is(err, secops.ErrUnavailable):
		return "what was accepted is marked; run this again"
	case errors.Is(err, secops.ErrSpool), errors.Is(err, collector.ErrForeign):
		return "restore the object from a copy"
	}
	if hint := secopsHint(err); hint != "" {
		return hint
	}
	return storageHint(err)
}
