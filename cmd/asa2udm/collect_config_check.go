package main

import (
	"context"
	"fmt"

	"github.com/asa2udm/asa2udm/collector/secops"
)

// check proves what each service needs and collects nothing. Each failure is
// printed with its number and its cure.
func (fl *fleet) check(ctx context.Context) error {
	failed := false
	for _, j := range fl.jobs {
		if err := j.check(ctx, func(what string, err error) {
			if err == nil {
				fmt.Fprintf(fl.ui.stdout, "ok    %s: %s\n", j.name(), what)
				return
			}
			fmt.Fprintf(fl.ui.stdout, "fail  %s: %v\n      cure: %s\n", j.name(), err, numberCure(numberOf(err, true), err))
		}); err != nil {
			failed = true
		}
	}
	if failed {
		return errFindings
	}
	return nil
}

// check proves one thing after the other, up to the first that fails.
func (j *serviceJob) check(ctx context.Context, say func(what string, err error)) error {
	w, err := j.open(ctx)
	if err != nil {
		say("", numbered(err, true))
		return err
	}
	defer w.close()
	w.client.Retry.Attempts = 2 // somebody waits for the answer
	for _, step := range []struct {
		said string
		do   func() error
	}{
		{"the destination " + j.destination() + " can be used", func() error { return j.checkDestination(ctx, w) }},
		{"the credentials are accepted", func() error { return w.source.Authenticate(ctx) }},
		{w.source.Name() + " can be read", func() error { return w.source.Check(ctx) }},
	} {
		if err := step.do(); err != nil {
			say("", numbered(err, true))
			return err
		}
		say(step.said, nil)
	}
	if w.secops != nil {
		said, err := w.secops.Client.Check(ctx)
		say(said, numbered(err, true))
		if err != nil {
			return err
		}
	}
	said, err := w.collector.CheckState(ctx)
	say("state: "+said, numbered(err, true))
	return err
}

func (j *serviceJob) checkDestination(ctx context.Context, w *collectWork) error {
	for _, prefix := range []string{"", "seen/"} {
		if err := w.buckets[0].Check(ctx, prefix); err != nil {
			return err
		}
	}
	if w.devo != nil {
		return w.devo.Client.Check(ctx)
	}
	prefixes := []string{w.objects.Layout.Raw, w.objects.Layout.Manifest}
	if w.secops != nil {
		prefixes = append(prefixes, secops.Prefixes()...)
	}
	for _, prefix := range prefixes {
		if err := w.buckets[0].Check(ctx, prefix); err != nil {
			return err
		}
	}
	return nil
}
