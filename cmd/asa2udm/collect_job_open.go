package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa"
	"github.com/asa2udm/asa2udm/collector/config"
	"github.com/asa2udm/asa2udm/collector/devo"
	"github.com/asa2udm/asa2udm/collector/dir"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secret"
)

// devoBatch is how many events go between two barriers, which is also how many
// may arrive twice when a connection breaks off.
const devoBatch = 2000

// asaOverlap is how far back late events of ASA are looked for.
const asaOverlap = 10 * time.Minute

// place answers where the job keeps its things: records and state, or for Devo
// the state and what waits, or for Google SecOps what is pushed and the state.
func (j *serviceJob) place() string {
	root := j.tenant.Out.Place
	switch {
	case j.tenant.Out.Devo != nil:
		root = j.tenant.Out.Devo.Spool
	case j.tenant.Out.SecOps != nil:
		root = j.tenant.Out.SecOps.Spool
	}
	return strings.TrimSuffix(root, "/") + "/" + j.name()
}

// destination is for people.
func (j *serviceJob) destination() string {
	if d := j.tenant.Out.Devo; d != nil {
		return "devo://" + d.Address + "/" + j.service.Tag
	}
	if s := j.tenant.Out.SecOps; s != nil {
		return s.Instance.String()
	}
	return j.place()
}

// open makes all parts of the job. ctx must last as long as the work.
func (j *serviceJob) open(ctx context.Context) (w *collectWork, err error) {
	w = &collectWork{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	at, err := parseLocation(j.place())
	if err != nil {
		return w, err
	}
	bucket, err := openBucket(ctx, at)
	if err != nil {
		return w, err
	}
	w.buckets = append(w.buckets, bucket)
	if err := j.openSource(w, bucket); err != nil {
		return w, err
	}
	w.collector = &collector.Collector{
		Source: w.source, State: collector.StateFile{Bucket: bucket, Name: "state.json"}, Stats: &collector.Stats{},
		Options: collector.Options{
			Since: j.service.Start, SinceDecides: true, Log: j.log.Logger, Writer: rand.Text(),
			FromStart: j.repair == "from-start", Rebuild: j.repair == "rebuild-state",
		},
	}
	if j.service.Name == config.ASAService {
		w.collector.Options.Overlap = asaOverlap
	}
	if j.tenant.Out.Devo != nil {
		err = j.openDevo(ctx, w, bucket)
	} else {
		err = j.openObjects(w, bucket)
	}
	return w, err
}

// openSource makes the source and the client that does its calls.
func (j *serviceJob) openSource(w *collectWork, bucket collector.Bucket) error {
	if j.service.Name == config.ASAService {
		w.client = &rest.Client{HTTP: j.http, UserAgent: "asa2udm/" + version()}
		a := j.tenant.ASA
		src, err := asa.New(asa.Config{
			BaseURL: a.URL, Team: a.Team, KeyID: a.KeyID, KeySecret: a.KeySecret.Value, PageSize: j.service.PageSize,
			Renew: j.secrets.Renewal(a.KeySecret), Client: w.client, Log: j.log.Logger,
		})
		w.source = src
		return err
	}
	src, err := j.org.Source(j.service.Name, okta.Settings{
		PerMinute: j.service.PerMinute, PageSize: j.service.PageSize, Changes: j.service.Changes, FullEvery: j.service.FullEvery,
		Memory: okta.Memory{Bucket: bucket, Name: "seen/objects"}, Log: j.log.Logger,
	})
	if err != nil {
		return err
	}
	w.source, w.client = src, src.Client()
	return nil
}

func (j *serviceJob) openObjects(w *collectWork, bucket collector.Bucket) (err error) {
	w.objects = &collector.Objects{
		Bucket: bucket, Layout: collector.RootLayout(), Identify: w.source.Record, Gzip: j.gzip,
		AcceptUnverified: j.repair == "accept-unverified",
	}
	if j.service.Rules != "" {
		w.objects.Normalize, err = newNormalizer(j.ui, j.service.Rules)
	}
	w.collector.Sink = w.objects
	if err != nil || j.tenant.Out.SecOps == nil {
		return err
	}
	return j.openSecOps(w)
}

// openSecOps pushes on what openObjects keeps.
func (j *serviceJob) openSecOps(w *collectWork) error {
	o := j.tenant.Out.SecOps
	p := secopsSettings{logType: j.service.LogType, config: secops.Config{
		Instance: o.Instance, Endpoint: o.Endpoint, Forwarder: o.Forwarder, CAFile: j.tenant.CAFile,
	}}
	if o.MaxDeadLetters != nil {
		p.maxDead = deadLimit(*o.MaxDeadLetters)
	}
	return p.push(w, j.log)
}

func (j *serviceJob) openDevo(ctx context.Context, w *collectWork, bucket collector.Bucket) error {
	spool, ok := bucket.(*dir.Bucket)
	if !ok {
		return fmt.Errorf("spool %s: want a directory of this machine", j.tenant.Out.Devo.Spool)
	}
	d := j.tenant.Out.Devo
	client, err := devo.New(devo.Config{Address: d.Address, Chain: d.Chain, Cert: d.Cert, Key: d.Key, Host: d.Host, Gzip: d.Gzip, ReadFile: j.readFile(ctx)})
	if err != nil {
		return err
	}
	w.devo = &devo.Sink{
		Client: client, Tag: j.service.Tag, Spool: spool, Identify: w.source.Record, Stats: &devo.Stats{}, Log: j.log.Logger,
	}
	w.collector.Sink = w.devo
	w.collector.Options.BatchRecords = devoBatch
	return nil
}

// readFile answers what reads a file, or a secret where a reference stands in
// place of a path.
func (j *serviceJob) readFile(ctx context.Context) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		ref, err := secret.ParseFile(path)
		if err != nil || ref.Kind == secret.File {
			return os.ReadFile(path)
		}
		return j.secrets.Read(ctx, ref)
	}
}
