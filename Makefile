# Each check is a step of .ci/run, so that what passes here passes there.

FUZZTIME ?= 30s

.PHONY: help
help: ## Show this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

# Without gRPC, which the collector does not use, the command is a third smaller and starts with less
# memory.
.PHONY: build
build: ## Build the command, small
	go build -tags disable_grpc_modules -ldflags '-s -w' ./cmd/asa2udm

.PHONY: test
test: ## Run all tests
	go test ./...

.PHONY: race
race: ## Run all tests with the race detector
	.ci/run race

.PHONY: lint
lint: ## Look for faults that tests do not find
	.ci/run format lint

.PHONY: golden
golden: ## Rewrite the expected events; read the diff before you commit it
	go run ./cmd/asa2udm test --update testdata/golden

.PHONY: golden-check
golden-check: ## Fail when expected events are not what the rules give
	.ci/run golden

.PHONY: generate
generate: ## Rewrite the generated files
	go generate ./...

.PHONY: generate-check
generate-check: ## Fail when a generated file or go.mod is stale
	.ci/run generated modules

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "== $$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; \
	done

.PHONY: torture
torture: ## Run the long campaigns of the collector: kills, storms, races (about an hour)
	ASA2UDM_TORTURE=1 go test -run 'TestTorture|TestBeside|TestCanary|TestServe|TestSecOps|TestResend' -timeout 90m -v ./cmd/asa2udm
	ASA2UDM_TORTURE=1 go test -run 'TestStorm|TestStateFlips|TestCutAtEveryCall' -timeout 30m -v ./collector
	ASA2UDM_TORTURE=1 go test -run TestCrossing -timeout 60m -v ./collector/okta

.PHONY: bench
bench: ## Measure mapping against other ways to do it, as whole processes (some minutes)
	go run ./bench

.PHONY: beam
beam: ## Test the nested module that runs on Apache Beam
	.ci/run beam

.PHONY: beam-worker
beam-worker: ## Build the program that Dataflow and Flink run on their workers
	cd beam && CGO_ENABLED=0 GOOS=linux GOARCH=amd64 go build -trimpath -ldflags '-s -w' -o ../asa2udm-beam-linux-amd64 ./cmd/asa2udm-beam
