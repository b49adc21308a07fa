#!/bin/sh
# Sets up the collector on Google Cloud, as deploy/terraform does, with nothing but gcloud. See --help.
#
# Each thing is looked for before it is made, so that this can be run again: after a failure it goes on,
# and after a change of the settings it brings what they concern up to date.
set -euf

usage() {
	cat <<'EOF'
usage: deploy/gcloud.sh --project ID --region REGION --team NAME --key-id ID --image IMAGE [flags]

Makes two buckets, two service accounts, a secret, a Cloud Run job or service, its schedule, and alerts.
Run it again at any time: it makes what is missing, and changes what the flags say otherwise.

needed
  --project ID             project that everything is made in
  --region REGION          such as europe-west1
  --team NAME              of ASA
  --key-id ID              of the service user's API key
  --image IMAGE            with a tag other than latest, or a digest
  --build                  in place of --image: build it with Cloud Build out of this checkout

what runs
  --mode job|service       [job] service: Pub/Sub pushes the triggers
  --name NAME              [asa2udm] first part of all names
  --schedule CRON          [*/5 * * * *]
  --task-timeout SECONDS   [3600] longest run of the job
  --cpu N                  [1]
  --memory SIZE            [512Mi]

what is collected
  --secret-file FILE       secret of the key; - for stdin. A job can have it later, by hand
  --rotate-secret          add it although there is one
  --base-url URL           [https://app.scaleft.com]
  --since WHEN             [all] where the first run begins
  --normalize              write UDM, too

where it goes
  --prefix FOLDER          [okta-asa] in both buckets
  --bucket-location PLACE  [the region]
  --retention-days N       nobody can delete events for so long
  --delete-after-days N    events are deleted then; more than 90
  --feed-reader MEMBER     who reads the events, as serviceAccount:NAME@HOST; may be repeated
  --push-instance P/L/I    push to this Google SecOps instance

alerts
  --notification-channel C projects/P/notificationChannels/N; may be repeated
  --alert-silence SECONDS  [3600] no run has succeeded for so long
  --alert-lag SECONDS      [86400] the newest event is older; 0 for no alert

  --dry-run                print the commands that make all of it, and run none
  --help

  $ deploy/gcloud.sh --project example-logs --region europe-west1 --team example \
      --key-id 6052868b-1b04-4a14-8288-e6496d7f2f4b --secret-file key.txt --build
EOF
}

die() {
	echo "gcloud.sh: $*" >&2
	exit 2
}

say() { echo "gcloud.sh: $*" >&2; }

project='' region='' team='' key_id='' image='' build=''
mode=job name=asa2udm schedule='*/5 * * * *' task_timeout=3600 cpu=1 memory=512Mi
secret_file='' rotate='' base_url=https://app.scaleft.com since=all normalize=''
prefix=okta-asa bucket_location='' retention_days='' delete_after_days='' feed_readers='' push_instance=''
channels='' alert_silence=3600 alert_lag=86400 dry_run=''

while [ $# -gt 0 ]; do
	flag=$1
	case $flag in
	--*=*)
		value=${flag#*=}
		flag=${flag%%=*}
		shift
		set -- "$flag" "$value" "$@"
		;;
	esac
	case $flag in
	--build) build=1 && shift && continue ;;
	--normalize) normalize=1 && shift && continue ;;
	--rotate-secret) rotate=1 && shift && continue ;;
	--dry-run) dry_run=1 && shift && continue ;;
	--help | -h) usage && exit 0 ;;
	--*) [ $# -ge 2 ] || die "$flag wants a value; see --help" ;;
	*) die "unexpected argument \"$flag\"; see --help" ;;
	esac
	case $flag in
	--project) project=$2 ;;
	--region) region=$2 ;;
	--team) team=$2 ;;
	--key-id) key_id=$2 ;;
	--image) image=$2 ;;
	--mode) mode=$2 ;;
	--name) name=$2 ;;
	--schedule) schedule=$2 ;;
	--task-timeout) task_timeout=$2 ;;
	--cpu) cpu=$2 ;;
	--memory) memory=$2 ;;
	--secret-file) secret_file=$2 ;;
	--base-url) base_url=$2 ;;
	--since) since=$2 ;;
	--prefix) prefix=$2 ;;
	--bucket-location) bucket_location=$2 ;;
	--retention-days) retention_days=$2 ;;
	--delete-after-days) delete_after_days=$2 ;;
	--feed-reader) feed_readers="$feed_readers $2" ;;
	--push-instance) push_instance=$2 ;;
	--notification-channel) channels="$channels $2" ;;
	--alert-silence) alert_silence=$2 ;;
	--alert-lag) alert_lag=$2 ;;
	*) die "unknown flag $flag; see --help" ;;
	esac
	shift 2
done

# matches tells whether a text of one line is in its whole length as an extended regular expression has it.
matches() { printf '%s\n' "$1" | grep -Eqx -e "$2" && [ "$(printf '%s\n' "$1" | wc -l)" -eq 1 ]; }

# want PATTERN FLAG VALUE WHAT ends with a message unless the value is as the pattern has it.
want() {
	[ -n "$3" ] || die "$2 is missing: want $4; see --help"
	matches "$3" "$1" || die "$2 \"$3\": want $4"
}

want '[a-z][a-z0-9-]{4,28}[a-z0-9]' --project "$project" "the id of a project, such as example-logs-1234"
want '[a-z]+-[a-z]+[0-9]+' --region "$region" "a region such as europe-west1"
want '[^,= /]+' --team "$team" "the name of the ASA team"
want '[^,= /]+' --key-id "$key_id" "the id of the API key"
want '[a-z][a-z0-9-]{4,18}[a-z0-9]' --name "$name" "6 to 20 lower-case letters, digits and dashes"
want 'job|service' --mode "$mode" "job or service"
want '[^ ]+( [^ ]+){4}' --schedule "$schedule" "five fields, such as */5 * * * *"
want '[1-9][0-9]{0,5}' --task-timeout "$task_timeout" "seconds between 60 and 604800, seven days"
if [ "$task_timeout" -lt 60 ] || [ "$task_timeout" -gt 604800 ]; then
	die "--task-timeout \"$task_timeout\": want seconds between 60 and 604800, seven days"
fi
want '[0-9]+([.][0-9]+)?' --cpu "$cpu" "a number, such as 1 or 0.5"
want '[0-9]+[MG]i' --memory "$memory" "a size such as 512Mi"
want 'https://[^/,= ]+' --base-url "$base_url" "https:// and a host"
want '[^, ]+' --since "$since" "24h, 7d, 2026-01-31 or all"
want '[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*' --prefix "$prefix" "a folder such as okta-asa"
case /$prefix/ in */./* | */../*) die "--prefix \"$prefix\": want a folder such as okta-asa, without . and .. as names" ;; esac
want '[0-9]+' --alert-lag "$alert_lag" "seconds"
want '[1-9][0-9]*' --alert-silence "$alert_silence" "seconds"
if [ "$alert_silence" -lt 120 ] || [ "$alert_silence" -gt 84600 ] || [ $((alert_silence % 60)) -ne 0 ]; then
	die "--alert-silence \"$alert_silence\": want a multiple of 60 between 120 and 84600"
fi
[ -z "$retention_days" ] || want '[1-9][0-9]{0,4}' --retention-days "$retention_days" "a number of days"
if [ -n "$delete_after_days" ]; then
	want '[1-9][0-9]{0,4}' --delete-after-days "$delete_after_days" "a number of days"
	[ "$delete_after_days" -gt 90 ] || die "--delete-after-days \"$delete_after_days\": want more than 90, the days that ASA keeps events"
	[ -z "$retention_days" ] || [ "$delete_after_days" -ge "$retention_days" ] ||
		die "--delete-after-days is less than --retention-days: the deletion would be refused"
fi
[ -z "$push_instance" ] || want '[a-z][a-z0-9-]+/[a-z0-9-]+/[0-9a-f-]{36}' --push-instance "$push_instance" "PROJECT/LOCATION/INSTANCE"
for member in $feed_readers; do
	want '(serviceAccount|group|user|principal|principalSet):.+' --feed-reader "$member" "serviceAccount:NAME@HOST"
done
for channel in $channels; do
	want 'projects/[^/]+/notificationChannels/[0-9]+' --notification-channel "$channel" "projects/PROJECT/notificationChannels/NUMBER"
done
[ -z "$secret_file" ] || [ "$secret_file" = - ] || [ -n "$dry_run" ] || [ -s "$secret_file" ] ||
	die "--secret-file $secret_file: no such file, or an empty one"
[ -z "$rotate" ] || [ -n "$secret_file" ] || die "--rotate-secret wants --secret-file"

source=$(cd "$(dirname "$0")/.." && pwd)
if [ -n "$build" ]; then
	[ -z "$image" ] || die "--image and --build exclude each other"
	release=$(git -C "$source" describe --tags --always --dirty) || die "--build wants a git checkout"
	case $release in *-dirty) die "--build: the checkout has changes; commit them, so that the version tells what is in the image" ;; esac
	image=$region-docker.pkg.dev/$project/$name/asa2udm:$release
fi
want '[a-z0-9.-]+(:[0-9]+)?/[^@ ]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})' --image "$image" "a registry, a path, and a tag or a digest"
case $image in *:latest) die "--image \"$image\": want a tag other than latest: what runs must be known" ;; esac
[ -n "$dry_run" ] || command -v gcloud >/dev/null || die "no gcloud on PATH; see https://cloud.google.com/sdk/docs/install"

bucket_location=${bucket_location:-$region}
data=$project-$name-data
state=$project-$name-state
secret=$name-key-secret
collector=$name@$project.iam.gserviceaccount.com
trigger=$name-trigger@$project.iam.gserviceaccount.com
runbook=https://github.com/asa2udm/asa2udm/blob/main/docs/deploy.md#alerts

# quote prints arguments as a shell reads them. What a dry run cannot know is a variable that an earlier
# line sets, so that those stand in double quotes, unless a flag has brought what a shell would run there.
quote() {
	for arg in "$@"; do
		known=$(printf '%s' "$arg" | sed 's/[$][{]PROJECT_NUMBER}//g; s/[$][{]SERVICE_URL}//g')
		case $known in
		"$arg" | *[!A-Za-z0-9_./:=@,+%-]*) ;;
		*) printf '"%s" ' "$arg" && continue ;;
		esac
		case $arg in
		'' | *[!A-Za-z0-9_./:=@,+%-]*) printf "'%s' " "$(printf '%s' "$arg" | sed "s/'/'\\\\''/g")" ;;
		*) printf '%s ' "$arg" ;;
		esac
	done | sed 's/ $//'
	echo
}

# run runs a command that changes something, or prints it.
run() {
	if [ -n "$dry_run" ]; then
		quote "$@"
		return
	fi
	printf '+ %s\n' "$(quote "$@")" >&2
	"$@" >/dev/null || die "that command failed, see above; run this again once it is cured, and it goes on from there"
}

# patiently is run for a command that names what was made a moment ago, which Google's services learn of
# one after the other.
patiently() {
	if [ -z "$dry_run" ]; then
		for try in 1 2 3; do
			printf '+ %s\n' "$(quote "$@")" >&2
			"$@" >/dev/null && return
			say "try $try failed, see above; trying again"
			sleep "${RETRY_SECONDS:-10}"
		done
	fi
	run "$@"
}

# run_with TEXT COMMAND... is run for a command that reads stdin.
run_with() {
	text=$1
	shift
	if [ -n "$dry_run" ]; then
		printf "%s <<'EOF'\n%s\nEOF\n" "$(quote "$@")" "$text"
		return
	fi
	printf '%s\n' "$text" | run "$@" || exit
}

# ask answers what a command prints, tabs as blanks, and nothing when it fails. A dry run asks nobody.
ask() {
	[ -n "$dry_run" ] || "$@" 2>/dev/null | tr '\t' ' ' || true
}

# know is ask where no answer must not be taken for "there is none": what has no name of its own would be
# made a second time.
know() {
	[ -z "$dry_run" ] || return 0
	answer=$("$@") || die "that cannot be read: $(quote "$@"); run this again once it is cured, and it goes on from there"
	printf '%s\n' "$answer" | tr '\t' ' '
}

# describe DESCRIBE... -- REST... keeps the words before -- as $describe, and how many they are with it.
describe() {
	describe='' described=1
	for word in "$@"; do
		[ "$word" != -- ] || break
		describe="$describe $word"
		described=$((described + 1))
	done
}

# ensure DESCRIBE... -- CREATE... makes something unless it is there.
ensure() {
	describe "$@"
	shift "$described"
	# shellcheck disable=SC2086 # words of this script, without blanks
	if [ -z "$dry_run" ] && $describe >/dev/null 2>&1; then
		return
	fi
	run "$@"
}

# fingerprint answers a short number for its arguments. It is kept with what they made, so that a second
# run can tell whether that is as it should be.
fingerprint() { printf '%s\n' "$@" | cksum | cut -d ' ' -f 1; }

# grant ROLE MEMBER KIND RESOURCE FLAG... binds a role, unless it is bound. KIND is the command group.
grant() {
	role=$1 member=$2 kind=$3 resource=$4
	shift 4
	# shellcheck disable=SC2086 # a group is words without blanks
	if ask gcloud $kind get-iam-policy "$resource" "$@" '--flatten=bindings[].members' \
		'--format=value(bindings.role,bindings.members)' | grep -Fqx "$role $member"; then
		return
	fi
	[ "$kind" != projects ] || set -- "$@" --condition=None
	# shellcheck disable=SC2086
	patiently gcloud $kind add-iam-policy-binding "$resource" "--member=$member" "--role=$role" "$@"
}

# What follows is the set-up, in the order in which one thing needs the other.

apis="cloudscheduler iam logging monitoring run secretmanager storage"
[ "$mode" = job ] || apis="$apis pubsub"
[ -z "$build" ] || apis="$apis artifactregistry cloudbuild"
enabled=$(ask gcloud services list --enabled "--project=$project" '--format=value(config.name)')
missing=
for api in $apis; do
	printf '%s\n' "$enabled" | grep -Fqx "$api.googleapis.com" || missing="$missing $api.googleapis.com"
done
# shellcheck disable=SC2086 # a list of names
[ -z "$missing" ] || run gcloud services enable $missing "--project=$project"

build_image() {
	ensure gcloud artifacts repositories describe "$name" "--location=$region" "--project=$project" -- \
		gcloud artifacts repositories create "$name" --repository-format=docker "--location=$region" "--project=$project"
	ensure gcloud artifacts docker images describe "$image" "--project=$project" -- \
		gcloud builds submit "$source" "--config=$source/deploy/image/cloudbuild.yaml" "--project=$project" \
		"--substitutions=_IMAGE=$image,_VERSION=$release,_REVISION=$(git -C "$source" rev-parse HEAD),_SOURCE_DATE_EPOCH=$(git -C "$source" log -1 --format=%ct)"
}
[ -z "$build" ] || build_image

# Buckets. Events are created and may be held, the state is replaced: hence two.

# bucket NAME LIFECYCLE FLAG... makes a bucket, and sets what can change.
bucket() {
	bucket=$1 lifecycle=$2
	shift 2
	mark=$(fingerprint "$lifecycle" "$@")
	ensure gcloud storage buckets describe "gs://$bucket" "--project=$project" -- \
		gcloud storage buckets create "gs://$bucket" "--location=$bucket_location" --default-storage-class=STANDARD \
		--uniform-bucket-level-access --public-access-prevention "--project=$project"
	# Names of buckets are known to all and belong to the first who takes them, so that one of that name may be a
	# stranger's, open to everybody.
	if [ -z "$dry_run" ]; then
		own=$(know gcloud storage buckets list "--project=$project" "--filter=name=$bucket" '--format=value(name)') || exit
		[ "$own" = "$bucket" ] || die "gs://$bucket is not in project $project: somebody else has that name; take another --name"
	fi
	[ "$(ask gcloud storage buckets describe "gs://$bucket" "--project=$project" '--format=value(labels.setup)')" != "$mark" ] || return 0
	run_with "$lifecycle" gcloud storage buckets update "gs://$bucket" "$@" --lifecycle-file=/dev/stdin \
		"--update-labels=setup=$mark" "--project=$project"
}

rules='{"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 30, "isLive": false}}'
[ -z "$delete_after_days" ] || rules="{\"action\": {\"type\": \"Delete\"}, \"condition\": {\"age\": $delete_after_days, \"isLive\": true}}, $rules"
# A policy that was set before is not taken back when the flag is left out: that is for you to do.
if [ -n "$retention_days" ]; then
	bucket "$data" "{\"rule\": [$rules]}" --no-versioning --soft-delete-duration=7d "--retention-period=${retention_days}d"
else
	bucket "$data" "{\"rule\": [$rules]}" --versioning --soft-delete-duration=7d
fi
bucket "$state" '{"rule": [{"action": {"type": "Delete"}, "condition": {"numNewerVersions": 100, "isLive": false}}]}' \
	--versioning --soft-delete-duration=0

# Identities, and what they may do.

ensure gcloud iam service-accounts describe "$collector" "--project=$project" -- \
	gcloud iam service-accounts create "$name" "--display-name=asa2udm: collects into $data" "--project=$project"
ensure gcloud iam service-accounts describe "$trigger" "--project=$project" -- \
	gcloud iam service-accounts create "$name-trigger" "--display-name=asa2udm: starts $name" "--project=$project"
for bucket in "$data" "$state"; do
	grant roles/storage.objectUser "serviceAccount:$collector" "storage buckets" "gs://$bucket" "--project=$project"
done
for member in $feed_readers; do
	grant roles/storage.objectViewer "$member" "storage buckets" "gs://$data" "--project=$project"
	grant roles/storage.legacyBucketReader "$member" "storage buckets" "gs://$data" "--project=$project"
done

allow_push() {
	push_project=${push_instance%%/*}
	role_id=$(printf %s "$name" | tr - _)_importer
	ensure gcloud iam roles describe "$role_id" "--project=$push_project" -- \
		gcloud iam roles create "$role_id" '--title=asa2udm importer' \
		'--description=Hands in logs and events, and reads neither.' \
		--permissions=chronicle.events.import,chronicle.instances.get,chronicle.logs.import --stage=GA "--project=$push_project"
	grant "projects/$push_project/roles/$role_id" "serviceAccount:$collector" projects "$push_project"
}
[ -z "$push_instance" ] || allow_push

# The secret. Its value goes from the file to gcloud, past all arguments and variables.

ensure gcloud secrets describe "$secret" "--project=$project" -- \
	gcloud secrets create "$secret" --replication-policy=automatic "--project=$project"
grant roles/secretmanager.secretAccessor "serviceAccount:$collector" secrets "$secret" "--project=$project"

add_secret() {
	from=$secret_file
	[ "$from" != - ] || from=/dev/stdin
	set -- gcloud secrets versions add "$secret" --data-file=- "--project=$project"
	if [ -n "$dry_run" ]; then
		printf "tr -d '\\\\r\\\\n' <%s | %s\n" "$(quote "$from")" "$(quote "$@")"
		return
	fi
	tr -d '\r\n' <"$from" | run "$@" || exit
}
version=$(know gcloud secrets versions list "$secret" "--project=$project" --filter=state=enabled --limit=1 '--format=value(name)') || exit
no_secret=
if [ -n "$secret_file" ] && { [ -z "$version" ] || [ -n "$rotate" ]; }; then
	add_secret
elif [ -z "$version" ]; then
	no_secret=1
fi
if [ "$mode" = service ] && [ -n "$no_secret" ] && [ -z "$dry_run" ]; then
	die "the service reads the secret at its start, and it has no value yet: run this again with --secret-file"
fi

# What runs.

if [ -n "$push_instance" ]; then
	args=--out=secops://$push_instance,--spool=gs://$data/$prefix
else
	args=--out=gs://$data/$prefix
fi
args=$args,--state=gs://$state/$prefix/state.json,--since=$since${normalize:+,--normalize}
environment=ASA_TEAM_NAME=$team,ASA_KEY_ID=$key_id,ASA_BASE_URL=$base_url,GOOGLE_CLOUD_PROJECT=$project,ASA_KEY_SECRET=sm://$project/$secret/latest

job() {
	set -- "--image=$image" "--args=collect,--once,$args" "--set-env-vars=$environment" "--service-account=$collector" \
		--tasks=1 --parallelism=1 --max-retries=1 "--task-timeout=${task_timeout}s" "--cpu=$cpu" "--memory=$memory"
	mark=$(fingerprint "$@")
	# A job that could not be made or changed has its mark, too: only where Cloud Run has taken its latest
	# generation in and calls it ready, all is well.
	set -- "$name" "$@" "--region=$region" "--project=$project"
	old=$(ask gcloud run jobs describe "$name" "--region=$region" "--project=$project" '--flatten=status.conditions[]' \
		'--format=value(metadata.labels.setup,status.conditions.type,status.conditions.status,metadata.generation,status.observedGeneration)')
	generation=$(printf '%s\n' "$old" | sed -n "s/^$mark Ready True \([0-9][0-9]*\) \1\$/\1/p")
	if [ -z "$generation" ] && [ -n "$(ask gcloud run jobs describe "$name" "--region=$region" "--project=$project" '--format=value(metadata.name)')" ]; then
		run gcloud run jobs update "$@" "--update-labels=setup=$mark"
	elif [ -z "$generation" ]; then
		run gcloud run jobs create "$@" "--labels=setup=$mark"
	fi
	grant roles/run.invoker "serviceAccount:$trigger" "run jobs" "$name" "--region=$region" "--project=$project"
}

service() {
	set -- "--image=$image" "--args=serve,--auth=platform,--run-timeout=270s,$args" "--set-env-vars=$environment" \
		"--service-account=$collector" --no-allow-unauthenticated --ingress=internal --port=8080 --timeout=600s \
		--concurrency=80 --min-instances=0 --max-instances=1 --cpu-throttling "--cpu=$cpu" "--memory=$memory" \
		--startup-probe=httpGet.path=/health,periodSeconds=2,timeoutSeconds=2,failureThreshold=30 \
		--liveness-probe=httpGet.path=/health,periodSeconds=30,timeoutSeconds=5,failureThreshold=3
	mark=$(fingerprint "$@")
	# A revision that never became ready has left its mark, too: only where the latest one is ready, all is well.
	old=$(ask gcloud run services describe "$name" "--region=$region" "--project=$project" \
		'--format=value(metadata.labels.setup,status.latestReadyRevisionName,status.latestCreatedRevisionName)')
	created=${old##* }
	if [ -z "$created" ] || [ "$old" != "$mark $created $created" ]; then
		run gcloud run deploy "$name" "$@" "--update-labels=setup=$mark" "--region=$region" "--project=$project"
	fi
	grant roles/run.invoker "serviceAccount:$trigger" "run services" "$name" "--region=$region" "--project=$project"
}

# pubsub makes the way of a trigger to the service, and that of a refused one aside.
pubsub() {
	set -- gcloud projects describe "$project" '--format=value(projectNumber)'
	if [ -n "$dry_run" ]; then
		printf "PROJECT_NUMBER=\$(%s)\n" "$(quote "$@")"
		number="\${PROJECT_NUMBER}"
	else
		number=$("$@") || die "cannot read the number of project $project"
	fi
	set -- gcloud run services describe "$name" "--region=$region" "--project=$project" '--format=value(status.url)'
	if [ -n "$dry_run" ]; then
		printf "SERVICE_URL=\$(%s)\n" "$(quote "$@")"
		url="\${SERVICE_URL}"
	else
		url=$("$@") || die "cannot read the address of service $name"
		[ -n "$url" ] || die "service $name has no address: none of its revisions is ready; see its log, and run this again"
	fi
	agent=serviceAccount:service-$number@gcp-sa-pubsub.iam.gserviceaccount.com
	for topic in "$name-trigger" "$name-dead"; do
		ensure gcloud pubsub topics describe "$topic" "--project=$project" -- \
			gcloud pubsub topics create "$topic" "--project=$project"
	done
	# Pub/Sub signs its pushes as the trigger's identity.
	grant roles/iam.serviceAccountTokenCreator "$agent" "iam service-accounts" "$trigger" "--project=$project"
	grant roles/pubsub.publisher "$agent" "pubsub topics" "$name-dead" "--project=$project"
	ensure gcloud pubsub subscriptions describe "$name-trigger" "--project=$project" -- \
		gcloud pubsub subscriptions create "$name-trigger" "--topic=$name-trigger" "--push-endpoint=$url" \
		"--push-auth-service-account=$trigger" "--push-auth-token-audience=$url" --ack-deadline=600 \
		--message-retention-duration=1h --min-retry-delay=10s --max-retry-delay=600s --expiration-period=never \
		"--dead-letter-topic=$name-dead" --max-delivery-attempts=5 "--project=$project"
	grant roles/pubsub.subscriber "$agent" "pubsub subscriptions" "$name-trigger" "--project=$project"
	ensure gcloud pubsub subscriptions describe "$name-dead" "--project=$project" -- \
		gcloud pubsub subscriptions create "$name-dead" "--topic=$name-dead" --message-retention-duration=7d \
		--expiration-period=never "--project=$project"
}

# schedule KIND FLAG... makes or changes the schedule. It has no labels, so that its mark is in its text.
schedule() {
	kind=$1
	shift
	set -- "--schedule=$schedule" --time-zone=Etc/UTC --max-retry-attempts=1 --min-backoff=10s "$@"
	text="Starts a run of $name. (setup $(fingerprint "$kind" "$@"))"
	# The address and the topic, of which there is one: a schedule cannot be turned from one kind into the other.
	old=$(ask gcloud scheduler jobs describe "$name" "--location=$region" "--project=$project" '--format=value(httpTarget.uri,pubsubTarget.topicName)')
	case $kind:$old in
	http:*/topics/* | pubsub:*https://*)
		run gcloud scheduler jobs delete "$name" "--location=$region" "--project=$project" --quiet
		;;
	esac
	old=$(ask gcloud scheduler jobs describe "$name" "--location=$region" "--project=$project" '--format=value(description)')
	case $old in
	"$text") ;;
	'') run gcloud scheduler jobs create "$kind" "$name" "$@" "--description=$text" "--location=$region" "--project=$project" ;;
	*) run gcloud scheduler jobs update "$kind" "$name" "$@" "--description=$text" "--location=$region" "--project=$project" ;;
	esac
}

if [ "$mode" = job ]; then
	job
	schedule http "--uri=https://run.googleapis.com/v2/projects/$project/locations/$region/jobs/$name:run" --http-method=POST \
		"--oauth-service-account-email=$trigger" --oauth-token-scope=https://www.googleapis.com/auth/cloud-platform --attempt-deadline=180s
else
	service
	pubsub
	schedule pubsub "--topic=projects/$project/topics/$name-trigger" --message-body=run
fi

# Alerts.

if [ "$mode" = job ]; then
	resource="resource.type=\"cloud_run_job\""
	what="$resource AND resource.labels.job_name=\"$name\" AND resource.labels.location=\"$region\""
	runs="$what AND metric.type=\"run.googleapis.com/job/completed_execution_count\""
	failed="$runs AND metric.labels.result=\"failed\""
	succeeded="$runs AND metric.labels.result=\"succeeded\""
else
	resource="resource.type=\"cloud_run_revision\""
	what="$resource AND resource.labels.service_name=\"$name\" AND resource.labels.location=\"$region\""
	runs="$what AND metric.type=\"run.googleapis.com/request_count\""
	failed="$runs AND metric.labels.response_code=\"500\""
	succeeded="$runs AND metric.labels.response_code_class=\"2xx\""
fi

# json prints a text as JSON has it.
json() { printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"; }

# metric NAME JSON makes or changes a metric of the log. Its mark is in its description.
metric() {
	mark="(setup $(fingerprint "$2"))"
	verb=update
	case $(ask gcloud logging metrics describe "$1" "--project=$project" '--format=value(name,description)') in
	*"$mark") return ;;
	'') verb=create ;;
	esac
	run_with "$(printf '%s' "$2" | sed "s/@MARK@/$mark/")" gcloud logging metrics $verb "$1" --config-from-file=/dev/stdin "--project=$project"
}

metric "$name-errors" "{
  \"description\": \"Lines of $name with severity ERROR or worse. @MARK@\",
  \"filter\": $(json "$what AND severity>=ERROR"),
  \"metricDescriptor\": {\"metricKind\": \"DELTA\", \"valueType\": \"INT64\"}
}"
metric "$name-lag" "{
  \"description\": \"Age of the newest event at the end of each run of $name. @MARK@\",
  \"filter\": $(json "$what AND jsonPayload.lag_seconds>=0"),
  \"valueExtractor\": \"EXTRACT(jsonPayload.lag_seconds)\",
  \"metricDescriptor\": {\"metricKind\": \"DELTA\", \"valueType\": \"DISTRIBUTION\", \"unit\": \"s\"},
  \"bucketOptions\": {\"exponentialBuckets\": {\"numFiniteBuckets\": 75, \"growthFactor\": 1.2, \"scale\": 60}}
}"

list=
for channel in $channels; do
	list="$list${list:+, }$(json "$channel")"
done

# alert TITLE SEVERITY TEXT CONDITION makes or changes an alert policy.
alert() {
	title="$name: $1"
	text="{\"displayName\": $(json "$title"), \"combiner\": \"OR\", \"severity\": \"$2\", \"notificationChannels\": [$list], \"documentation\": {\"content\": $(json "$3 $runbook"), \"mimeType\": \"text/markdown\"}, \"conditions\": [$4]"
	mark=$(fingerprint "$text")
	text="$text, \"userLabels\": {\"setup\": \"$mark\"}}"
	old=$(know gcloud alpha monitoring policies list "--project=$project" "--filter=displayName=\"$title\"" '--format=value(name,userLabels.setup)') || exit
	case $old in
	*" $mark") ;;
	'') run gcloud alpha monitoring policies create "--policy=$text" "--project=$project" ;;
	*) run gcloud alpha monitoring policies update "${old%% *}" "--policy=$text" "--project=$project" ;;
	esac
}

# above TITLE FILTER VALUE PERIOD ALIGNER REDUCER is a condition on a threshold.
above() {
	printf '{"displayName": %s, "conditionThreshold": {"filter": %s, "comparison": "COMPARISON_GT", "thresholdValue": %s, "duration": "0s", "aggregations": [{"alignmentPeriod": "%s", "perSeriesAligner": "%s", "crossSeriesReducer": "%s"}]}}' \
		"$(json "$1")" "$(json "$2")" "$3" "$4" "$5" "$6"
}

alert "a run failed" ERROR \
	"A run of $name ended with an error. Nothing is lost: the next run goes on. If it stays, the log says why and what to do:" \
	"$(above "failed runs" "$failed" 0 300s ALIGN_SUM REDUCE_SUM)"
alert "an error was logged" WARNING \
	"The log of $name has an error, with its cure as the hint:" \
	"$(above "lines with severity ERROR" "$resource AND metric.type=\"logging.googleapis.com/user/$name-errors\"" 0 300s ALIGN_SUM REDUCE_SUM)"
[ "$alert_lag" -eq 0 ] || alert "the newest event is old" WARNING \
	"$name runs, but has seen no new event for long. Either the team is quiet, or ASA writes late:" \
	"$(above "age of the newest event" "$resource AND metric.type=\"logging.googleapis.com/user/$name-lag\"" "$alert_lag" 900s ALIGN_PERCENTILE_05 REDUCE_MIN)"
alert "no run has succeeded" CRITICAL \
	"No run of $name has succeeded for $alert_silence seconds. ASA keeps events for 90 days, then they are gone:" \
	"{\"displayName\": \"no successful run\", \"conditionAbsent\": {\"filter\": $(json "$succeeded"), \"duration\": \"${alert_silence}s\", \"aggregations\": [{\"alignmentPeriod\": \"300s\", \"perSeriesAligner\": \"ALIGN_SUM\", \"crossSeriesReducer\": \"REDUCE_SUM\"}]}}"
[ "$mode" = job ] || alert "triggers are refused" ERROR \
	"$name refused a trigger five times:" \
	"$(above "dead-lettered triggers" "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"$name-trigger\" AND metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\"" 0 300s ALIGN_SUM REDUCE_SUM)"

# What the other mode has left behind. It is not deleted: nobody has asked for that.

behind='' unseen=''
# left DESCRIBE... -- DELETE... notes something that is there, and how to delete it, or that nobody may look.
left() {
	describe "$@"
	shift "$described"
	[ -z "$dry_run" ] || return 0
	# shellcheck disable=SC2086 # words of this script, without blanks
	if said=$($describe 2>&1 >/dev/null); then
		behind="$behind
  $(quote "$@")"
		return
	fi
	case $said in
	*PERMISSION_DENIED* | *"not have permission"*)
		unseen="$unseen
 $describe" ;;
	esac
}

if [ "$mode" = job ]; then
	other=service
	set -- "--region=$region" "--project=$project"
	left gcloud run services describe "$name" "$@" -- gcloud run services delete "$name" "$@"
	# Without its API there is nothing of Pub/Sub, and nothing that could be asked.
	if printf '%s\n' "$enabled" | grep -Fqx pubsub.googleapis.com; then
		for kind in subscriptions topics; do
			for thing in "$name-trigger" "$name-dead"; do
				left gcloud pubsub $kind describe "$thing" "--project=$project" -- gcloud pubsub $kind delete "$thing" "--project=$project"
			done
		done
	fi
	for agent in $(ask gcloud iam service-accounts get-iam-policy "$trigger" "--project=$project" '--flatten=bindings[].members' \
		'--format=value(bindings.role,bindings.members)' | sed -n 's/^roles\/iam.serviceAccountTokenCreator \(.*@gcp-sa-pubsub\.iam\.gserviceaccount\.com\)$/\1/p'); do
		behind="$behind
  $(quote gcloud iam service-accounts remove-iam-policy-binding "$trigger" "--member=$agent" --role=roles/iam.serviceAccountTokenCreator "--project=$project")"
	done
	for policy in $(ask gcloud alpha monitoring policies list "--project=$project" "--filter=displayName=\"$name: triggers are refused\"" '--format=value(name)'); do
		behind="$behind
  $(quote gcloud alpha monitoring policies delete "$policy" "--project=$project")"
	done
else
	other=job
	set -- "--region=$region" "--project=$project"
	left gcloud run jobs describe "$name" "$@" -- gcloud run jobs delete "$name" "$@"
fi
[ -z "$behind" ] || say "this is left from --mode $other, and --mode $mode does not use it; unless something else does, delete it:$behind"
[ -z "$unseen" ] || say "whether this is left from --mode $other cannot be seen, for lack of a permission:$unseen"

[ -z "$dry_run" ] || exit 0
say "done: events go to gs://$data/$prefix/raw/, the state is gs://$state/$prefix/state.json"
[ -z "$no_secret" ] || say "left to do: gcloud secrets versions add $secret --data-file=key.txt --project=$project"
say "to start a run now: gcloud scheduler jobs run $name --location=$region --project=$project"
