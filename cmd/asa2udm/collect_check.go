package main

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/asa2udm/asa2udm/collector/secops"
)

// checkCollect proves what a run needs, one thing after the other, and collects
// nothing. Each failure is printed with its cure.
func checkCollect(ctx context.Context, u *ui, f *collectFlags, s *collectSettings) error {
	if err := s.readSecret(ctx); err != nil {
		return checkFailed(u, s, "key", err)
	}
	w, err := s.open(ctx, u)
	if err != nil {
		return checkFailed(u, s, "settings", err)
	}
	defer w.close()
	// Somebody waits for the answer.
	w.client.Retry.Attempts = 2
	failed := false
	for _, step := range checkSteps(w) {
		said, err := step.do(ctx, w, s)
		if err != nil {
			failed = true
			_ = checkFailed(u, s, step.name, err) // has been printed; the next step may fail for another reason
			if step.name == "key" {
				break
			}
			continue
		}
		fmt.Fprintf(u.stdout, "ok    %-9s %s\n", step.name, said)
	}
	if failed {
		return errFindings
	}
	return nil
}

// checkStep proves one thing and says what.
type checkStep struct {
	name string
	do   func(context.Context, *collectWork, *collectSettings) (string, error)
}

func checkSteps(w *collectWork) []checkStep {
	steps := []checkStep{{"settings", checkSettings}, {"storage", checkStorage}, {"state", checkState}}
	if w.secops != nil {
		steps = append(steps, checkStep{"secops", checkSecOps})
	}
	return append(steps, checkStep{"key", checkKey}, checkStep{"role", checkRole})
}

func checkFailed(u *ui, s *collectSettings, name string, err error) error {
	if errors.Is(err, errReported) {
		return err
	}
	fmt.Fprintf(u.stdout, "fail  %-9s %v\n", name, err)
	hint := collectHint(err, s)
	var h *hintError
	if errors.As(err, &h) {
		hint = h.hint
	}
	if hint != "" {
		fmt.Fprintf(u.stdout, "      %-9s cure: %s\n", "", hint)
	}
	return errFindings
}

func checkSettings(_ context.Context, w *collectWork, s *collectSettings) (string, error) {
	said := fmt.Sprintf("%s into %s", w.source.Name(), s.destination())
	if s.rules != "" {
		said += ", normalised by " + s.rules
	}
	return said, nil
}

func checkStorage(ctx context.Context, w *collectWork, s *collectSettings) (string, error) {
	prefixes := []string{s.layout.Raw, s.layout.Manifest}
	if s.rules != "" {
		prefixes = append(prefixes, s.layout.UDM, s.layout.Rejects)
	}
	if w.secops != nil {
		prefixes = append(prefixes, secops.Prefixes()...)
	}
	for _, prefix := range prefixes {
		if err := w.objects.Bucket.Check(ctx, prefix); err != nil {
			return "", err
		}
	}
	folder := ""
	if d := path.Dir(w.collector.State.Name); d != "." {
		folder = d + "/"
	}
	return s.out.String() + " can be written", w.collector.State.Bucket.Check(ctx, folder)
}

func checkState(ctx context.Context, w *collectWork, s *collectSettings) (string, error) {
	said, err := w.collector.CheckState(ctx)
	return fmt.Sprintf("%s: %s", s.state, said), err
}

func checkKey(ctx context.Context, w *collectWork, s *collectSettings) (string, error) {
	return "API key " + s.asa.KeyID + " is accepted", w.source.Authenticate(ctx)
}

func checkRole(ctx context.Context, w *collectWork, _ *collectSettings) (string, error) {
	return "the audit log can be read", w.source.Check(ctx)
}
