locals {
  is_job     = var.mode == "job"
  is_service = var.mode == "service"

  apis = toset(concat(
    [
      "cloudscheduler.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "storage.googleapis.com",
    ],
    local.is_service ? ["pubsub.googleapis.com"] : [],
  ))

  data_url  = "gs://${google_storage_bucket.data.name}/${var.prefix}"
  state_url = "gs://${google_storage_bucket.state.name}/${var.prefix}/state.json"

  # What job and service have in common: the flags of collect, and who is asked with which key.
  destination = var.push_instance == null ? ["--out=${local.data_url}"] : [
    "--out=secops://${var.push_instance}", "--spool=${local.data_url}",
  ]
  collect_args = concat(
    local.destination,
    ["--state=${local.state_url}", "--since=${var.since}"],
    var.normalize ? ["--normalize"] : [],
    var.extra_args,
  )
  environment = {
    ASA_TEAM_NAME = var.team
    ASA_KEY_ID    = var.key_id
    ASA_BASE_URL  = var.base_url
    # By this log lines find their traces.
    GOOGLE_CLOUD_PROJECT = var.project_id
    # A reference: the secret itself is in no configuration, and is read anew by each run.
    ASA_KEY_SECRET = "sm://${var.project_id}/${google_secret_manager_secret.key.secret_id}/${var.secret_version}"
  }
}

data "google_project" "this" {
  project_id = var.project_id
}

resource "google_project_service" "api" {
  for_each = var.enable_apis ? local.apis : toset([])

  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}
