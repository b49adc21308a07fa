# The recommended shape: a job, every five minutes, for a feed to read.

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
  image      = "europe-west1-docker.pkg.dev/${var.project_id}/asa2udm/asa2udm:v1.0.0"
  team       = "example"
  key_id     = "6052868b-1b04-4a14-8288-e6496d7f2f4b"

  retention_days = 365
  feed_readers   = ["serviceAccount:feed-reader@example-secops.iam.gserviceaccount.com"]
}

output "next_steps" {
  description = "What is left to do by hand."
  value       = module.asa2udm.next_steps
}

output "feed_url" {
  description = "What the feed reads."
  value       = module.asa2udm.feed_url
}
