# The secret of the API key. Its value is none of Terraform's business: a version declared here would stand
# in plain text in the state, and everybody who may read the state could read the audit log. So the value
# is added by hand, and rotated without an apply; see output next_steps.

resource "google_secret_manager_secret" "key" {
  project   = var.project_id
  secret_id = "${var.name}-key-secret"
  labels    = var.labels

  replication {
    auto {}
  }

  depends_on = [google_project_service.api]
}

resource "google_secret_manager_secret_iam_member" "collector" {
  project   = var.project_id
  secret_id = google_secret_manager_secret.key.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.collector.member
}
