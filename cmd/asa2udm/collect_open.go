package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa"
	"github.com/asa2udm/asa2udm/collector/devo"
	"github.com/asa2udm/asa2udm/collector/dir"
	"github.com/asa2udm/asa2udm/collector/gcs"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
)

// collectSource is a source that can prove its setup.
type collectSource interface {
	collector.Source
	// Now is the time by the server's clock.
	Now() time.Time
	// Authenticate proves the credentials.
	Authenticate(context.Context) error
	// Check proves that there may be read, and drops what it reads.
	Check(context.Context) error
}

// collectWork is what a run works with.
type collectWork struct {
	client    *rest.Client
	source    collectSource
	objects   *collector.Objects // nil where events go to Devo
	devo      *devo.Sink         // nil where they go elsewhere
	secops    *secops.Sink       // nil where objects are not pushed on
	collector *collector.Collector
	buckets   []collector.Bucket
}

func (w *collectWork) close() error {
	var errs []error
	for _, b := range w.buckets {
		errs = append(errs, b.Close())
	}
	return errors.Join(errs...)
}

// open makes all parts. ctx must last as long as the work.
func (s *collectSettings) open(ctx context.Context, u *ui) (w *collectWork, err error) {
	w = &collectWork{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if err := s.openSource(w); err != nil {
		return w, err
	}
	data, err := s.openPlace(ctx, w, s.out)
	if err != nil {
		return w, err
	}
	w.objects = &collector.Objects{
		Bucket: data, Layout: s.layout, Identify: w.source.Record, Gzip: s.gzip,
		AcceptUnverified: s.repair == "accept-unverified" || s.dryRun,
	}
	if s.rules != "" {
		if w.objects.Normalize, err = newNormalizer(u, s.rules); err != nil {
			return w, err
		}
	}
	state, err := s.openState(ctx, w, data)
	if err != nil {
		return w, err
	}
	w.collector = &collector.Collector{
		Source: w.source, Sink: w.objects, State: state, Stats: &collector.Stats{},
		Options: collector.Options{
			MaxRecords: s.maxRecords, BatchRecords: s.objectRecords, KeepPages: s.rawPages,
			Overlap: s.overlap, FromStart: s.repair == "from-start", Rebuild: s.repair == "rebuild-state",
			Log: s.log.Logger,
		},
	}
	// A dry run pushes nothing.
	if s.secops != nil && !s.dryRun {
		err = s.secops.push(w, s.log)
	}
	return w, err
}

func (s *collectSettings) openSource(w *collectWork) error {
	http, err := rest.NewHTTP(s.caFile, s.timeout)
	if err != nil {
		return err
	}
	w.client = &rest.Client{HTTP: http, UserAgent: "asa2udm/" + version()}
	config := s.asa
	config.KeySecret, config.Renew = s.keySecret.Value, s.secrets.Renewal(s.keySecret)
	config.Client, config.Log = w.client, s.log.Logger
	w.source, err = asa.New(config)
	return err
}

// openPlace opens a directory or a bucket; in a dry run one that is not written.
func (s *collectSettings) openPlace(ctx context.Context, w *collectWork, p location) (collector.Bucket, error) {
	open := openBucket
	if s.dryRun {
		open = openForDryRun
	}
	b, err := open(ctx, p)
	if err != nil {
		return nil, err
	}
	w.buckets = append(w.buckets, b)
	if s.dryRun {
		b = collector.DryRun(b)
	}
	return b, nil
}

// openBucket opens a place to write.
func openBucket(ctx context.Context, p location) (collector.Bucket, error) {
	if p.bucket == "" {
		b, err := dir.Open(p.path)
		if err != nil {
			return nil, fmt.Errorf("open the directory: %w", err)
		}
		return b, nil
	}
	return gcs.Open(ctx, p.bucket, p.path, gcs.Options{})
}

// openForDryRun opens a place as openBucket finds it, without making what is not there.
func openForDryRun(ctx context.Context, p location) (collector.Bucket, error) {
	if p.bucket == "" {
		return dir.OpenToRead(p.path)
	}
	return gcs.Open(ctx, p.bucket, p.path, gcs.Options{})
}

// openToRead opens a place that must exist, and changes nothing in it.
func openToRead(ctx context.Context, p location) (collector.Bucket, error) {
	if p.bucket == "" {
		return dir.OpenExisting(p.path)
	}
	return gcs.Open(ctx, p.bucket, p.path, gcs.Options{})
}

// openState finds the bucket of the state: that of the data where it lies
// therein, another one else.
func (s *collectSettings) openState(ctx context.Context, w *collectWork, data collector.Bucket) (f collector.StateFile, err error) {
	at := func(p location) (collector.Bucket, string, error) {
		if p.within(s.out) && p != s.out {
			name := strings.TrimPrefix(strings.TrimPrefix(p.path, s.out.path), "/")
			return data, strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"), nil
		}
		folder, name := p.split()
		b, err := s.openPlace(ctx, w, folder)
		return b, name, err
	}
	if f.Bucket, f.Name, err = at(s.state); err != nil {
		return f, err
	}
	for i, p := range s.oldPlaces {
		old := collector.OldState{Must: i == 0 && len(s.oldPlaces) > 1 || !s.feedLayout()}
		if old.Bucket, old.Name, err = at(p); err != nil {
			return f, err
		}
		f.Old = append(f.Old, old)
	}
	return f, nil
}
