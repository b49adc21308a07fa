package main_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asa2udm/asa2udm/deploy/validate/check"
	"github.com/asa2udm/asa2udm/deploy/validate/schema"
)

const moduleDir = "../terraform"

// planted is a fault that is edited into a copy of the module.
type planted struct {
	file, old, new string
	at             string // stands in the line of the fault, and nowhere before it
	want           string // what this repository's check says
	terraform      string // what Terraform says at the same place, "" where it says nothing
	elsewhere      string // the file of the fault, where it is not the one that was edited
}

var faults = map[string]planted{
	"syntax": {
		"job.tf", "  template {\n    task_count", "  template \n    task_count", "  template ", "argument or block definition required", "Argument or block definition required", "",
	},
	"unclosed block": {
		"secret.tf", "  replication {\n    auto {}\n  }", "  replication {\n    auto {}\n", `resource "google_secret_manager_secret" "key" {`, "unclosed configuration block", "Unclosed configuration block", "",
	},
	"unknown argument": {
		"storage.tf", `storage_class               = "STANDARD"`, `storage_clas                = "STANDARD"`, "storage_clas ",
		`unsupported argument "storage_clas"; did you mean "storage_class"?`, "Unsupported argument", "",
	},
	"unknown argument in a nested block": {
		"job.tf", "max_retries     = var.max_retries", "retries         = var.max_retries", "retries  ", `unsupported argument "retries"`, "Unsupported argument", "",
	},
	"unknown block": {
		"service.tf", "    scaling {", "    scalling {", "scalling", `unsupported block "scalling"; did you mean "scaling"?`, "Unsupported block type", "",
	},
	"unknown dynamic block": {
		"storage.tf", `dynamic "retention_policy"`, `dynamic "retention"`, `dynamic "retention"`, `unsupported block "retention"`, "Unsupported block type", "",
	},
	"block as argument": {
		"storage.tf", "  versioning {\n    enabled = true\n  }", "  versioning = { enabled = true }", "versioning =", `"versioning" is a block`, "Unsupported argument", "",
	},
	"missing argument": {
		"job.tf", "  location            = var.region\n", "", `resource "google_cloud_run_v2_job" "collect"`, `missing required argument "location"`, "Missing required argument", "",
	},
	"missing argument in a nested block": {
		"trigger.tf", "    push_endpoint = google_cloud_run_v2_service.collect[0].uri\n", "", "push_config {", `missing required argument "push_endpoint"`, "Missing required argument", "",
	},
	"missing block": {
		"secret.tf", "  replication {\n    auto {}\n  }\n", "", `resource "google_secret_manager_secret" "key"`, `missing required block "replication"`, "Insufficient replication blocks", "",
	},
	"block twice": {
		"storage.tf", "  # Versions keep", "  versioning { # again\n    enabled = false\n  }\n\n  # Versions keep", "# again", `2 blocks "versioning", want one`, "Too many versioning blocks", "",
	},
	"number wanted": {
		"job.tf", "task_count  = 1", `task_count  = "one"`, `task_count `, `argument "task_count": a number is required`, "Incorrect attribute value type", "",
	},
	"bool wanted": {
		"storage.tf", "force_destroy               = false\n  labels                      = var.labels\n\n  # Objects", "force_destroy               = \"never\"\n  labels                      = var.labels\n\n  # Objects",
		`"never"`, `argument "force_destroy": a bool is required`, "Incorrect attribute value type", "",
	},
	"text wanted": {
		"trigger.tf", `schedule         = var.schedule`, `schedule         = ["*/5 * * * *"]`, `["*/5`, `argument "schedule": string required`, "Incorrect attribute value type", "",
	},
	"list wanted": {
		"feed.tf", `permissions = ["chronicle.events.import", "chronicle.instances.get", "chronicle.logs.import"]`, `permissions = "chronicle.logs.import"`, "permissions =", `argument "permissions": set of string required`, "Incorrect attribute value type", "",
	},
	"default of another type": {
		"variables.tf", "default     = 3600\n  nullable    = false\n\n  validation {\n    condition     = var.task", "default     = \"an hour\"\n  nullable    = false\n\n  validation {\n    condition     = var.task",
		`"an hour"`, `argument "default": a number is required`, "Invalid default value for variable", "",
	},
	"undeclared variable": {
		"identity.tf", "account_id   = var.name\n", "account_id   = var.nam\n", "var.nam\n", `undeclared variable "var.nam"; did you mean "name"?`, "Reference to undeclared input variable", "",
	},
	"undeclared local": {
		"trigger.tf", "member             = local.pubsub_agent", "member             = local.agent", "local.agent\n", `undeclared local value "local.agent"`, "Reference to undeclared local value", "",
	},
	"undeclared resource": {
		"secret.tf", "secret_id = google_secret_manager_secret.key.secret_id", "secret_id = google_secret_manager_secret.secret.secret_id", "_secret.secret.secret_id",
		`undeclared resource "google_secret_manager_secret.secret"`, "Reference to undeclared resource", "",
	},
	"undeclared resource in depends_on": {
		"service.tf", "    google_storage_bucket_iam_member.collector_state,", "    google_storage_bucket_iam_member.collector_stat,", "collector_stat,",
		`undeclared resource "google_storage_bucket_iam_member.collector_stat"; did you mean`, "Reference to undeclared resource", "",
	},
	"undeclared resource in a text": {
		"locals.tf", "gs://${google_storage_bucket.data.name}", "gs://${google_storage_bucket.events.name}", "google_storage_bucket.events", `undeclared resource "google_storage_bucket.events"`, "Reference to undeclared resource", "",
	},
	"undeclared data source": {
		"trigger.tf", "data.google_project.this.number", "data.google_project.that.number", "google_project.that", `undeclared resource "data.google_project.that"`, "Reference to undeclared resource", "",
	},
	"unknown result": {
		"identity.tf", "member = google_service_account.collector.member\n}\n\n# To replace", "member = google_service_account.collector.mail\n}\n\n# To replace", "collector.mail",
		`google_service_account has no attribute "mail"; did you mean "email"?`, "Unsupported attribute", "",
	},
	"unknown result of several": {
		"outputs.tf", "collect[*].uri", "collect[*].url", "collect[*].url", `google_cloud_run_v2_service has no attribute "url"`, "", "",
	},
	"no index": {
		"job.tf", "google_cloud_run_v2_job.collect[0].name", "google_cloud_run_v2_job.collect.name", "collect.name", `"google_cloud_run_v2_job.collect" is one of several`, "Missing resource instance key", "",
	},
	"each without for_each": {
		"secret.tf", `secret_id = "${var.name}-key-secret"`, `secret_id = each.key`, "each.key", "each is for blocks with for_each", `Reference to "each" in context without for_each`, "",
	},
	"result set": {
		"identity.tf", `account_id   = "${var.name}-trigger"`, "account_id   = \"${var.name}-trigger\"\n  email        = \"a@example.com\"", "a@example.com", `"email" is a result and cannot be set`, "Value for unconfigurable attribute", "",
	},
	"unknown resource type": {
		"secret.tf", `resource "google_secret_manager_secret_iam_member"`, `resource "google_secret_iam_member"`, `"google_secret_iam_member"`, `unknown resource type "google_secret_iam_member"`, "Invalid resource type", "",
	},
	"unknown function": {
		"locals.tf", "apis = toset(concat(", "apis = toset(concatenate(", "concatenate", `unknown function "concatenate"`, "Call to unknown function", "",
	},
	"declared twice": {
		"outputs.tf", `output "feed_url"`, `output "data_url"`, `output "data_url"`, `output "data_url" is declared twice`, "Duplicate output definition", "",
	},
	"unknown kind of block": {
		"locals.tf", "locals {", "local {", "local {", `unknown kind of block "local"`, "Unsupported block type", "",
	},
	"validation asks another variable": {
		"variables.tf", "condition     = contains([\"job\", \"service\"], var.mode)", "condition     = contains([\"job\", \"service\"], var.name)", "\"service\"], var.name", `asks for another variable`, "Invalid variable validation condition", "",
	},
	"Terraform's version": {
		"versions.tf", `required_version = ">= 1.3"`, `required_version = "newest"`, `"newest"`, `version constraint "newest": want such as`, "Invalid version constraint", "",
	},
	"version of a provider": {
		"versions.tf", `">= 6.50, < 8.0"`, `">= 6.50 < 8.0"`, `">= 6.50 <`, `version constraint ">= 6.50 < 8.0": want such as`, "Invalid version constraint", "",
	},
	"name of an output": {
		"outputs.tf", `output "feed_url"`, `output "feed url"`, `output "feed url"`, `output name "feed url": want letters`, "Invalid output name", "",
	},
	"name of a variable": {
		"variables.tf", `variable "schedule"`, `variable "1schedule"`, `variable "1schedule"`, `variable name "1schedule": want letters`, "Invalid variable name", "",
	},
	"unknown name in ignore_changes": {
		"secret.tf", "  replication {", "  lifecycle {\n    ignore_changes = [label]\n  }\n\n  replication {", "[label]", `no argument "label" to ignore; did you mean "labels"?`, "Unsupported attribute", "",
	},
	"too few arguments": {
		"secret.tf", `secret_id = "${var.name}-key-secret"`, `secret_id = lower()`, "lower()", "lower has 0 arguments, want 1 or more", "Not enough function arguments", "",
	},
	"too many arguments": {
		"secret.tf", `secret_id = "${var.name}-key-secret"`, `secret_id = lower(var.name, "-key")`, "lower(", "lower has 2 arguments, want 1 at most", "Too many function arguments", "",
	},
	"for_each over a list": {
		"identity.tf", "  count = var.image_repository == null ? 0 : 1\n", "  for_each = [\"one\"]\n", `for_each = ["one"]`, "for_each over a list", "Invalid for_each argument", "",
	},
	"count of a text": {
		"identity.tf", "count = var.image_repository == null ? 0 : 1\n", "count = \"one\"\n", `count = "one"`, `argument "count": a number is required`, "Incorrect value type", "",
	},
	"unknown attribute of a variable": {
		"identity.tf", "var.image_repository.location", "var.image_repository.region", "var.image_repository.region", `variable "image_repository" has no attribute "region"`, "Unsupported attribute", "",
	},
	"quoted depends_on": {
		"secret.tf", "depends_on = [google_project_service.api]", "depends_on = [\"google_project_service.api\"]", `["google_project_service.api"]`, "depends_on has a text", "", "",
	},
	// Here Terraform is content, and the next reader is not.
	"undocumented variable": {
		"variables.tf", "  description = \"Region of Cloud Run, such as europe-west1.\"\n", "", `variable "region"`, `variable "region" has no description`, "", "",
	},
	"undocumented output": {
		"outputs.tf", "  description = \"Where the state lies.\"\n", "", `output "state_url"`, `output "state_url" has no description`, "", "",
	},
	"variable without a type": {
		"variables.tf", "  type        = string\n  default     = \"512Mi\"\n", "  default     = \"512Mi\"\n", `variable "memory"`, `variable "memory" has no type`, "", "",
	},
	"unused variable": {
		"trigger.tf", `paused           = var.paused`, `paused           = true`, `variable "paused"`, `variable "paused" is never used`, "", "variables.tf",
	},
	"unused local": {
		"locals.tf", "locals {", "locals {\n  spare = 1\n", "spare", `local value "spare" is never used`, "", "",
	},
}

// place is the file of the fault.
func (p planted) place() string { return cmp.Or(p.elsewhere, p.file) }

// plant copies the module with the fault in it, and answers where it is.
func (p planted) plant(t *testing.T) (dir string, line int) {
	t.Helper()
	dir = t.TempDir()
	names, err := filepath.Glob(moduleDir + "/*.tf")
	if err != nil || len(names) == 0 {
		t.Fatalf("no module: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if filepath.Base(name) == p.file {
			if !strings.Contains(text, p.old) {
				t.Fatalf("%s has no %q", p.file, p.old)
			}
			text = strings.Replace(text, p.old, p.new, 1)
		}
		if filepath.Base(name) == p.place() {
			before, _, found := strings.Cut(text, p.at)
			if !found {
				t.Fatalf("%s has no %q afterwards", p.place(), p.at)
			}
			if strings.HasSuffix(p.want, "declared twice") {
				before = text[:strings.LastIndex(text, p.at)]
			}
			line = strings.Count(before, "\n") + 1
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir, line
}

func google(t *testing.T) *schema.Provider {
	t.Helper()
	p, err := schema.Google()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestModulesAreClean(t *testing.T) {
	for _, dir := range []string{moduleDir, moduleDir + "/examples/job", moduleDir + "/examples/service"} {
		findings, err := check.Dir(dir, google(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			t.Error(f)
		}
	}
}

func TestPlantedFaultsAreFound(t *testing.T) {
	for name, p := range faults {
		t.Run(name, func(t *testing.T) {
			dir, line := p.plant(t)
			findings, err := check.Dir(dir, google(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				if filepath.Base(f.File) == p.place() && f.Line == line && strings.Contains(f.Msg, p.want) {
					return
				}
			}
			t.Errorf("want %s:%d: %s, got %v", p.place(), line, p.want, findings)
		})
	}
}
