package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/asa2udm/asa2udm/collector/secret"
	"github.com/asa2udm/asa2udm/collector/trigger"
)

// serveFlags are the settings of the command serve: those of collect, and how it
// is asked to collect.
type serveFlags struct {
	collect    collectFlags
	address    string
	auth       string
	issuer     string
	audience   string
	callers    []string
	token      string
	maxBody    byteSize
	runTimeout time.Duration
	project    string
	metrics    bool
}

// notServed are flags of collect that make no sense where others say when a run
// begins, or that are for a single run.
var notServed = []string{"once", "every", "check", "dry-run", "repair"}

func (f *serveFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.address, "address", "", "listen on `ADDR` (default :$PORT, else :8080)")
	set.StringVar(&f.auth, "auth", "oidc", "callers' `MODE`: oidc, token or platform")
	set.StringVar(&f.audience, "audience", "", "`URL` that ID tokens must be made for")
	set.StringSliceVar(&f.callers, "caller", nil, "`EMAIL` of an account that may call; may be repeated")
	set.StringVar(&f.issuer, "issuer", "", "`URL` of the issuer of ID tokens (default "+trigger.Google+")")
	set.StringVar(&f.token, "auth-token", "", "`REF` of the shared token: env:NAME, file:PATH ...")
	set.DurationVar(&f.runTimeout, "run-timeout", 4*time.Minute+30*time.Second, "end a run after `TIME`; the next one goes on")
	f.maxBody = 1 << 20
	set.Var(&f.maxBody, "max-body", "the largest body of a trigger")
	set.StringVar(&f.project, "project", "", "`ID` of the project of traces (default $GOOGLE_CLOUD_PROJECT)")
	set.BoolVar(&f.metrics, "metrics", false, "serve /metrics on --address, to anybody")
	var all pflag.FlagSet
	f.collect.register(&all)
	all.VisitAll(func(flag *pflag.Flag) {
		if !slices.Contains(notServed, flag.Name) {
			set.AddFlag(flag)
		}
	})
	f.collect.set = set
}

func newServeCommand(u *ui) *cobra.Command {
	f := &serveFlags{}
	f.collect.environment, f.collect.serving = environ, true
	var all *bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Collect whenever Pub/Sub or a scheduler asks for it",
		Long: `Collects as collect does, whenever it is triggered: by a push of Pub/Sub, by a
CloudEvent, or by any POST. Triggers that come at once share a run, and 2xx says
that the run is done.`,
		Example: `  $ asa2udm serve --audience https://asa2udm.example.com --out gs://b/okta \
      --caller trigger@example.iam.gserviceaccount.com`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if *all {
				return listFlags(u, cmd)
			}
			return runServe(cmd.Context(), u, f)
		},
	}
	f.register(cmd.Flags())
	all = foldFlags(cmd.Flags(), "address", "auth", "audience", "caller", "auth-token", "run-timeout", "out", "normalize", "config", "key-secret-file")
	f.collect.beside = append(slices.Clone(configFlags), "address", "auth", "issuer", "audience", "caller", "auth-token", "max-body", "run-timeout", "project", "metrics")
	return cmd
}

func runServe(ctx context.Context, u *ui, f *serveFlags) error {
	log, err := newCollectLog(u, f.collect.logLevel, f.collect.logFormat)
	if err != nil {
		return err
	}
	err = f.serve(ctx, u, log)
	if err == nil || !log.json {
		return err
	}
	return log.fail(ctx, "serve failed", err)
}

// served is what is run: one collector, or those of a file.
type served interface {
	targets() []trigger.Target
	metered() []metered
	// what says from where to where, for the log.
	what() string
	close()
}

// serve answers triggers until ctx ends, which is how it is stopped and no error.
func (f *serveFlags) serve(ctx context.Context, u *ui, log *collectLog) error {
	auth, err := f.authentication(ctx, log)
	if err != nil {
		return stoppedEarly(ctx, log, err)
	}
	if f.runTimeout < 0 {
		return fmt.Errorf("--run-timeout %s: want no negative time", f.runTimeout)
	}
	if f.project == "" {
		f.project = f.collect.environment("GOOGLE_CLOUD_PROJECT")
	}
	s, err := f.open(ctx, u, log)
	if err != nil {
		return stoppedEarly(ctx, log, err)
	}
	defer s.close()
	saveMemory()
	metrics, err := collectMetrics(s.metered).handler()
	if err != nil {
		return err
	}
	config := trigger.Config{
		Targets: s.targets(), Auth: auth, MaxBody: int64(f.maxBody), Limit: f.runTimeout,
		Conflict: isConflict, Hint: hintOf, Project: f.project, Log: log.Logger,
	}
	if f.metrics {
		config.Metrics = metrics
	}
	server := trigger.New(config)
	if f.collect.listen != "" {
		stop, err := listen(ctx, f.collect.listen, log, s.metered, server.Ready)
		if err != nil {
			return err
		}
		defer stop()
	}
	return f.answer(ctx, log, server, s.what())
}

// stoppedEarly tells a stop while the service is set up, in the middle of reading a
// secret perhaps, from what keeps it from being set up.
func stoppedEarly(ctx context.Context, log *collectLog, err error) error {
	var stop *stopError
	if !errors.As(context.Cause(ctx), &stop) {
		return err
	}
	log.Info("stopped before it served", "signal", stop.name())
	return nil
}

func (f *serveFlags) answer(ctx context.Context, log *collectLog, server *trigger.Server, what string) error {
	address := f.address
	if port := f.collect.environment("PORT"); address == "" && port != "" {
		address = ":" + port
	} else if address == "" {
		address = ":8080"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("--address: %w", err)
	}
	log.Info("waiting for triggers", "address", l.Addr().String(), "auth", f.auth, "run_timeout", f.runTimeout.String(), "collecting", what)
	if err := server.Serve(ctx, l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	log.Info("stopped")
	return nil
}

// authentication reads how callers prove themselves. A flag of another mode is
// refused: whoever gave it believes that it protects something.
func (f *serveFlags) authentication(ctx context.Context, log *collectLog) (trigger.Auth, error) {
	modes := map[string][]string{
		"oidc": {"issuer", "audience", "caller"}, "token": {"auth-token"}, "platform": {"caller"},
	}
	own, ok := modes[f.auth]
	if !ok {
		return nil, fmt.Errorf("--auth %q: want oidc, token or platform", f.auth)
	}
	for _, name := range []string{"issuer", "audience", "caller", "auth-token"} {
		if f.collect.set.Changed(name) && !slices.Contains(own, name) {
			return nil, fmt.Errorf("--%s has no effect with --auth %s", name, f.auth)
		}
	}
	switch f.auth {
	case "token":
		return f.sharedToken(ctx, log)
	case "platform":
		auth, err := trigger.NewPlatform(f.callers, f.collect.environment)
		if err != nil {
			return nil, hinted(fmt.Errorf("--auth platform: %w", err), "take --auth oidc, which checks tokens by itself")
		}
		return auth, nil
	}
	switch {
	case f.audience == "":
		return nil, hinted(errors.New("--auth oidc needs --audience"), "give the URL that the trigger asks tokens for, by default the service's own; or take --auth token")
	case len(f.callers) == 0:
		return nil, hinted(errors.New("--auth oidc needs --caller"), "give the service account of the push subscription or of the scheduler's job")
	}
	auth, err := trigger.NewOIDC(trigger.OIDCConfig{Issuer: f.issuer, Audience: f.audience, Callers: f.callers})
	if err != nil {
		return nil, fmt.Errorf("--auth oidc: %w", err)
	}
	return auth, nil
}

// sharedToken reads the token that callers must know.
func (f *serveFlags) sharedToken(ctx context.Context, log *collectLog) (trigger.Auth, error) {
	if f.token == "" {
		return nil, hinted(errors.New("--auth token needs --auth-token"), "give env:NAME, file:PATH or sm://PROJECT/SECRET")
	}
	ref, err := secret.Parse(f.token)
	if err != nil {
		return nil, fmt.Errorf("--auth-token: %w", err)
	}
	secrets := f.collect.secrets()
	token, err := secrets.Text(ctx, ref)
	if err != nil {
		return nil, fmt.Errorf("--auth-token: %w", err)
	}
	auth, err := trigger.NewToken(trigger.TokenConfig{Token: token.Value, Renew: secrets.Renewal(token), Log: log.Logger})
	return auth, wrapped("--auth-token", err)
}
