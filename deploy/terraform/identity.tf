# Two identities: one runs the collector, the other may start it and do nothing else. Neither has a role
# on the project. Logs of Cloud Run need no role.

resource "google_service_account" "collector" {
  project      = var.project_id
  account_id   = var.name
  display_name = "asa2udm: collects into ${google_storage_bucket.data.name}"

  depends_on = [google_project_service.api]
}

resource "google_service_account" "trigger" {
  project      = var.project_id
  account_id   = "${var.name}-trigger"
  display_name = "asa2udm: starts ${var.name}"

  depends_on = [google_project_service.api]
}

# To create events, and to find and read them again.
resource "google_storage_bucket_iam_member" "collector_data" {
  bucket = google_storage_bucket.data.name
  role   = "roles/storage.objectUser"
  member = google_service_account.collector.member
}

# To replace the state.
resource "google_storage_bucket_iam_member" "collector_state" {
  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectUser"
  member = google_service_account.collector.member
}

# For an image in another project: there Cloud Run's own agent may not read by itself.
resource "google_artifact_registry_repository_iam_member" "image" {
  count = var.image_repository == null ? 0 : 1

  project    = var.image_repository.project
  location   = var.image_repository.location
  repository = var.image_repository.repository
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:service-${data.google_project.this.number}@serverless-robot-prod.iam.gserviceaccount.com"

  depends_on = [google_project_service.api]
}
