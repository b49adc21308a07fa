# Events and state lie in two buckets, because they want opposite things: an event is created once and may
# be held for years, the state is replaced at each run. A retention policy on one bucket for both would
# forbid the second run.

resource "google_storage_bucket" "data" {
  project                     = var.project_id
  name                        = coalesce(var.data_bucket, "${var.project_id}-${var.name}-data")
  location                    = coalesce(var.bucket_location, var.region)
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  # Objects are never replaced, so that versions are for what somebody deletes. Under a retention policy
  # nobody can, and Cloud Storage has not always allowed both on one bucket.
  versioning {
    enabled = var.retention_days == null
  }

  dynamic "retention_policy" {
    for_each = var.retention_days == null ? [] : [var.retention_days]

    content {
      retention_period = retention_policy.value * 24 * 60 * 60
      is_locked        = var.retention_locked
    }
  }

  soft_delete_policy {
    retention_duration_seconds = 7 * 24 * 60 * 60
  }

  dynamic "lifecycle_rule" {
    for_each = var.delete_after_days == null ? [] : [var.delete_after_days]

    content {
      action {
        type = "Delete"
      }
      condition {
        age        = lifecycle_rule.value
        with_state = "LIVE"
      }
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle {
    precondition {
      condition     = !var.retention_locked || var.retention_days != null
      error_message = "The retention_locked needs retention_days."
    }
    precondition {
      condition     = var.retention_days == null || var.delete_after_days == null ? true : var.delete_after_days >= var.retention_days
      error_message = "The delete_after_days are less than the retention_days: the deletion would be refused."
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_storage_bucket" "state" {
  project                     = var.project_id
  name                        = coalesce(var.state_bucket, "${var.project_id}-${var.name}-state")
  location                    = coalesce(var.bucket_location, var.region)
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  # The last hundred states, to go back to one by hand. A retention policy must never be set here.
  versioning {
    enabled = true
  }

  # Versions keep what soft deletion would keep a second time.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 100
      with_state         = "ARCHIVED"
    }
  }

  lifecycle {
    precondition {
      condition     = coalesce(var.data_bucket, "${var.project_id}-${var.name}-data") != coalesce(var.state_bucket, "${var.project_id}-${var.name}-state")
      error_message = "The state_bucket is the data_bucket: a retention policy there would forbid to write the state."
    }
  }

  depends_on = [google_project_service.api]
}
