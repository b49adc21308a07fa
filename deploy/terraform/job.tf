# mode = "job": one execution is one run, with the exit code of the command.

resource "google_cloud_run_v2_job" "collect" {
  count = local.is_job ? 1 : 0

  project             = var.project_id
  location            = var.region
  name                = var.name
  labels              = var.labels
  deletion_protection = false

  template {
    task_count  = 1
    parallelism = 1
    labels      = var.labels

    template {
      service_account = google_service_account.collector.email
      timeout         = "${var.task_timeout_seconds}s"
      max_retries     = var.max_retries

      containers {
        image = var.image
        args  = concat(["collect", "--once"], local.collect_args)

        dynamic "env" {
          for_each = local.environment

          content {
            name  = env.key
            value = env.value
          }
        }

        resources {
          limits = {
            cpu    = var.cpu
            memory = var.memory
          }
        }
      }
    }
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.image,
    google_secret_manager_secret_iam_member.collector,
    google_storage_bucket_iam_member.collector_data,
    google_storage_bucket_iam_member.collector_state,
  ]
}

resource "google_cloud_run_v2_job_iam_member" "trigger" {
  count = local.is_job ? 1 : 0

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_job.collect[0].name
  role     = "roles/run.invoker"
  member   = google_service_account.trigger.member
}
