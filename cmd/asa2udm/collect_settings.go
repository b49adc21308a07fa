package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/asa2udm/asa2udm/collector"
	"github.com/asa2udm/asa2udm/collector/asa"
	"github.com/asa2udm/asa2udm/collector/gcs"
	"github.com/asa2udm/asa2udm/collector/secops"
	"github.com/asa2udm/asa2udm/collector/secret"
)

func environ(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// collectSettings are the settings of collect with all sources of them merged:
// flags win over the environment.
type collectSettings struct {
	asa           asa.Config    // but for the secret
	keySecret     secret.Secret // its value is read by readSecret, if it has a reference
	secrets       *secret.Resolver
	caFile        string
	timeout       time.Duration
	out           location        // of the spool where events are pushed on
	secops        *secopsSettings // nil where they are not
	layout        collector.Layout
	state         location // of the object itself
	oldPlaces     []location
	since         string
	maxRecords    int
	objectRecords int
	overlap       time.Duration
	every         time.Duration
	rules         string // "" without --normalize
	gzip          bool
	rawPages      bool
	dryRun        bool
	repair        string
	listen        string
	log           *collectLog
}

// location is a directory or a prefix in a bucket, or an object therein.
type location struct {
	bucket string // "" for the file system
	path   string
}

func parseLocation(s string) (location, error) {
	if !strings.Contains(s, "://") {
		if s == "" {
			return location{}, errors.New("an empty path")
		}
		abs, err := filepath.Abs(s)
		return location{path: abs}, err
	}
	bucket, prefix, err := gcs.ParseURL(s)
	return location{bucket, prefix}, err
}

func (p location) String() string {
	if p.bucket == "" {
		return p.path
	}
	return strings.TrimSuffix("gs://"+p.bucket+"/"+p.path, "/")
}

// join answers a place below p.
func (p location) join(name string) location {
	if p.bucket == "" {
		return location{path: filepath.Join(p.path, filepath.FromSlash(name))}
	}
	return location{p.bucket, strings.TrimPrefix(path.Join(p.path, name), "/")}
}

// within reports whether p is o or lies below it.
func (p location) within(o location) bool {
	a, b := filepath.ToSlash(p.path), filepath.ToSlash(o.path)
	return p.bucket == o.bucket && (a == b || b == "" || strings.HasPrefix(a, strings.TrimSuffix(b, "/")+"/"))
}

// split answers the folder of an object and its name.
func (p location) split() (location, string) {
	slash := filepath.ToSlash(p.path)
	i := strings.LastIndexByte(slash, '/')
	return location{p.bucket, slash[:max(i, 0)]}, slash[i+1:]
}

// text answers a flag's value, or the variable's where the flag was not given.
func (f *collectFlags) text(flag, value, variable string) string {
	if f.set.Changed(flag) {
		return value
	}
	if v := f.environment(variable); v != "" {
		return v
	}
	return value
}

func (f *collectFlags) number(flag string, value int, variable string) (int, error) {
	text := f.environment(variable)
	if f.set.Changed(flag) || text == "" {
		return value, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s=%q: want a number", variable, text)
	}
	return n, nil
}

func (f *collectFlags) settings(log *collectLog) (*collectSettings, error) {
	s := &collectSettings{
		caFile: f.caFile, timeout: f.timeout, objectRecords: f.objectRecords, overlap: f.overlap, every: f.every,
		gzip: f.gzip, rawPages: f.rawPages, dryRun: f.dryRun, repair: f.repair, listen: f.listen, log: log, secrets: f.secrets(),
	}
	if f.normalize {
		s.rules = f.rules
	}
	for _, step := range []func(*collectSettings) error{f.modes, f.api, f.numbers, f.destination, f.statePlace, f.begin} {
		if err := step(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (f *collectFlags) modes(s *collectSettings) error {
	switch {
	case f.once && f.set.Changed("every"):
		return errors.New("--once and --every exclude each other")
	case f.set.Changed("every") && f.every < time.Second:
		return fmt.Errorf("--every %s: want at least 1s", f.every)
	case f.listen != "" && f.every == 0 && !f.serving:
		return hinted(errors.New("--listen is for a service"), "add --every 1m")
	case f.set.Changed("rules") && !f.normalize:
		return hinted(errors.New("--rules is for --normalize"), "add --normalize")
	case f.objectRecords < 1:
		return fmt.Errorf("--object-records %d: want at least 1", f.objectRecords)
	}
	return f.checkRepair()
}

func (f *collectFlags) checkRepair() error {
	if f.repair == "" || slices.Contains([]string{"rebuild-state", "from-start", "accept-unverified"}, f.repair) {
		return nil
	}
	return fmt.Errorf("--repair %q: want rebuild-state, from-start or accept-unverified", f.repair)
}

// api reads who asks whom. The secret comes from a file or the environment, so
// that it stands in no list of processes and in no shell history.
func (f *collectFlags) api(s *collectSettings) error {
	if err := f.keySecret(s); err != nil {
		return err
	}
	s.asa = asa.Config{
		BaseURL: f.text("base-url", f.baseURL, "ASA_BASE_URL"),
		Team:    f.text("team", f.team, "ASA_TEAM_NAME"),
		KeyID:   f.text("key-id", f.keyID, "ASA_KEY_ID"),
	}
	switch {
	case s.asa.Team == "":
		return hinted(errors.New("no ASA team"), "give --team or set ASA_TEAM_NAME")
	case s.asa.KeyID == "":
		return hinted(errors.New("no API key"), "give --key-id or set ASA_KEY_ID")
	case s.keySecret == secret.Secret{}:
		return hinted(errors.New("no secret of the API key"), "set ASA_KEY_SECRET, or give --key-secret-file")
	}
	return nil
}

func (f *collectFlags) numbers(s *collectSettings) (err error) {
	if s.maxRecords, err = f.number("max-records", f.maxRecords, "MAX_RECORDS"); err != nil {
		return err
	}
	if s.asa.PageSize, err = f.number("page-size", f.pageSize, "PAGE_SIZE"); err != nil {
		return err
	}
	if s.maxRecords < 0 {
		return fmt.Errorf("--max-records %d: want a number of events", s.maxRecords)
	}
	if s.asa.PageSize > asa.MaxPageSize && !f.set.Changed("page-size") {
		s.log.Warn("PAGE_SIZE is more than the API answers", "page_size", s.asa.PageSize, "used", asa.MaxPageSize)
		s.asa.PageSize = asa.MaxPageSize
	}
	return nil
}

// defaultPrefix is what GCS_PREFIX stands for where only GCS_BUCKET is set.
const defaultPrefix = "okta-asa"

// destination reads where to. With the documented variables the records go right
// under GCS_PREFIX, which is what the feed reads; with --out into raw/ below it.
func (f *collectFlags) destination(s *collectSettings) (err error) {
	if strings.HasPrefix(f.out, secops.Scheme) {
		return f.pushed(s)
	}
	if err := f.checkSecOpsFlags(); err != nil {
		return err
	}
	bucket := f.environment("GCS_BUCKET")
	switch {
	case f.out != "":
		if s.out, err = parseLocation(f.out); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		s.layout = collector.RootLayout()
	case bucket != "":
		prefix := strings.Trim(f.environment("GCS_PREFIX"), "/")
		if prefix == "" {
			prefix = defaultPrefix
		}
		s.out, s.layout = location{bucket: bucket}, collector.FeedLayout(prefix)
	default:
		return hinted(errors.New("no destination"), "give --out DIR, --out gs://bucket/prefix or --out secops://PROJECT/LOCATION/INSTANCE, or set GCS_BUCKET and GCS_PREFIX")
	}
	return nil
}

// statePlace reads where the state is kept, which must be outside of what a feed
// reads: the feed would take it for a record at each change.
func (f *collectFlags) statePlace(s *collectSettings) (err error) {
	feed := s.feedLayout()
	prefix := strings.TrimSuffix(s.layout.Raw, "/")
	s.state = s.out.join(s.layout.StateName())
	if feed {
		s.oldPlaces = append(s.oldPlaces, s.out.join(prefix+"/state.json"))
	}
	fix := s.state
	key := f.environment("STATE_KEY")
	switch {
	case f.state != "":
		if s.state, err = parseLocation(f.state); err != nil {
			return fmt.Errorf("--state: %w", err)
		}
	case key != "" && s.out.bucket != "":
		s.state = location{s.out.bucket, strings.Trim(key, "/")}
	}
	if f.takeOver != "" {
		old, err := parseLocation(f.takeOver)
		if err != nil {
			return fmt.Errorf("--take-over: %w", err)
		}
		s.oldPlaces = append([]location{old}, s.oldPlaces...)
	}
	for _, below := range []string{s.layout.Raw, s.layout.UDM, s.layout.Rejects, s.layout.Pages, s.layout.Manifest} {
		if !s.state.within(s.out.join(below)) {
			continue
		}
		err := fmt.Errorf("the state %s lies under %s, which a feed reads: it would ingest the state as a log", s.state, s.out.join(below))
		if f.state != "" || !feed {
			return hinted(err, "give --state %s", fix)
		}
		hint := fmt.Sprintf("set STATE_KEY=%s", fix.path)
		if s.state != s.oldPlaces[len(s.oldPlaces)-1] {
			hint += fmt.Sprintf(" and run once with --take-over %s", s.state)
		} else {
			hint += "; the state of the documented function is taken over from where it is"
		}
		return hinted(err, "%s", hint)
	}
	return nil
}

func (s *collectSettings) feedLayout() bool { return s.layout != collector.RootLayout() }

// begin reads where a first run begins.
func (f *collectFlags) begin(s *collectSettings) error {
	if hours := f.environment("LOOKBACK_HOURS"); hours != "" && !f.set.Changed("since") {
		n, err := strconv.ParseFloat(hours, 64)
		if err != nil || n < 0 || n > 24*365*10 {
			return fmt.Errorf("LOOKBACK_HOURS=%q: want a number of hours", hours)
		}
		s.since = time.Duration(n * float64(time.Hour)).String()
		return nil
	}
	s.since = f.since
	_, err := s.sinceTime(time.Now())
	return err
}

// sinceTime answers the time that --since stands for, the zero time for all.
func (s *collectSettings) sinceTime(now time.Time) (time.Time, error) {
	if s.since == "" || s.since == "all" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s.since); err == nil && d >= 0 {
		return now.Add(-d).UTC(), nil
	}
	if days, ok := strings.CutSuffix(s.since, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 10_000 {
			return now.AddDate(0, 0, -n).UTC(), nil
		}
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(form, s.since); err == nil {
			if t.After(now) {
				return time.Time{}, fmt.Errorf("--since %s lies in the future", s.since)
			}
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q: want a span such as 24h or 7d, a time such as 2026-01-31T00:00:00Z, or all", s.since)
}
