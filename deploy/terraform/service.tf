# mode = "service": the collector waits for Pub/Sub. One instance, because one run at a time is all that
# one state allows; it takes many requests at once, because triggers that come during a run wait and share
# the next one.
#
# It reads the secret at its start, so that the secret needs its value before the service can be made: apply
# once with -target on the secret, see docs/deploy.md.

resource "google_cloud_run_v2_service" "collect" {
  count = local.is_service ? 1 : 0

  project             = var.project_id
  location            = var.region
  name                = var.name
  labels              = var.labels
  ingress             = var.service_ingress
  deletion_protection = false

  template {
    service_account                  = google_service_account.collector.email
    timeout                          = "${var.service_timeout_seconds}s"
    max_instance_request_concurrency = 80
    labels                           = var.labels

    scaling {
      min_instance_count = 0
      max_instance_count = 1
    }

    containers {
      image = var.image
      # Cloud Run asks IAM before the program sees anything. A trigger may have to wait for two runs, the one
      # under way and its own, and both have to end before its request does.
      args = concat(
        ["serve", "--auth=platform", "--run-timeout=${floor((var.service_timeout_seconds - 60) / 2)}s"],
        local.collect_args,
      )

      ports {
        container_port = 8080
      }

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
        # All work is done within a request.
        cpu_idle = true
      }

      startup_probe {
        period_seconds    = 2
        timeout_seconds   = 2
        failure_threshold = 30

        http_get {
          path = "/health"
        }
      }

      liveness_probe {
        period_seconds    = 30
        timeout_seconds   = 5
        failure_threshold = 3

        http_get {
          path = "/health"
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

resource "google_cloud_run_v2_service_iam_member" "trigger" {
  count = local.is_service ? 1 : 0

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.collect[0].name
  role     = "roles/run.invoker"
  member   = google_service_account.trigger.member
}
