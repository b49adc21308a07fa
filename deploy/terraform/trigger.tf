# Cloud Scheduler fires at least once, and a run may outlast its period. Both are harmless: two runs on
# one state meet at the state, and one of them goes on.

resource "google_cloud_scheduler_job" "run" {
  project          = var.project_id
  region           = coalesce(var.scheduler_region, var.region)
  name             = var.name
  description      = "Starts a run of ${var.name}."
  schedule         = var.schedule
  time_zone        = "Etc/UTC"
  paused           = var.paused
  attempt_deadline = "180s"

  retry_config {
    retry_count          = 1
    min_backoff_duration = "10s"
  }

  dynamic "http_target" {
    for_each = google_cloud_run_v2_job.collect

    content {
      http_method = "POST"
      uri         = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${http_target.value.name}:run"

      oauth_token {
        service_account_email = google_service_account.trigger.email
        scope                 = "https://www.googleapis.com/auth/cloud-platform"
      }
    }
  }

  dynamic "pubsub_target" {
    for_each = google_pubsub_topic.trigger

    content {
      topic_name = pubsub_target.value.id
      data       = base64encode("run")
    }
  }

  depends_on = [
    google_project_service.api,
    google_cloud_run_v2_job_iam_member.trigger,
    google_pubsub_subscription.trigger,
  ]
}

# The rest is for the service alone.

resource "google_pubsub_topic" "trigger" {
  count = local.is_service ? 1 : 0

  project = var.project_id
  name    = "${var.name}-trigger"
  labels  = var.labels

  depends_on = [google_project_service.api]
}

resource "google_pubsub_subscription" "trigger" {
  count = local.is_service ? 1 : 0

  project              = var.project_id
  name                 = "${var.name}-trigger"
  topic                = google_pubsub_topic.trigger[0].id
  labels               = var.labels
  ack_deadline_seconds = var.service_timeout_seconds
  # A run reads all that is new, so that an old trigger adds nothing to a new one.
  message_retention_duration = "3600s"

  push_config {
    push_endpoint = google_cloud_run_v2_service.collect[0].uri

    oidc_token {
      service_account_email = google_service_account.trigger.email
      audience              = google_cloud_run_v2_service.collect[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[0].id
    max_delivery_attempts = 5
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.trigger,
    google_service_account_iam_member.push,
  ]
}

# Triggers that were refused five times. The events behind them are not lost: the next run reads them.
resource "google_pubsub_topic" "dead" {
  count = local.is_service ? 1 : 0

  project = var.project_id
  name    = "${var.name}-dead"
  labels  = var.labels

  depends_on = [google_project_service.api]
}

resource "google_pubsub_subscription" "dead" {
  count = local.is_service ? 1 : 0

  project                    = var.project_id
  name                       = "${var.name}-dead"
  topic                      = google_pubsub_topic.dead[0].id
  labels                     = var.labels
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
}

locals {
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# Pub/Sub signs its pushes as the trigger's identity.
resource "google_service_account_iam_member" "push" {
  count = local.is_service ? 1 : 0

  service_account_id = google_service_account.trigger.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent

  depends_on = [google_pubsub_topic.trigger]
}

# Pub/Sub moves what is refused: it publishes there, and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead" {
  count = local.is_service ? 1 : 0

  project = var.project_id
  topic   = google_pubsub_topic.dead[0].name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead" {
  count = local.is_service ? 1 : 0

  project      = var.project_id
  subscription = google_pubsub_subscription.trigger[0].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
