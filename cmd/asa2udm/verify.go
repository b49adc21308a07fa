package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa"
	"github.com/asa2udm/asa2udm/collector/okta"
)

// verifyFlags are the settings of the command verify.
type verifyFlags struct {
	state     string
	noState   bool
	foreignOK bool
	json      bool
}

func newVerifyCommand(u *ui) *cobra.Command {
	f := &verifyFlags{}
	cmd := &cobra.Command{
		Use:   "verify DIR|gs://bucket/prefix",
		Short: "Prove that what was collected is complete and untouched",
		Long: `Reads all that collect has written, and its manifests: no gap, no duplicate, no
altered and no foreign object. Whether the last objects are there is told by the
state. It needs no key and calls no API.`,
		Example: `  $ asa2udm verify ./data
  $ asa2udm verify gs://example-logs/okta-asa`,
		Annotations: map[string]string{helpNote: `Exit codes: 0 all is well, 1 something is wrong, 2 could not read.`},
		Args:        cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runVerify(cmd.Context(), u, f, args[0])
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.state, "state", "", "where the state `FILE` is, if not in its usual place")
	set.BoolVar(&f.noState, "no-state", false, "do without a state, and with that of a loss at the end")
	cmd.MarkFlagsMutuallyExclusive("state", "no-state")
	set.BoolVar(&f.foreignOK, "foreign-ok", false, "allow objects of other names in between")
	set.BoolVar(&f.json, "json", false, "write the result as JSON")
	return cmd
}

// verifyResult is what --json writes.
type verifyResult struct {
	OK bool `json:"ok"`
	collector.Verification
	Findings []collector.Finding `json:"findings"`
}

func runVerify(ctx context.Context, u *ui, f *verifyFlags, address string) error {
	p, err := parseLocation(address)
	if err != nil {
		return err
	}
	bucket, layout, state, err := findCollected(ctx, p)
	if err != nil {
		return err
	}
	defer bucket.Close()
	text, err := readState(ctx, f, bucket, state)
	if err != nil {
		return err
	}
	result := verifyResult{Findings: []collector.Finding{}}
	report := func(found collector.Finding) {
		if found.Foreign && f.foreignOK {
			return
		}
		result.Findings = append(result.Findings, found)
		if !f.json {
			fmt.Fprintf(u.stdout, "%s: %s\n", found.Object, found.Fault)
		}
	}
	result.Verification, err = collector.Verify(ctx, &collector.Objects{Bucket: bucket, Layout: layout, Identify: identifyCollected}, text, report)
	if err != nil {
		return err
	}
	if text == nil && (result.Batches > 0 || result.Unfinished > 0) {
		if !f.noState {
			report(collector.Finding{Object: state, Fault: "it is missing: a loss at the end would not be seen"})
			u.hintf("name the state with --state, or do without it with --no-state")
		} else {
			u.logf("without a state a loss at the end is not seen")
		}
	}
	result.OK = len(result.Findings) == 0
	if f.json {
		if err := json.NewEncoder(u.stdout).Encode(result); err != nil {
			return err
		}
	}
	return u.verified(result)
}

// identifyCollected reads a line of any source.
func identifyCollected(line []byte) collector.Record {
	if rec, ok := okta.Record(line); ok {
		return rec
	}
	return asa.Record(line)
}

func (u *ui) verified(r verifyResult) error {
	if r.Unfinished > 0 {
		u.logf("batch %d was not finished; the next run of collect will finish it", r.Unfinished)
	}
	if !r.OK {
		u.logf("%s in %s of %s", count(len(r.Findings), "finding"), count(r.Records, "event"), count(r.Batches, "object"))
		return errFindings
	}
	if r.Batches == 0 {
		u.logf("nothing was collected here")
		return nil
	}
	u.logf("%s in %s, complete and untouched; chain %s", count(r.Records, "event"), count(r.Batches, "object"), r.Chain)
	return nil
}

// findCollected tells the two layouts apart by where the manifests lie.
func findCollected(ctx context.Context, p location) (collector.Bucket, collector.Layout, string, error) {
	if p.bucket != "" && p.path != "" {
		whole, err := openToRead(ctx, location{bucket: p.bucket})
		if err != nil {
			return nil, collector.Layout{}, "", err
		}
		layout := collector.FeedLayout(p.path)
		for _, err := range whole.List(ctx, layout.Manifest, "") {
			if err != nil {
				return nil, collector.Layout{}, "", errors.Join(err, whole.Close())
			}
			return whole, layout, layout.StateName(), nil
		}
		if err := whole.Close(); err != nil {
			return nil, collector.Layout{}, "", err
		}
	}
	b, err := openToRead(ctx, p)
	return b, collector.RootLayout(), collector.RootLayout().StateName(), err
}

// readState answers the state's text, nil for none: there is nothing then to
// notice a loss at the end by.
func readState(ctx context.Context, f *verifyFlags, bucket collector.Bucket, name string) ([]byte, error) {
	if f.noState {
		return nil, nil
	}
	if f.state != "" {
		p, err := parseLocation(f.state)
		if err != nil {
			return nil, fmt.Errorf("--state: %w", err)
		}
		var folder location
		folder, name = p.split()
		if bucket, err = openToRead(ctx, folder); err != nil {
			return nil, err
		}
		defer bucket.Close()
	}
	text, _, err := bucket.Read(ctx, name)
	if errors.Is(err, collector.ErrNotExist) && f.state == "" {
		return nil, nil
	}
	return text, err
}
