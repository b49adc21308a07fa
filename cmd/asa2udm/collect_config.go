package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"github.com/asa2udm/asa2udm/collector/config"
	"github.com/asa2udm/asa2udm/collector/okta"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secret"
)

// memoryEvery is how often the use of memory is logged.
const memoryEvery = 5 * time.Minute

// configFlags may stand beside --config; the file says all else.
var configFlags = []string{"config", "only", "once", "check", "json", "listen", "repair", "log-level", "log-format", "flags"}

// collectConfig collects what a file says, each service on a schedule of its own
// until ctx ends, or once.
func collectConfig(ctx context.Context, u *ui, f *collectFlags, log *collectLog) error {
	fl, err := f.fleet(ctx, u, log)
	if err != nil {
		return err
	}
	defer fl.close()
	saveMemory()
	switch {
	case f.check:
		return fl.check(ctx)
	case f.once:
		return fl.once(ctx)
	}
	return fl.serve(ctx)
}

// fleet makes the jobs of the file that --config names.
func (f *collectFlags) fleet(ctx context.Context, u *ui, log *collectLog) (*fleet, error) {
	if err := f.checkConfigFlags(); err != nil {
		return nil, err
	}
	secrets := f.secrets()
	file, err := readConfig(ctx, f.config, secrets)
	if err != nil && ctx.Err() != nil {
		// Secrets that were not read any more are no faults of the file.
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, reportConfig(u, log, err)
	}
	return newFleet(u, log, f, file, secrets)
}

func (f *collectFlags) checkConfigFlags() (err error) {
	f.set.Visit(func(flag *pflag.Flag) {
		if err == nil && !slices.Contains(f.beside, flag.Name) {
			err = fmt.Errorf("--%s and --config exclude each other: the file says what is collected", flag.Name)
		}
	})
	if err == nil && f.repair != "" && f.only == "" {
		err = hinted(errors.New("--repair is for one service"), "add --only TENANT/SERVICE")
	}
	if err == nil {
		err = f.checkRepair()
	}
	return err
}

// readConfig reads a file and the secrets that it names.
func readConfig(ctx context.Context, name string, secrets *secret.Resolver) (*config.File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	return config.Parse(ctx, name, text, config.Options{Dir: dir, Now: time.Now(), Secrets: secrets})
}

// reportConfig prints the faults of a file, one a line.
func reportConfig(u *ui, log *collectLog, err error) error {
	var faults config.Errors
	if !errors.As(err, &faults) {
		return err
	}
	for _, e := range faults {
		if log.json {
			log.Error("the configuration is wrong", "error", e.Error(), "number", e.Number, "hint", numberCures[e.Number])
			continue
		}
		u.logf("%v", e)
		u.hintf("%s", numberCures[e.Number])
	}
	return errReported
}

// fleet is all jobs of a file.
type fleet struct {
	ui     *ui
	log    *collectLog
	listen string
	jobs   []*serviceJob
}

// newFleet makes a job of each service, or of the one that --only names. It opens
// nothing: what cannot be opened concerns its own job alone.
func newFleet(u *ui, log *collectLog, f *collectFlags, file *config.File, secrets *secret.Resolver) (*fleet, error) {
	fl := &fleet{ui: u, log: log, listen: f.listen}
	for _, t := range file.Tenants {
		org, client, err := newTenantOrg(t, secrets)
		if err != nil {
			return nil, &numberedError{config.NumberFile, fmt.Errorf("tenant %s: %w", t.Name, err)}
		}
		for _, s := range t.Services {
			if f.only != "" && f.only != t.Name+"/"+s.Name {
				continue
			}
			fl.jobs = append(fl.jobs, &serviceJob{
				ui: u, log: &collectLog{log.With("tenant", t.Name, "service", s.Name), log.json}, json: f.json,
				tenant: t, service: s, gzip: file.Gzip, org: org, http: client, secrets: secrets, repair: f.repair,
			})
		}
	}
	if len(fl.jobs) == 0 {
		return nil, fmt.Errorf("--only %q: %s has no such tenant/service", f.only, f.config)
	}
	return fl, nil
}

// newTenantOrg makes what the services of a tenant share.
func newTenantOrg(t config.Tenant, secrets *secret.Resolver) (*okta.Org, *http.Client, error) {
	client, err := rest.NewHTTP(t.CAFile, 2*time.Minute)
	if err != nil || t.Okta == nil {
		return nil, client, err
	}
	c := okta.Config{
		URL: t.Okta.URL, Token: t.Okta.Token.Value, Renew: secrets.Renewal(t.Okta.Token), KeepFree: t.Okta.KeepFree, PerMinute: t.Okta.PerMinute,
		HTTP: client, UserAgent: "asa2udm/" + version(),
	}
	if a := t.Okta.OAuth; a != nil {
		c.OAuth = &okta.OAuth{ClientID: a.ClientID, Key: []byte(a.Key.Value), KeyID: a.KeyID}
		c.Renew = secrets.Renewal(a.Key)
	}
	org, err := okta.NewOrg(c)
	return org, client, err
}

func (fl *fleet) close() {
	for _, j := range fl.jobs {
		j.close()
	}
}

// each runs something for all jobs at a time and waits for all.
func (fl *fleet) each(do func(*serviceJob) error) error {
	errs := make([]error, len(fl.jobs))
	var group sync.WaitGroup
	for i, j := range fl.jobs {
		group.Go(func() { errs[i] = do(j) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// once runs each service one time. Each has logged its own failure.
func (fl *fleet) once(ctx context.Context) error {
	if err := fl.each(func(j *serviceJob) error { return j.cycle(ctx) }); err != nil && ctx.Err() == nil {
		return errReported
	}
	return nil
}

// serve runs each service on its own schedule until ctx ends, which is how it is
// stopped and no error. It also ends when no service can go on.
func (fl *fleet) serve(ctx context.Context) error {
	if fl.listen != "" {
		stop, err := listen(ctx, fl.listen, fl.log, fl.metered, fl.ready)
		if err != nil {
			return err
		}
		defer stop()
	}
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	go logMemory(working, fl.log, memoryEvery)
	err := fl.each(func(j *serviceJob) error { return j.serve(ctx) })
	fl.log.Info("stopped")
	if err != nil {
		return errReported
	}
	return nil
}

// metered answers the jobs that are open.
func (fl *fleet) metered() (all []metered) {
	for _, j := range fl.jobs {
		if w := j.opened(); w != nil {
			labels := prometheus.Labels{"tenant": j.tenant.Name, "service": j.service.Name, "source": w.source.Name()}
			all = append(all, metered{labels, w, &j.health})
		}
	}
	return all
}

// ready says whether the last cycle of each service came to its end.
func (fl *fleet) ready(w http.ResponseWriter, _ *http.Request) {
	var bad []string
	for _, j := range fl.jobs {
		runs, _, _, last := j.health.get()
		switch {
		case last != nil:
			bad = append(bad, fmt.Sprintf("%s: the last cycle failed: %v", j.name(), last))
		case runs == 0:
			bad = append(bad, j.name()+": the first cycle is under way")
		}
	}
	if len(bad) > 0 {
		http.Error(w, strings.Join(bad, "\n"), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
