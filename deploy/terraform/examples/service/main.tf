# A service that Pub/Sub wakes: for a trigger of your own beside the schedule, and for events that are
# pushed to Google SecOps and not read by a feed.

terraform {
  required_version = ">= 1.3"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8.0"
    }
  }
}

variable "project_id" {
  description = "Project that everything is created in."
  type        = string
}

provider "google" {
  project = var.project_id
}

module "asa2udm" {
  source = "../.."

  project_id = var.project_id
  region     = "europe-west1"
  name       = "asa2udm-prod"
  mode       = "service"
  image      = "europe-west1-docker.pkg.dev/${var.project_id}/asa2udm/asa2udm:v1.0.0"
  team       = "example"
  key_id     = "6052868b-1b04-4a14-8288-e6496d7f2f4b"
  normalize  = true

  push_instance         = "example-secops/eu/01234567-89ab-cdef-0123-456789abcdef"
  notification_channels = ["projects/${var.project_id}/notificationChannels/1234567890"]
  alert_silence_seconds = 1800
}

output "next_steps" {
  description = "What is left to do by hand."
  value       = module.asa2udm.next_steps
}
