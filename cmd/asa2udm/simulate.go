package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/asa2udm/asa2udm/collector/asa/simulator"
	oktasimulator "github.com/asa2udm/asa2udm/collector/okta/simulator"
)

// simulateFlags are the settings of the command simulate.
type simulateFlags struct {
	listen  string
	events  int
	records string
	span    time.Duration
	grow    float64
	seed    uint64
	faults  string
	config  simulator.Config
	objects int
	okta    oktasimulator.Config
}

func (f *simulateFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.listen, "listen", "127.0.0.1:8787", "answer on `ADDR`")
	set.IntVar(&f.events, "events", 5000, "make up `N` events")
	set.DurationVar(&f.span, "span", 24*time.Hour, "spread them over the last `TIME`")
	set.Float64Var(&f.grow, "grow", 0, "add `N` events a second")
	set.IntVar(&f.objects, "objects", 25, "make up `N` objects of each Okta list")
	set.StringVar(&f.okta.Token, "okta-token", "simulated", "`TOKEN` of the Okta org, which is none")
	set.StringVar(&f.records, "records", "", "answer the events or pages of an NDJSON `FILE` instead")
	set.Uint64Var(&f.seed, "seed", 1, "`N` decides the events and the faults")
	set.StringVar(&f.config.Team, "team", "example-team", "`NAME` of the team")
	set.StringVar(&f.config.KeyID, "key-id", "simulated", "`ID` of the API key")
	set.StringVar(&f.config.KeySecret, "key-secret", "simulated", "its `SECRET`, which is none")
	set.DurationVar(&f.config.TokenLife, "token-life", time.Hour, "a token works for `TIME`")
	set.IntVar(&f.config.Limit, "limit", 0, "answer `N` calls a minute, 429 to all others")
	set.StringVar(&f.faults, "faults", "", "let `SHARES` of calls fail, such as 429=0.1,cut=0.05")
	set.DurationVar(&f.config.RetryAfter, "retry-after", time.Second, "tell throttled callers to wait for `TIME`")
	set.DurationVar(&f.config.Hang, "hang", 2*time.Minute, "a timeout lasts for `TIME`")
	set.BoolVar(&f.config.NoRole, "no-role", false, "refuse the log, as to a user without a role")
	set.StringVar(&f.config.Purged, "purged", "restart", "answer an unknown offset with `WHAT`: 400, 404, empty or restart")
	set.BoolVar(&f.config.Inclusive, "inclusive", false, "answer the event of the offset, too")
	set.StringVar(&f.config.NextHost, "next-host", "", "let next links lead to `HOST`")
	set.BoolVar(&f.config.OneLink, "one-link", false, "send all links in one header line")
	set.DurationVar(&f.config.Skew, "skew", 0, "run the clock `TIME` ahead")
}

func newSimulateCommand(u *ui) *cobra.Command {
	f := &simulateFlags{}
	var all *bool
	cmd := &cobra.Command{
		Use:   "simulate [flags] [-- COMMAND [ARG...]]",
		Short: "Answer like ASA and Okta, to try things out",
		Long: `Answers like the ASA API (tokens, audit pages, related objects) and like an Okta
org (System Log and lists), with limits and faults. With a command it runs that,
its environment set for collect, and ends with it.`,
		Example: `  $ asa2udm simulate -- asa2udm collect --normalize --out ./data
  $ asa2udm simulate --events 100000 --faults 429=0.1,5xx=0.1,cut=0.05`,
		DisableFlagsInUseLine: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return hinted(fmt.Errorf("unexpected argument %q", args[0]), "a command stands behind --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if *all {
				return listFlags(u, cmd)
			}
			if len(args) > 0 && !cmd.Flags().Changed("listen") {
				f.listen = "127.0.0.1:0"
			}
			return runSimulate(cmd.Context(), u, f, args)
		},
	}
	f.register(cmd.Flags())
	all = foldFlags(cmd.Flags(), "listen", "events", "span", "grow", "records", "faults", "limit", "token-life", "seed")
	return cmd
}

func runSimulate(ctx context.Context, u *ui, f *simulateFlags, command []string) error {
	if err := f.check(); err != nil {
		return err
	}
	log, err := f.openLog(ctx)
	if err != nil {
		return err
	}
	f.config.Log, f.config.Seed = log, f.seed
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	server := &http.Server{Handler: f.handler(ctx), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer server.Close()
	environment := f.variables(l.Addr().String())
	if len(command) > 0 {
		return runCommand(ctx, u, command, environment)
	}
	u.logf("answering for team %s on http://%s, %s; try:", f.config.Team, l.Addr(), count(log.Len(), "event"))
	for _, v := range environment {
		u.printf("export %s\n", v)
	}
	u.printf("asa2udm collect --normalize --out ./data\n")
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return err
	}
}

func (f *simulateFlags) check() (err error) {
	if f.config.Faults, err = simulator.ParseFaults(f.faults); err != nil {
		return err
	}
	switch {
	case f.events < 0 || f.grow < 0 || f.span < 0:
		return errors.New("--events, --span and --grow: want no negative number")
	case !slices.Contains([]string{"400", "404", "empty", "restart"}, f.config.Purged):
		return fmt.Errorf("--purged %q: want 400, 404, empty or restart", f.config.Purged)
	case f.records != "" && f.grow > 0:
		return errors.New("--grow is for made-up events")
	}
	return nil
}

func (f *simulateFlags) variables(address string) []string {
	return []string{
		"ASA_BASE_URL=http://" + address, "ASA_TEAM_NAME=" + f.config.Team,
		"ASA_KEY_ID=" + f.config.KeyID, "ASA_KEY_SECRET=" + f.config.KeySecret,
		"OKTA_URL=http://" + address, "OKTA_TOKEN=" + f.okta.Token,
	}
}

// handler answers for the team under its own paths, and for the org under all
// others.
func (f *simulateFlags) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/teams/", simulator.New(f.config))
	f.okta.Log, f.okta.Lists, f.okta.Seed, f.okta.Hang = &oktasimulator.Log{}, &oktasimulator.Lists{}, f.seed, f.config.Hang
	f.okta.Limit = func(string) int { return f.config.Limit }
	f.okta.OneLink, f.okta.NextHost, f.okta.Faults = f.config.OneLink, f.config.NextHost, f.config.Faults.Shares()
	org := oktasimulator.New(f.okta)
	var filled sync.Once
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// Most runs ask for ASA alone, and need no org.
		filled.Do(func() { f.fillOrg(ctx) })
		org.ServeHTTP(w, r)
	})
	return mux
}

// fillOrg fills the Okta org with as many events and of the same times as the
// team; its log grows as fast.
func (f *simulateFlags) fillOrg(ctx context.Context) {
	begin := time.Now().Add(-f.span)
	f.okta.Lists.Fill(f.objects, begin)
	for i := range f.events {
		f.okta.Log.Append(oktasimulator.NewEvent(i, begin.Add(f.span*time.Duration(i)/time.Duration(f.events))))
	}
	if f.grow > 0 {
		made := f.events
		go grow(ctx, func(n int) {
			for range n {
				f.okta.Log.Append(oktasimulator.NewEvent(made, time.Now()))
				made++
			}
		}, f.grow)
	}
}

// openLog reads the records, or makes a log that grows until ctx ends.
func (f *simulateFlags) openLog(ctx context.Context) (simulator.Log, error) {
	if f.records != "" {
		file, err := os.Open(f.records)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		log, err := simulator.Read(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.records, err)
		}
		return log, nil
	}
	step := f.span / time.Duration(max(f.events, 1))
	if f.grow > 0 && f.events == 0 {
		step = time.Duration(float64(time.Second) / f.grow)
	}
	log := simulator.Generate(f.seed, f.events, time.Now().Add(-step*time.Duration(f.events)), step)
	if f.grow > 0 {
		go grow(ctx, log.Grow, f.grow)
	}
	return log, nil
}

// grow adds so many events a second.
func grow(ctx context.Context, add func(n int), perSecond float64) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / min(perSecond, 20)))
	defer ticker.Stop()
	begin, made := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			due := int(time.Since(begin).Seconds() * perSecond)
			add(due - made)
			made = due
		}
	}
}

// runCommand runs a command that finds the simulator, and ends as it does.
func runCommand(ctx context.Context, u *ui, command, environment []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = u.stdin, u.stdout, u.stderr
	cmd.Env = append(os.Environ(), environment...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil || ctx.Err() != nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == exitFindings:
		return errFindings
	case errors.As(err, &exit):
		return errReported
	}
	return err
}
