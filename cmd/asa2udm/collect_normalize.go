package main

import (
	"bytes"
	"context"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/mapping"
)

// newNormalizer compiles the rules that make UDM of what is collected.
func newNormalizer(u *ui, rules string) (collector.Normalizer, error) {
	parser, err := u.loadRules(rules, mapping.Options{})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, raw []byte) (udm, rejects []byte, err error) {
		var events, rejected bytes.Buffer
		events.Grow(len(raw))
		_, err = mapping.Stream(ctx, parser, bytes.NewReader(raw), &events, mapping.StreamOptions{Rejects: &rejected})
		return events.Bytes(), rejected.Bytes(), err
	}, nil
}
