output "data_url" {
  description = "Where the events lie."
  value       = local.data_url
}

output "feed_url" {
  description = "What a Cloud Storage feed of Google SecOps reads, with log type OKTA_SCALEFT. The slash belongs to it."
  value       = "${local.data_url}/raw/"
}

output "state_url" {
  description = "Where the state lies."
  value       = local.state_url
}

output "collector_email" {
  description = "Service account that collects."
  value       = google_service_account.collector.email
}

output "trigger_email" {
  description = "Service account that starts runs."
  value       = google_service_account.trigger.email
}

output "secret_id" {
  description = "Secret that wants the API key's secret as its version."
  value       = google_secret_manager_secret.key.id
}

output "service_uri" {
  description = "Address of the service. Null for a job."
  value       = one(google_cloud_run_v2_service.collect[*].uri)
}

output "next_steps" {
  description = "What is left to do by hand."
  value       = <<-EOT
    gcloud secrets versions add ${google_secret_manager_secret.key.secret_id} --project=${var.project_id} --data-file=key.txt
    gcloud scheduler jobs run ${google_cloud_scheduler_job.run.name} --project=${var.project_id} --location=${google_cloud_scheduler_job.run.region}
  EOT
}
