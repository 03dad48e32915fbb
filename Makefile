# featuresql: make help lists the targets.
.DEFAULT_GOAL := help
.PHONY: help build test torture race lint fmt fuzz fuzz-sample bench bench-quick interop superset docs ci

export CGO_ENABLED := 0
CACHE := $(CURDIR)/.cache
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.9.0
FUZZTIME ?= 30s
FIRST ?= 1000000
KILLS ?= 1000
BUSY ?= 20s

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

build: ## build bin/featuresql
	go build -trimpath -o bin/featuresql ./cmd/featuresql

test: ## run the tests that need nothing but Go
	go vet ./...
	go test ./...

torture: build ## run ten thousand simulated schedules of failing, crashing writers, kill a thousand servers, and more (FIRST: the first seed; BUSY=10m)
	go test ./engine/simulate -timeout 30m -run Schedules -v -schedules 10000 -first $(FIRST)
	FEATURESQL_BIN=$(CURDIR)/bin/featuresql go test ./engine/torture -timeout 60m -v -kills $(KILLS) -rounds 100 -busy $(BUSY) -first $(FIRST) -python "$(wildcard $(CACHE)/venv/bin/python)"

race: ## run the tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 20m ./engine/... ./txn/... ./datasource/...

lint: ## check formatting and run golangci-lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	go run $(GOLANGCI) run ./...

fmt: ## format the sources
	gofmt -w .

fuzz: ## run every fuzz target for FUZZTIME
	testdata/tools/fuzz.sh $(FUZZTIME)

fuzz-sample: ## run every fuzz target for three seconds
	testdata/tools/fuzz.sh 3s

interop: build ## check against Spark, delta-rs, DuckDB and MySQL clients (installs them into .cache)
	interop/run.sh

superset: build ## start Apache Superset, which draws charts of two versions (installs it into .cache)
	interop/superset.sh

bench: build ## compare with DuckDB and delta-rs side by side (installs them into .cache)
	bench/run.sh

bench-quick: build ## the same on small data, under three minutes
	bench/run.sh --quick

docs: ## write the generated pages of docs/
	go test ./sqlfuncs/scalar ./engine/mysqlerr ./engine/logictest -run 'FunctionsDoc|Generated' -update

ci: test interop ## everything that a change must pass; what random fuzzing finds is shown, see docs/decisions/0008-fuzzing.md
	-@$(MAKE) --no-print-directory fuzz-sample
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
