locals {
  # The logs and the metrics of what runs.
  log_filter = local.is_job ? join(" AND ", [
    "resource.type=\"cloud_run_job\"",
    "resource.labels.job_name=\"${var.name}\"",
    "resource.labels.location=\"${var.region}\"",
    ]) : join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    "resource.labels.service_name=\"${var.name}\"",
    "resource.labels.location=\"${var.region}\"",
  ])
  runs_filter = join(" AND ", [
    local.log_filter,
    local.is_job ? "metric.type=\"run.googleapis.com/job/completed_execution_count\"" : "metric.type=\"run.googleapis.com/request_count\"",
  ])
  # The service answers 503 where another process was at work, or more is to come: no failures.
  failed_runs    = local.is_job ? "metric.labels.result=\"failed\"" : "metric.labels.response_code=\"500\""
  succeeded_runs = local.is_job ? "metric.labels.result=\"succeeded\"" : "metric.labels.response_code_class=\"2xx\""
  resource_type  = local.is_job ? "cloud_run_job" : "cloud_run_revision"
  runbook        = "https://github.com/asa2udm/asa2udm/blob/main/docs/deploy.md#alerts"
}

resource "google_logging_metric" "errors" {
  project     = var.project_id
  name        = "${var.name}-errors"
  description = "Lines of ${var.name} with severity ERROR or worse."
  filter      = "${local.log_filter} AND severity>=ERROR"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }

  depends_on = [google_project_service.api]
}

# Each run ends with a line of counts, in which lag_seconds is the age of the newest event.
resource "google_logging_metric" "lag" {
  project         = var.project_id
  name            = "${var.name}-lag"
  description     = "Age of the newest event at the end of each run of ${var.name}."
  filter          = "${local.log_filter} AND jsonPayload.lag_seconds>=0"
  value_extractor = "EXTRACT(jsonPayload.lag_seconds)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }

  # From a minute to more than a year, in steps of a fifth.
  bucket_options {
    exponential_buckets {
      num_finite_buckets = 75
      growth_factor      = 1.2
      scale              = 60
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "failures" {
  project               = var.project_id
  display_name          = "${var.name}: a run failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "failed runs"

    condition_threshold {
      filter          = "${local.runs_filter} AND ${local.failed_runs}"
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "A run of ${var.name} ended with an error. Nothing is lost: the next run goes on. If it stays, the log says why and what to do: ${local.runbook}"
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "errors" {
  project               = var.project_id
  display_name          = "${var.name}: an error was logged"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "lines with severity ERROR"

    condition_threshold {
      filter          = "resource.type=\"${local.resource_type}\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.errors.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "The log of ${var.name} has an error, with its cure as the hint: ${local.runbook}"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "lag" {
  count = var.alert_lag_seconds > 0 ? 1 : 0

  project               = var.project_id
  display_name          = "${var.name}: the newest event is old"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "age of the newest event"

    condition_threshold {
      filter          = "resource.type=\"${local.resource_type}\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.lag.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.alert_lag_seconds
      duration        = "0s"

      aggregations {
        alignment_period     = "900s"
        per_series_aligner   = "ALIGN_PERCENTILE_05"
        cross_series_reducer = "REDUCE_MIN"
      }
    }
  }

  documentation {
    content   = "${var.name} runs, but has seen no new event for long. Either the team is quiet, or ASA writes late: ${local.runbook}"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "silence" {
  project               = var.project_id
  display_name          = "${var.name}: no run has succeeded"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "no successful run"

    condition_absent {
      filter   = "${local.runs_filter} AND ${local.succeeded_runs}"
      duration = "${var.alert_silence_seconds}s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "No run of ${var.name} has succeeded for ${var.alert_silence_seconds} seconds. ASA keeps events for 90 days, then they are gone: ${local.runbook}"
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "dead" {
  count = local.is_service ? 1 : 0

  project               = var.project_id
  display_name          = "${var.name}: triggers are refused"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = var.notification_channels
  user_labels           = var.labels

  conditions {
    display_name = "dead-lettered triggers"

    condition_threshold {
      filter          = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.trigger[0].name}\" AND metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "${var.name} refused a trigger five times: ${local.runbook}"
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.api]
}
