# What has no default has to be given.

# Where

variable "project_id" {
  description = "Project that everything is created in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "The project_id is the project's id, such as example-logs-1234, neither its name nor its number."
  }
}

variable "region" {
  description = "Region of Cloud Run, such as europe-west1."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "The region is a name such as europe-west1, without a zone."
  }
}

variable "scheduler_region" {
  description = "Region of Cloud Scheduler, where it is not offered in region. Null for the same."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the job or service, and first part of all other names. Two teams in one project have two names."
  type        = string
  default     = "asa2udm"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,18}[a-z0-9]$", var.name))
    error_message = "The name has 6 to 20 lower-case letters, digits and dashes, and begins with a letter: service accounts allow nothing else."
  }
}

variable "labels" {
  description = "Labels for everything that can bear them."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "enable_apis" {
  description = "Whether the APIs that are needed are enabled here. They stay enabled when this is destroyed."
  type        = bool
  default     = true
  nullable    = false
}

# What runs

variable "mode" {
  description = "job: Cloud Scheduler starts a Cloud Run Job for each run, which is recommended. service: Pub/Sub pushes to a Cloud Run service."
  type        = string
  default     = "job"
  nullable    = false

  validation {
    condition     = contains(["job", "service"], var.mode)
    error_message = "The mode is job or service."
  }
}

variable "image" {
  description = "Container image with its tag or, better, its digest, such as europe-west1-docker.pkg.dev/PROJECT/REPOSITORY/asa2udm@sha256:..."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9.-]+(:[0-9]+)?/[^@ ]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "The image has a registry, a path, and a tag other than latest or a digest: what runs must be known."
  }
}

variable "image_repository" {
  description = "Artifact Registry repository of the image, where Cloud Run may not read it by itself: one of another project. Null for none."
  type = object({
    project    = string
    location   = string
    repository = string
  })
  default = null
}

variable "schedule" {
  description = "When a run starts, as cron has it. A run that finds nothing new costs a second or two."
  type        = string
  default     = "*/5 * * * *"
  nullable    = false

  validation {
    condition     = length(split(" ", var.schedule)) == 5
    error_message = "The schedule has five fields, such as */5 * * * *."
  }
}

variable "paused" {
  description = "Whether the schedule is paused, for example until the secret has its first version."
  type        = bool
  default     = false
  nullable    = false
}

variable "task_timeout_seconds" {
  description = "Longest run of the job. The first run reads 90 days of events, and goes on at its next start where it was cut off."
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.task_timeout_seconds >= 60 && var.task_timeout_seconds <= 604800
    error_message = "The task_timeout_seconds lies between 60 and 604800, seven days."
  }
}

variable "max_retries" {
  description = "How often the job starts a failed run again at once. The collector has its own retries, so that this is for what kills it."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.max_retries >= 0 && var.max_retries <= 10
    error_message = "The max_retries lie between 0 and 10."
  }
}

variable "service_timeout_seconds" {
  description = "How long a trigger waits for its answer, which is two runs at worst. Pub/Sub waits 600 seconds at most."
  type        = number
  default     = 600
  nullable    = false

  validation {
    condition     = var.service_timeout_seconds >= 120 && var.service_timeout_seconds <= 600
    error_message = "The service_timeout_seconds lie between 120 and 600: after that Pub/Sub pushes again."
  }
}

variable "service_ingress" {
  description = "Who reaches the service at all, before IAM is asked. Pub/Sub of the same project counts as internal."
  type        = string
  default     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  nullable    = false

  validation {
    condition     = contains(["INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER", "INGRESS_TRAFFIC_ALL"], var.service_ingress)
    error_message = "The service_ingress is INGRESS_TRAFFIC_INTERNAL_ONLY, INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER or INGRESS_TRAFFIC_ALL."
  }
}

variable "cpu" {
  description = "CPUs of a run. One is plenty, the API is the limit."
  type        = string
  default     = "1"
  nullable    = false
}

variable "memory" {
  description = "Memory of a run. It does not depend on the length of the log."
  type        = string
  default     = "512Mi"
  nullable    = false
}

# What is collected

variable "team" {
  description = "Name of the ASA team."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^,= /]+$", var.team))
    error_message = "The team is the name in the address of the ASA dashboard, such as example."
  }
}

variable "key_id" {
  description = "Id of the service user's API key. Its secret goes into Secret Manager by hand, see output next_steps."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^,= /]+$", var.key_id))
    error_message = "The key_id is a text such as 6052868b-1b04-4a14-8288-e6496d7f2f4b."
  }
}

variable "base_url" {
  description = "Address of the API. Teams of Okta Privileged Access have https://NAME.pam.okta.com."
  type        = string
  default     = "https://app.scaleft.com"
  nullable    = false

  validation {
    condition     = can(regex("^https://[^/,= ]+$", var.base_url))
    error_message = "The base_url begins with https:// and ends with the host."
  }
}

variable "since" {
  description = "Where the first run begins: 24h, 7d, 2026-01-31, or all for the 90 days that ASA keeps."
  type        = string
  default     = "all"
  nullable    = false
}

variable "normalize" {
  description = "Whether UDM is written beside the raw events."
  type        = bool
  default     = false
  nullable    = false
}

variable "extra_args" {
  description = "Further flags of the collector, such as --gzip."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "secret_version" {
  description = "Version of the secret that a run takes. With latest a new key takes part at the next run; with a number at the next apply."
  type        = string
  default     = "latest"
  nullable    = false

  validation {
    condition     = can(regex("^(latest|[1-9][0-9]*)$", var.secret_version))
    error_message = "The secret_version is latest or a number."
  }
}

# Where it goes

variable "data_bucket" {
  description = "Name of the bucket for events. Null for PROJECT-NAME-data."
  type        = string
  default     = null
}

variable "state_bucket" {
  description = "Name of the bucket for the state. Null for PROJECT-NAME-state."
  type        = string
  default     = null
}

variable "bucket_location" {
  description = "Location of both buckets, such as EU. Null for the region, which costs least and keeps the traffic in it."
  type        = string
  default     = null
}

variable "prefix" {
  description = "Folder in both buckets, without slashes at its ends."
  type        = string
  default     = "okta-asa"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", var.prefix)) && !can(regex("(^|/)[.]{1,2}(/|$)", var.prefix))
    error_message = "The prefix is a folder such as okta-asa or okta/asa, without . and .. as names."
  }
}

variable "retention_days" {
  description = "Days that no event can be deleted or replaced, by whomever. Null for none. The state lies in another bucket, which has none."
  type        = number
  default     = null

  validation {
    condition     = var.retention_days == null ? true : var.retention_days >= 1 && var.retention_days <= 36500 && floor(var.retention_days) == var.retention_days
    error_message = "The retention_days are a whole number of days up to 36500, or null."
  }
}

variable "retention_locked" {
  description = "Whether retention_days can never be taken back or made less again. Think twice: neither can you delete the bucket."
  type        = bool
  default     = false
  nullable    = false
}

variable "delete_after_days" {
  description = "Days after which events are deleted; without retention_days a version and soft deletion keep them for 37 days more. Null for never. It is more than 90: the collector looks into old objects to recognise a late event."
  type        = number
  default     = null

  validation {
    condition     = var.delete_after_days == null ? true : var.delete_after_days > 90
    error_message = "The delete_after_days are more than 90, the days that ASA keeps events, or null."
  }
}

variable "push_instance" {
  description = "Google SecOps instance that events are pushed to, as PROJECT/LOCATION/INSTANCE; the data bucket is then the spool. Null for a feed that reads the bucket."
  type        = string
  default     = null

  validation {
    condition     = var.push_instance == null ? true : can(regex("^[a-z][a-z0-9-]+/[a-z0-9-]+/[0-9a-f-]{36}$", var.push_instance))
    error_message = "The push_instance is PROJECT/LOCATION/INSTANCE, such as example-secops/eu/01234567-89ab-cdef-0123-456789abcdef, or null."
  }
}

variable "feed_readers" {
  description = "Who reads the data bucket: the service account that Google SecOps shows for a Cloud Storage feed, as serviceAccount:NAME@HOST."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for m in var.feed_readers : can(regex("^(serviceAccount|group|user|principal|principalSet):.+$", m))])
    error_message = "The feed_readers begin with serviceAccount:, group: or user:, and are nobody in general."
  }
}

# Alerts

variable "notification_channels" {
  description = "Who is told, as projects/PROJECT/notificationChannels/NUMBER. Without any, incidents show in the console alone."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for c in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", c))])
    error_message = "The notification_channels are of the form projects/PROJECT/notificationChannels/NUMBER."
  }
}

variable "alert_silence_seconds" {
  description = "Alert when no run has succeeded for so long. A multiple of 60; a few times the schedule's interval."
  type        = number
  default     = 3600
  nullable    = false

  validation {
    condition     = var.alert_silence_seconds >= 120 && var.alert_silence_seconds <= 84600 && var.alert_silence_seconds % 60 == 0
    error_message = "The alert_silence_seconds are a multiple of 60 between 120 and 84600: Cloud Monitoring looks back no further."
  }
}

variable "alert_lag_seconds" {
  description = "Alert when the newest event is older than this at the end of a run. It grows on a quiet team, too; 0 for no alert."
  type        = number
  default     = 86400
  nullable    = false

  validation {
    condition     = var.alert_lag_seconds >= 0
    error_message = "The alert_lag_seconds are 0 or more."
  }
}
