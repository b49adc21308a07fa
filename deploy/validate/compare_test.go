package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// kindOf is what gcloud calls the things that Terraform binds roles on.
var kindOf = map[string]string{
	"google_storage_bucket_iam_member": "storage buckets", "google_secret_manager_secret_iam_member": "secrets",
	"google_cloud_run_v2_job_iam_member": "run jobs", "google_cloud_run_v2_service_iam_member": "run services",
	"google_service_account_iam_member": "iam service-accounts", "google_project_iam_member": "projects",
	"google_pubsub_topic_iam_member": "pubsub topics", "google_pubsub_subscription_iam_member": "pubsub subscriptions",
}

// TestSameRoles holds the roles that the script binds against those in the text of
// the Terraform module. It needs no Terraform.
func TestSameRoles(t *testing.T) {
	want := map[string]bool{}
	for _, b := range moduleBlocks(t) {
		kind := kindOf[first(b.Labels)]
		if kind == "" {
			continue
		}
		role := "the custom role"
		if v, diags := b.Body.Attributes["role"].Expr.Value(nil); !diags.HasErrors() {
			role = v.AsString()
		}
		want[kind+" "+role] = true
	}
	got := map[string]bool{}
	for _, setup := range setups {
		r := newRig(t)
		r.ok(t, setup.args...)
		for binding := range r.state(t).Bindings {
			words := strings.Fields(binding)
			role, kind := words[len(words)-2], strings.Join(words[:len(words)-3], " ")
			if strings.HasPrefix(role, "projects/") {
				role = "the custom role"
			}
			got[kind+" "+role] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 8 {
		t.Errorf("roles (-terraform +script):\n%s", diff)
	}
}

func first(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	return labels[0]
}

func moduleBlocks(t *testing.T) (all []*hclsyntax.Block) {
	t.Helper()
	names, err := filepath.Glob(moduleDir + "/*.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, diags := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		all = append(all, f.Body.(*hclsyntax.Body).Blocks...)
	}
	return all
}

// TestSamePlan holds all that the script makes against Terraform's plan for the
// same settings: names, roles and members, flags of the program, limits, schedule,
// and the filters of the alerts.
func TestSamePlan(t *testing.T) {
	for name, setup := range setups {
		t.Run(name, func(t *testing.T) {
			tf := findTerraform(t)
			p, err := tf.plan(t, setup.variables)
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t)
			r.ok(t, setup.args...)
			want, got := planFacts(p), cloudFacts(t, r.state(t))
			if diff := cmp.Diff(want, got); diff != "" || len(want) < 30 {
				t.Errorf("facts (-terraform +script):\n%s", diff)
			}
		})
	}
}

// facts are what both ways have to agree on.
type facts map[string]string

// path answers a value in a plan, "" where there is none.
func path(v any, steps ...any) string {
	for _, step := range steps {
		switch at := v.(type) {
		case map[string]any:
			v = at[fmt.Sprint(step)]
		case []any:
			n, ok := step.(int)
			if !ok || n >= len(at) {
				return ""
			}
			v = at[n]
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func list(v any, steps ...any) []any {
	for _, step := range steps {
		switch at := v.(type) {
		case map[string]any:
			v = at[fmt.Sprint(step)]
		case []any:
			v = at[step.(int)]
		}
	}
	all, _ := v.([]any)
	return all
}

func planFacts(p *plan) facts {
	f := facts{}
	name := path(p.Variables["name"].Value)
	for _, r := range p.Planned.Root.Resources {
		v := r.Values
		if kind, ok := kindOf[r.Type]; ok {
			on := path(v, "bucket") + path(v, "secret_id") + path(v, "topic") + path(v, "subscription")
			switch kind {
			case "storage buckets":
				on = "gs://" + on
			case "run jobs", "run services":
				on = path(v, "name")
			case "projects":
				on = path(v, "project")
				v["role"] = "projects/" + on + "/roles/" + strings.ReplaceAll(name, "-", "_") + "_importer" // known after apply
			case "iam service-accounts":
				on = name + "-trigger@example-logs.iam.gserviceaccount.com" // known after apply
			}
			f["role: "+kind+" "+on+" "+path(v, "role")+" "+path(v, "member")] = "yes"
			continue
		}
		planThing(f, r.Type, v)
	}
	return f
}

func planThing(f facts, kind string, v map[string]any) {
	switch kind {
	case "google_project_service":
		f["api: "+path(v, "service")] = "yes"
	case "google_service_account":
		f["account: "+path(v, "email")] = path(v, "display_name")
	case "google_secret_manager_secret":
		f["secret: "+path(v, "secret_id")] = "yes"
	case "google_project_iam_custom_role":
		f["custom role: "+path(v, "role_id")] = path(v, "title") + path(v, "permissions")
	case "google_storage_bucket":
		name := "bucket: " + path(v, "name")
		f[name] = strings.Join([]string{path(v, "location"), path(v, "versioning", 0, "enabled"), path(v, "uniform_bucket_level_access"), path(v, "public_access_prevention")}, " ")
		f[name+" soft delete"] = path(v, "soft_delete_policy", 0, "retention_duration_seconds")
		f[name+" retention"] = path(v, "retention_policy", 0, "retention_period")
		for _, rule := range list(v, "lifecycle_rule") {
			f[name+" lifecycle age="+path(rule, "condition", 0, "age")+" noncurrent="+path(rule, "condition", 0, "days_since_noncurrent_time")+
				" newer="+path(rule, "condition", 0, "num_newer_versions")+" live="+map[string]string{"LIVE": "true", "ARCHIVED": "false"}[path(rule, "condition", 0, "with_state")]] = path(rule, "action", 0, "type")
		}
	case "google_cloud_run_v2_job":
		f["run: tasks"] = path(v, "template", 0, "task_count") + " " + path(v, "template", 0, "parallelism")
		f["run: retries"] = path(v, "template", 0, "template", 0, "max_retries")
		planRun(f, v["template"].([]any)[0].(map[string]any)["template"])
	case "google_cloud_run_v2_service":
		f["run: instances"] = path(v, "template", 0, "scaling", 0, "min_instance_count") + " " + path(v, "template", 0, "scaling", 0, "max_instance_count")
		f["run: concurrency"] = path(v, "template", 0, "max_instance_request_concurrency")
		f["run: ingress"] = map[string]string{"INGRESS_TRAFFIC_INTERNAL_ONLY": "internal"}[path(v, "ingress")]
		f["run: port"] = path(v, "template", 0, "containers", 0, "ports", 0, "container_port")
		for _, probe := range []string{"startup_probe", "liveness_probe"} {
			at := list(v, "template", 0, "containers", 0, probe)[0]
			f["run: "+probe] = fmt.Sprintf("httpGet.path=%s,periodSeconds=%s,timeoutSeconds=%s,failureThreshold=%s",
				path(at, "http_get", 0, "path"), path(at, "period_seconds"), path(at, "timeout_seconds"), path(at, "failure_threshold"))
		}
		planRun(f, v["template"])
	default:
		planRest(f, kind, v)
	}
}

func planRun(f facts, template any) {
	at := template.([]any)[0]
	f["run: image"] = path(at, "containers", 0, "image")
	f["run: account"] = path(at, "service_account")
	f["run: timeout"] = path(at, "timeout")
	f["run: cpu"] = path(at, "containers", 0, "resources", 0, "limits", "cpu")
	f["run: memory"] = path(at, "containers", 0, "resources", 0, "limits", "memory")
	var args []string
	for _, a := range list(at, "containers", 0, "args") {
		args = append(args, fmt.Sprint(a))
	}
	f["run: args"] = strings.Join(args, ",")
	for _, e := range list(at, "containers", 0, "env") {
		f["run: env "+path(e, "name")] = path(e, "value")
	}
}

func planRest(f facts, kind string, v map[string]any) {
	switch kind {
	case "google_pubsub_topic":
		f["topic: "+path(v, "name")] = "yes"
	case "google_pubsub_subscription":
		name := "subscription: " + path(v, "name")
		f[name+" keeps"] = path(v, "message_retention_duration")
		if account := path(v, "push_config", 0, "oidc_token", 0, "service_account_email"); account != "" {
			f[name+" push"] = account
			f[name+" deadline"] = path(v, "ack_deadline_seconds")
			f[name+" backoff"] = path(v, "retry_policy", 0, "minimum_backoff") + " " + path(v, "retry_policy", 0, "maximum_backoff")
			f[name+" attempts"] = path(v, "dead_letter_policy", 0, "max_delivery_attempts")
		}
	case "google_cloud_scheduler_job":
		f["schedule: when"] = path(v, "schedule") + " " + path(v, "time_zone")
		f["schedule: retries"] = path(v, "retry_config", 0, "retry_count") + " " + path(v, "retry_config", 0, "min_backoff_duration")
		if path(v, "http_target", 0, "uri") != "" {
			f["schedule: calls"] = path(v, "http_target", 0, "http_method") + " " + path(v, "http_target", 0, "uri") + " as " +
				path(v, "http_target", 0, "oauth_token", 0, "service_account_email") + " for " + path(v, "http_target", 0, "oauth_token", 0, "scope")
		} else {
			f["schedule: calls"] = "a topic"
		}
	case "google_logging_metric":
		f["metric: "+path(v, "name")] = path(v, "filter") + " " + path(v, "value_extractor") + " " + path(v, "metric_descriptor", 0, "value_type") +
			" " + path(v, "bucket_options", 0, "exponential_buckets", 0, "num_finite_buckets")
	case "google_monitoring_alert_policy":
		name := "alert: " + path(v, "display_name")
		f[name] = path(v, "severity") + " " + path(v, "documentation", 0, "content") + path(v, "notification_channels")
		c := list(v, "conditions")[0]
		for _, kind := range []string{"condition_threshold", "condition_absent"} {
			if path(c, kind, 0, "filter") != "" {
				f[name+" when"] = fmt.Sprintf("%s %s: %s > %s for %s, %s %s %s", kind, path(c, "display_name"), path(c, kind, 0, "filter"),
					path(c, kind, 0, "threshold_value"), path(c, kind, 0, "duration"), path(c, kind, 0, "aggregations", 0, "alignment_period"),
					path(c, kind, 0, "aggregations", 0, "per_series_aligner"), path(c, kind, 0, "aggregations", 0, "cross_series_reducer"))
			}
		}
	}
}

func cloudFacts(t *testing.T, c *cloud) facts {
	f := facts{}
	for name := range c.APIs {
		f["api: "+name] = "yes"
	}
	for binding := range c.Bindings {
		f["role: "+binding] = "yes"
	}
	for key, flags := range c.Things {
		words := strings.Fields(key)
		kind, name := strings.Join(words[:len(words)-1], " "), words[len(words)-1]
		cloudThing(t, f, kind, name, flags)
	}
	return f
}

// seconds answers a span of gcloud's as Terraform has it.
func seconds(span string) string {
	for unit, n := range map[string]int{"d": 86400, "h": 3600, "s": 1} {
		if v, err := strconv.Atoi(strings.TrimSuffix(span, unit)); err == nil && strings.HasSuffix(span, unit) {
			return strconv.Itoa(v * n)
		}
	}
	return span
}

func flagText(flags map[string]string, name string) string {
	_, ok := flags[name]
	return strconv.FormatBool(ok)
}

func cloudThing(t *testing.T, f facts, kind, name string, flags map[string]string) {
	switch kind {
	case "iam service-accounts":
		f["account: "+name] = flags["--display-name"]
	case "secrets":
		f["secret: "+name] = "yes"
	case "iam roles":
		f["custom role: "+name] = flags["--title"] + fmt.Sprint(strings.Split(flags["--permissions"], ","))
	case "storage buckets":
		cloudBucket(t, f, "bucket: "+strings.TrimPrefix(name, "gs://"), flags)
	case "run jobs":
		f["run: tasks"] = flags["--tasks"] + " " + flags["--parallelism"]
		f["run: retries"] = flags["--max-retries"]
		cloudRun(f, flags, "--task-timeout")
	case "run services":
		f["run: instances"] = flags["--min-instances"] + " " + flags["--max-instances"]
		f["run: concurrency"] = flags["--concurrency"]
		f["run: ingress"] = flags["--ingress"]
		f["run: port"] = flags["--port"]
		f["run: startup_probe"] = flags["--startup-probe"]
		f["run: liveness_probe"] = flags["--liveness-probe"]
		if flagText(flags, "--no-allow-unauthenticated") != "true" {
			t.Error("the service is open")
		}
		cloudRun(f, flags, "--timeout")
	case "pubsub topics":
		f["topic: "+name] = "yes"
	case "pubsub subscriptions":
		name = "subscription: " + name
		f[name+" keeps"] = seconds(flags["--message-retention-duration"]) + "s"
		if account := flags["--push-auth-service-account"]; account != "" {
			f[name+" push"] = account
			f[name+" deadline"] = flags["--ack-deadline"]
			f[name+" backoff"] = flags["--min-retry-delay"] + " " + flags["--max-retry-delay"]
			f[name+" attempts"] = flags["--max-delivery-attempts"]
		}
	case "scheduler jobs":
		f["schedule: when"] = flags["--schedule"] + " " + flags["--time-zone"]
		f["schedule: retries"] = flags["--max-retry-attempts"] + " " + flags["--min-backoff"]
		f["schedule: calls"] = "a topic"
		if flags["kind"] == "http" {
			f["schedule: calls"] = flags["--http-method"] + " " + flags["--uri"] + " as " + flags["--oauth-service-account-email"] + " for " + flags["--oauth-token-scope"]
		}
	case "logging metrics":
		v := parseJSON(t, flags["--config-from-file"])
		f["metric: "+name] = path(v, "filter") + " " + path(v, "valueExtractor") + " " + path(v, "metricDescriptor", "valueType") +
			" " + path(v, "bucketOptions", "exponentialBuckets", "numFiniteBuckets")
	case "alpha monitoring policies":
		cloudAlert(t, f, parseJSON(t, flags["--policy"]))
	}
}

func parseJSON(t *testing.T, text string) (v map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func cloudBucket(t *testing.T, f facts, name string, flags map[string]string) {
	enforced := map[string]string{"true": "enforced"}[flagText(flags, "--public-access-prevention")]
	f[name] = strings.Join([]string{flags["--location"], flagText(flags, "--versioning"), flagText(flags, "--uniform-bucket-level-access"), enforced}, " ")
	f[name+" soft delete"] = seconds(flags["--soft-delete-duration"])
	f[name+" retention"] = seconds(flags["--retention-period"])
	for _, rule := range list(parseJSON(t, flags["--lifecycle-file"]), "rule") {
		f[name+" lifecycle age="+path(rule, "condition", "age")+" noncurrent="+path(rule, "condition", "daysSinceNoncurrentTime")+
			" newer="+path(rule, "condition", "numNewerVersions")+" live="+path(rule, "condition", "isLive")] = path(rule, "action", "type")
	}
}

func cloudRun(f facts, flags map[string]string, timeout string) {
	f["run: image"] = flags["--image"]
	f["run: account"] = flags["--service-account"]
	f["run: timeout"] = flags[timeout]
	f["run: cpu"] = flags["--cpu"]
	f["run: memory"] = flags["--memory"]
	f["run: args"] = flags["--args"]
	for _, e := range strings.Split(flags["--set-env-vars"], ",") {
		name, value, _ := strings.Cut(e, "=")
		f["run: env "+name] = value
	}
}

func cloudAlert(t *testing.T, f facts, v map[string]any) {
	name := "alert: " + path(v, "displayName")
	channels := list(v, "notificationChannels")
	if channels == nil {
		channels = []any{}
	}
	f[name] = path(v, "severity") + " " + path(v, "documentation", "content") + fmt.Sprint(channels)
	all := list(v, "conditions")
	if len(all) != 1 {
		t.Fatalf("%s has %d conditions", name, len(all))
	}
	for _, kind := range [][2]string{{"conditionThreshold", "condition_threshold"}, {"conditionAbsent", "condition_absent"}} {
		c := all[0].(map[string]any)
		if at, ok := c[kind[0]]; ok {
			f[name+" when"] = fmt.Sprintf("%s %s: %s > %s for %s, %s %s %s", kind[1], path(c, "displayName"), path(at, "filter"),
				path(at, "thresholdValue"), path(at, "duration"), path(at, "aggregations", 0, "alignmentPeriod"),
				path(at, "aggregations", 0, "perSeriesAligner"), path(at, "aggregations", 0, "crossSeriesReducer"))
		}
	}
}

// TestDocumentedRoles holds the table in the documentation against the module.
func TestDocumentedRoles(t *testing.T) {
	text, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	var roles []string
	for _, b := range moduleBlocks(t) {
		if a, ok := b.Body.Attributes["role"]; ok {
			if v, diags := a.Expr.Value(nil); !diags.HasErrors() {
				roles = append(roles, v.AsString())
			}
		}
	}
	slices.Sort(roles)
	for _, role := range slices.Compact(roles) {
		if !strings.Contains(string(text), "`"+role+"`") {
			t.Errorf("docs/deploy.md does not say why %s is needed", role)
		}
	}
	if len(roles) < 8 {
		t.Errorf("%d roles in the module", len(roles))
	}
}
