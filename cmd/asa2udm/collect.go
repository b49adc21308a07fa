package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// collectFlags are the settings of the command collect as they were given. A
// setting that was not given may come from the environment; see settings.
type collectFlags struct {
	out, state, takeOver       string
	secops                     secopsFlags
	team, keyID, keySecretFile string
	baseURL, caFile            string
	since                      string
	every, overlap, timeout    time.Duration
	pageSize, maxRecords       int
	objectRecords              int
	normalize                  bool
	rules                      string
	gzip, rawPages             bool
	once, check, dryRun, json  bool
	repair, listen             string
	config, only               string
	serving                    bool     // by serve
	beside                     []string // flags that may stand beside --config
	logLevel, logFormat        string
	set                        *pflag.FlagSet
	environment                func(string) string
}

func (f *collectFlags) register(set *pflag.FlagSet) {
	f.set = set
	set.StringVar(&f.out, "out", "", "collect into `DIR`, gs://bucket/... or secops://...")
	f.secops.register(set)
	set.BoolVar(&f.normalize, "normalize", false, "write UDM beside the raw records")
	set.StringVar(&f.rules, "rules", defaultRules, "rule `FILE` for --normalize, or a shipped pack")
	set.StringVar(&f.config, "config", "", "collect what `FILE` says: tenants, services, Devo")
	set.StringVar(&f.only, "only", "", "of --config, collect `TENANT/SERVICE` alone")
	set.BoolVar(&f.once, "once", false, "collect what is new and end (the default)")
	set.DurationVar(&f.every, "every", 0, "collect every `TIME`, such as 1m; 0s: once")
	set.BoolVar(&f.check, "check", false, "prove settings, key, role and storage, no more")
	set.BoolVar(&f.dryRun, "dry-run", false, "read what is new and write nothing")
	set.StringVar(&f.since, "since", "", "begin `WHEN`: 24h (ago), 2026-01-31, or all")
	set.StringVar(&f.team, "team", "", "`NAME` of the ASA team")
	set.StringVar(&f.keyID, "key-id", "", "`ID` of the service user's API key")
	set.StringVar(&f.keySecretFile, "key-secret-file", "", "`FILE` or sm://..., if not ASA_KEY_SECRET")
	set.StringVar(&f.baseURL, "base-url", "", "`URL` of the API (default https://app.scaleft.com)")
	set.StringVar(&f.caFile, "ca-file", "", "trust the certificates in `FILE`, too")
	set.DurationVar(&f.timeout, "timeout", 2*time.Minute, "longest `TIME` of one call")
	set.IntVar(&f.pageSize, "page-size", 0, "ask for `N` events at a time, up to 1000 (default 1000)")
	set.IntVar(&f.maxRecords, "max-records", 0, "end a run after exactly `N` events")
	set.IntVar(&f.objectRecords, "object-records", 10_000, "at most `N` events in an object")
	set.DurationVar(&f.overlap, "overlap", 10*time.Minute, "look again for late events of the last `TIME`")
	set.BoolVar(&f.gzip, "gzip", false, "compress objects")
	set.BoolVar(&f.rawPages, "raw-pages", false, "keep the untouched pages, too")
	set.StringVar(&f.state, "state", "", "keep the state in `FILE` or gs://bucket/object")
	set.StringVar(&f.takeOver, "take-over", "", "begin where the documented function's state `FILE` stands")
	set.StringVar(&f.repair, "repair", "", "`WHAT`, once: rebuild-state, from-start or accept-unverified")
	set.StringVar(&f.listen, "listen", "", "serve /metrics, /healthz and /readyz on `ADDR`, such as :9090")
	set.BoolVar(&f.json, "json", false, "write a report of each run to stdout")
	set.StringVar(&f.logLevel, "log-level", "info", "`LEVEL`: debug, info, warn or error")
	set.StringVar(&f.logFormat, "log-format", "auto", "`FORMAT`: text, json, or auto: text on a terminal")
}

func newCollectCommand(u *ui) *cobra.Command {
	f := &collectFlags{environment: environ, beside: configFlags}
	var all *bool
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Collect audit events, each exactly once",
		Long: `Collects the audit events of an ASA team, joined and in order, each exactly
once, into a directory or a bucket. It goes on where it stopped.`,
		Example: `  $ asa2udm collect --normalize --since 24h --out ./data`,
		Annotations: map[string]string{helpNote: `Environment, where no flag is given: ASA_TEAM_NAME, ASA_KEY_ID, ASA_KEY_SECRET,
ASA_BASE_URL, GCS_BUCKET, GCS_PREFIX, STATE_KEY, PAGE_SIZE, LOOKBACK_HOURS, ...`},
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if *all {
				return listFlags(u, cmd)
			}
			return runCollect(cmd.Context(), u, f)
		},
	}
	f.register(cmd.Flags())
	all = foldFlags(cmd.Flags(), "out", "normalize", "every", "config", "check", "dry-run", "since", "team", "key-id", "json")
	return cmd
}

// foldFlags hides all flags but some from the help, which has to fit a screen,
// and adds one that lists them.
func foldFlags(set *pflag.FlagSet, shown ...string) *bool {
	set.SortFlags = false
	set.VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(shown, f.Name) })
	return set.Bool("flags", false, "list all flags, there are more")
}

// listFlags writes all flags of a command to stdout.
func listFlags(u *ui, cmd *cobra.Command) error {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = false })
	_, err := io.WriteString(u.stdout, cmd.LocalFlags().FlagUsages())
	return err
}

func runCollect(ctx context.Context, u *ui, f *collectFlags) error {
	log, err := newCollectLog(u, f.logLevel, f.logFormat)
	if err != nil {
		return err
	}
	err = collectWith(ctx, u, f, log)
	if err == nil || !log.json {
		return err
	}
	return log.fail(ctx, "collect failed", err)
}

func collectWith(ctx context.Context, u *ui, f *collectFlags, log *collectLog) error {
	if f.config != "" {
		return collectConfig(ctx, u, f, log)
	}
	if f.only != "" {
		return hinted(errors.New("--only is for --config"), "add --config FILE")
	}
	s, err := f.settings(log)
	if err != nil {
		return err
	}
	saveMemory()
	if f.check {
		return checkCollect(ctx, u, f, s)
	}
	if err := s.readSecret(ctx); err != nil {
		return err
	}
	// What is open must outlast ctx: a run that is stopped still writes what it
	// has at hand.
	w, err := s.open(context.WithoutCancel(ctx), u)
	if err != nil {
		return withCure(err, s)
	}
	defer w.close()
	w.collector.Options.Writer = rand.Text()
	job := &collectJob{ui: u, settings: s, work: w, log: log, json: f.json}
	defer job.showProgress()()
	if s.every > 0 {
		return job.serve(ctx)
	}
	return job.once(ctx)
}

// saveMemory lets the heap grow by less than by default between two collections:
// a collector lives beside others for a long time and mostly waits for the API.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(40)
	}
}

// collectJob is what runs.
type collectJob struct {
	ui       *ui
	settings *collectSettings
	work     *collectWork
	log      *collectLog
	json     bool
	health   health
}

// once does one run and reports it.
func (j *collectJob) once(ctx context.Context) error {
	_, err := j.pull(ctx)
	return err
}

// pull does one run, and answers its report.
func (j *collectJob) pull(ctx context.Context) (collectReport, error) {
	before := snapshot(j.work)
	start := time.Now()
	err := j.run(ctx)
	// These are for the first run; the next one finds all in order.
	j.work.collector.Options.Rebuild, j.work.collector.Options.FromStart = false, false
	report := newCollectReport("asa/"+j.settings.asa.Team, j.settings.destination(), before, snapshot(j.work), start, err)
	report.DryRun = j.settings.dryRun
	j.log.report(ctx, report)
	if j.json {
		if writeErr := report.write(j.ui.stdout); writeErr != nil {
			return report, writeErr
		}
	}
	j.health.note(err)
	return report, withCure(err, j.settings)
}

// run is a Run that begins at a time by the API's clock.
func (j *collectJob) run(ctx context.Context) (err error) {
	if j.settings.since != "" && j.settings.since != "all" {
		// An answer of the API tells its clock; the token is needed anyway.
		if err := j.work.source.Authenticate(ctx); err != nil {
			return err
		}
		if j.work.collector.Options.Since, err = j.settings.sinceTime(j.work.source.Now()); err != nil {
			return err
		}
	}
	return j.work.collector.Run(ctx)
}

// withCure gives an error its cure, if one is known.
func withCure(err error, s *collectSettings) error {
	if err == nil {
		return nil
	}
	return hinted(err, "%s", collectHint(err, s))
}

// showProgress keeps a status line on a terminal, and answers how to end it.
func (j *collectJob) showProgress() (end func()) {
	if !isTerminal(j.ui.stderr) || isTerminal(j.ui.stdout) && j.json {
		return func() {}
	}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		start, first := time.Now(), snapshot(j.work)
		for {
			select {
			case <-done:
				j.ui.setStatus("")
				return
			case <-ticker.C:
				j.ui.setStatus(collectStatus(first, snapshot(j.work), time.Since(start)))
			}
		}
	}()
	return func() { close(done); <-stopped }
}

func collectStatus(first, now counts, took time.Duration) string {
	events := now.Events - first.Events
	line := fmt.Sprintf("%s events, %s/s, %s", grouped(events), grouped(int64(float64(events)/max(took.Seconds(), 0.001))),
		count(now.Pages-first.Pages, "page"))
	if waited := now.throttled - first.throttled; waited > time.Second {
		line += fmt.Sprintf(", %s waited for the API's limit", waited.Round(time.Second))
	}
	return line
}
