package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/rest"
	"github.com/asa2udm/asa2udm/collector/secops"
)

// defaultLogType is that of the log which collect reads without --config.
const defaultLogType = "OKTA_SCALEFT"

// secopsFlags are the flags for --out secops://.
type secopsFlags struct {
	spool, logType, endpoint, forwarder string
	maxDeadLetters                      int
}

func (f *secopsFlags) register(set *pflag.FlagSet) {
	set.StringVar(&f.spool, "spool", "", "keep what is pushed to secops:// in `DIR` or gs://bucket/prefix")
	set.StringVar(&f.logType, "log-type", defaultLogType, "`TYPE` of the raw lines that are pushed to secops://")
	set.StringVar(&f.endpoint, "secops-endpoint", "", "`URL` of the Chronicle API (default that of the location)")
	set.StringVar(&f.forwarder, "secops-forwarder", "", "`ID` of the forwarder to push raw lines as")
	set.IntVar(&f.maxDeadLetters, "max-dead-letters", 100, "set aside at most `N` refused events of a batch")
}

// secopsOnly are the flags that mean nothing for another destination.
var secopsOnly = []string{"spool", "log-type", "secops-endpoint", "secops-forwarder", "max-dead-letters"}

// secopsSettings say where to push what is kept at the spool.
type secopsSettings struct {
	config  secops.Config
	logType string
	maxDead int // as in secops.Sink
}

// pushed reads --out secops:// with its flags. The place that all else is about is
// the spool then.
func (f *collectFlags) pushed(s *collectSettings) (err error) {
	p := &secopsSettings{logType: f.secops.logType}
	if p.config.Instance, err = secops.ParseInstance(f.out); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if err := secops.CheckEndpoint(f.secops.endpoint); err != nil {
		return fmt.Errorf("--secops-endpoint: %w", err)
	}
	switch {
	case f.secops.spool == "":
		return hinted(errors.New("no spool for what is pushed to secops://"), "give --spool DIR or --spool gs://bucket/prefix")
	case strings.HasPrefix(f.secops.spool, secops.Scheme):
		return errors.New("--spool: want a directory or gs://bucket/prefix")
	case f.normalize && f.set.Changed("log-type"):
		return errors.New("--log-type is for raw lines, and --normalize pushes UDM events")
	case f.normalize && f.secops.forwarder != "":
		return errors.New("--secops-forwarder is for raw lines, and --normalize pushes UDM events")
	case f.secops.maxDeadLetters < 0:
		return fmt.Errorf("--max-dead-letters %d: want a number of events", f.secops.maxDeadLetters)
	}
	if err := secops.CheckLogType(p.logType); err != nil {
		return fmt.Errorf("--log-type: %w", err)
	}
	if f.set.Changed("max-dead-letters") {
		p.maxDead = deadLimit(f.secops.maxDeadLetters)
	}
	p.config.Endpoint, p.config.Forwarder, p.config.CAFile = f.secops.endpoint, f.secops.forwarder, f.caFile
	if s.out, err = parseLocation(f.secops.spool); err != nil {
		return fmt.Errorf("--spool: %w", err)
	}
	s.secops, s.layout = p, collector.RootLayout()
	return nil
}

// deadLimit answers a limit that was given as a Sink has it.
func deadLimit(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// checkSecOpsFlags refuses flags that mean nothing without --out secops://.
func (f *collectFlags) checkSecOpsFlags() (err error) {
	f.set.Visit(func(flag *pflag.Flag) {
		if err == nil && slices.Contains(secopsOnly, flag.Name) {
			err = hinted(fmt.Errorf("--%s is for --out secops://", flag.Name), "give --out secops://PROJECT/LOCATION/INSTANCE")
		}
	})
	return err
}

// destination is where to, for people.
func (s *collectSettings) destination() string {
	if s.secops != nil {
		return s.secops.config.Instance.String()
	}
	return s.out.join(s.layout.Raw).String()
}

// push puts the sink that pushes around the one that stores.
func (p *secopsSettings) push(w *collectWork, log *collectLog) error {
	config := p.config
	config.UserAgent = "asa2udm/" + version()
	client, err := secops.New(config)
	if err != nil {
		return err
	}
	w.secops = &secops.Sink{
		Objects: w.objects, Client: client, Source: w.source.Name(), LogType: p.logType, MaxDead: p.maxDead,
		Stats: &secops.Stats{}, Log: log.Logger,
	}
	w.collector.Sink = w.secops
	return nil
}

func checkSecOps(ctx context.Context, w *collectWork, _ *collectSettings) (string, error) {
	return w.secops.Client.Check(ctx)
}

// secopsHint names the cure for what Google SecOps says; docs/secops.md has the
// same table.
func secopsHint(err error) string {
	var status *rest.StatusError
	errors.As(err, &status)
	switch {
	case errors.Is(err, secops.ErrDenied) && status != nil:
		return deniedHint(status.Reason)
	case errors.Is(err, secops.ErrRequest) && status != nil && status.Status == http.StatusNotImplemented:
		return "this version of the API lacks the method: name another one, such as --secops-endpoint https://LOCATION-chronicle.googleapis.com/v1beta"
	case errors.Is(err, secops.ErrCredentials):
		return "gcloud auth application-default login, or run with a service account"
	case errors.Is(err, secops.ErrNotFound):
		return "check project, location and instance (SIEM Settings, Profile), the log type, and the endpoint of the location"
	case errors.Is(err, secops.ErrRefused):
		return "the words tell why: correct the log type or the setup and run again; UDM that lies at the spool stays as it was mapped: " +
			"run once with --max-dead-letters N, which sets up to N events of a batch aside, and then resend --rules with the corrected rules"
	case errors.Is(err, secops.ErrAnswer):
		return "look for a proxy or a login page between here and the endpoint, and check the endpoint"
	case errors.Is(err, secops.ErrRequest):
		return "the words tell why; nothing was moved, the next run pushes the same batch"
	case errors.Is(err, secops.ErrUnavailable):
		return "nothing is lost, the next run pushes what lies at the spool"
	case errors.Is(err, secops.ErrSpool):
		return "restore the objects at the spool from a copy: they were not pushed"
	}
	return ""
}

// deniedHint is for the reasons that Google gives with a 403.
func deniedHint(reason string) string {
	switch reason {
	case "SERVICE_DISABLED":
		return "enable the Chronicle API in the project: gcloud services enable chronicle.googleapis.com; " +
			"as yourself also: gcloud auth application-default set-quota-project PROJECT"
	case "CONSUMER_INVALID":
		return "the project does not exist, or is not the one that the instance is bound to: check PROJECT"
	case "ACCESS_TOKEN_SCOPE_INSUFFICIENT":
		return "the credentials lack the scope https://www.googleapis.com/auth/cloud-platform"
	case "SECURITY_POLICY_VIOLATED":
		return "a perimeter of VPC Service Controls keeps this machine out"
	case "USER_PROJECT_DENIED":
		return "grant the account roles/serviceusage.serviceUsageConsumer in the quota project of the credentials, or choose another one: gcloud auth application-default set-quota-project PROJECT"
	case "", "IAM_PERMISSION_DENIED":
		return "grant the account roles/chronicle.editor in the instance's project, or a role with chronicle.events.import and chronicle.logs.import"
	}
	return "the words tell why; nothing was moved, the next run pushes the same batch"
}

// secopsMetricList is for jobs that push to Google SecOps.
var secopsMetricList = []metric{
	{"secops_accepted_total", "Events that Google SecOps has accepted.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.accepted) }},
	{"secops_dead_letters_total", "Events set aside because they were refused.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.dead) }},
	{"secops_repeated_total", "Events pushed again because a request went unanswered.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.repeated) }},
	{"secops_requests_total", "Requests to the Chronicle API, retries included.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.requests) }},
	{"secops_retries_total", "Requests that were tried again.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.retries) }},
	{"secops_throttled_total", "Requests answered 429.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.throttles) }},
	{"secops_refused_total", "Requests refused for an event in them.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.refusals) }},
	{"secops_bytes_total", "Bytes of the requests that were accepted.", prometheus.CounterValue, func(c counts) float64 { return float64(c.push.bytes) }},
}

// pushCounts are the counters of a push.
type pushCounts struct {
	accepted, dead, repeated, refusals, bytes int64
	requests, retries, throttles              int64
}

func snapshotPush(s *secops.Sink) pushCounts {
	if s == nil {
		return pushCounts{}
	}
	calls := s.Client.Calls()
	return pushCounts{
		accepted: s.Stats.Accepted.Load(), dead: s.Stats.Dead.Load(), repeated: s.Stats.Repeated.Load(),
		refusals: s.Stats.Refusals.Load(), bytes: s.Stats.Bytes.Load(),
		requests: calls.Requests.Load(), retries: calls.Retries.Load(), throttles: calls.Throttles.Load(),
	}
}

// pushReport is the part of a report about a push.
type pushReport struct {
	Accepted    int64 `json:"accepted"`
	DeadLetters int64 `json:"dead_letters"`
	Repeated    int64 `json:"repeated"`
	Requests    int64 `json:"requests"`
	Retries     int64 `json:"retries"`
	Bytes       int64 `json:"bytes"`
}

func newPushReport(before, after pushCounts) *pushReport {
	return &pushReport{
		Accepted: after.accepted - before.accepted, DeadLetters: after.dead - before.dead, Repeated: after.repeated - before.repeated,
		Requests: after.requests - before.requests, Retries: after.retries - before.retries, Bytes: after.bytes - before.bytes,
	}
}

// pushAttrs are what a log says of a push, nothing where there was none.
func pushAttrs(r *pushReport) (attrs []slog.Attr) {
	if r == nil {
		return nil
	}
	attrs = []slog.Attr{slog.Int64("pushed", r.Accepted), slog.Int64("push_requests", r.Requests), slog.Int64("push_bytes", r.Bytes)}
	if r.DeadLetters > 0 {
		attrs = append(attrs, slog.Int64("dead_letters", r.DeadLetters))
	}
	if r.Repeated > 0 {
		attrs = append(attrs, slog.Int64("push_repeated", r.Repeated))
	}
	return attrs
}
