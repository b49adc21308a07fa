# Two ways into Google SecOps: a feed that reads the data bucket, or the collector pushes.

# The second role lets a feed see the bucket itself, which the newer kind of feed asks for its location.
resource "google_storage_bucket_iam_member" "feed_objects" {
  for_each = toset(var.feed_readers)

  bucket = google_storage_bucket.data.name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_storage_bucket_iam_member" "feed_bucket" {
  for_each = toset(var.feed_readers)

  bucket = google_storage_bucket.data.name
  role   = "roles/storage.legacyBucketReader"
  member = each.value
}

locals {
  push_project = var.push_instance == null ? null : split("/", var.push_instance)[0]
}

# Every role that Google offers for Chronicle allows far more than to hand in logs.
resource "google_project_iam_custom_role" "push" {
  count = var.push_instance == null ? 0 : 1

  project     = local.push_project
  role_id     = "${replace(var.name, "-", "_")}_importer"
  title       = "asa2udm importer"
  description = "Hands in logs and events, and reads neither."
  permissions = ["chronicle.events.import", "chronicle.instances.get", "chronicle.logs.import"]
}

resource "google_project_iam_member" "push" {
  count = var.push_instance == null ? 0 : 1

  project = local.push_project
  role    = google_project_iam_custom_role.push[0].id
  member  = google_service_account.collector.member
}
