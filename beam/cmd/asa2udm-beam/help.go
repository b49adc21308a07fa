package main

const help = `Maps many objects of raw records to UDM events, as "asa2udm map" does it, on
Apache Beam. For each object NAME that the pattern means, NAME.udm.ndjson gets its
events and NAME.rejects.ndjson what could not be mapped, with the reason. A run that
is repeated writes the same bytes again.

Usage: asa2udm-beam --input PATTERN --output PLACE [flags]

  --input PATTERN   objects to map: a directory, files, or gs://bucket/name; * and ?
                    stand for text in one folder, ** for any; .gz or not
  --output PLACE    directory or gs://bucket/prefix; names are kept below it from the
                    last / before the first wildcard
  --rejects PLACE   for rejects, if they must not stand beside the events
  --rules FILE      rule file, or a shipped pack (asa.yaml)
  --names FORM      field names: proto, or json (eventType)
  --max-record N    the longest line that is taken, in bytes (16777216)
  --at-once N       objects under way in each bundle at a time (4)
  --workers N       threads for each object; 0 is one for each processor
  --json            counts on stdout, as one line of JSON

Where it runs is said by the flags of Beam (docs/scale.md has them in full):

  in this process, with Beam's runner Prism
    $ asa2udm-beam --input 'raw/**.ndjson.gz' --output udm
  on Dataflow
    $ asa2udm-beam --input 'gs://B/raw/**' --output gs://B/udm --runner dataflow \
        --project P --region R --staging_location gs://B/staging \
        --worker_binary ./asa2udm-beam-linux-amd64
  on Flink, by its Beam job server
    $ asa2udm-beam --input 'gs://B/raw/**' --output gs://B/udm --runner flink \
        --endpoint HOST:8099 --environment_type DOCKER \
        --environment_config apache/beam_go_sdk:2.77.0 --worker_binary ./asa2udm-beam-linux-amd64

Exit codes: 0 all mapped, or handed over with --async; 1 some records rejected, 2
could not run.
`
