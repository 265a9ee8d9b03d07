# Everything that is done with this repository. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# go.mod says which Go is needed. With one that is new enough nothing is downloaded; with an older one
# the go command fetches the right one by itself.
GO_NEEDED := $(shell awk '$$1 == "go" { print $$2; exit }' go.mod)
ifeq (ok,$(shell GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | awk -v need=$(GO_NEEDED) '{ \
	sub(/^go/, ""); split($$1, have, "."); split(need, want, "."); \
	for (i = 1; i <= 3; i++) { if (have[i]+0 != want[i]+0) { print (have[i]+0 > want[i]+0) ? "ok" : "old"; exit } } print "ok" }'))
export GOTOOLCHAIN := local
endif

# What the binary says it is: the tag, or the commit where there is none.
VERSION ?= $(shell git describe --tags --always 2>/dev/null || echo dev)

TOOL := go tool -modfile=tools/go.mod
ARGS ?=

.PHONY: help
help: ## list what there is (the default)
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: build ## build, then start everything and watch events being delivered; Ctrl-C ends it
	./bin/postrider demo $(ARGS)

.PHONY: run
run: build ## build and run `postrider serve` with its data in ./postrider-data; ARGS="--dev" adds flags
	./bin/postrider serve $(ARGS)

.PHONY: build
build: ## build ./bin/postrider; minutes the first time, seconds after
	go build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/postrider ./cmd/postrider

.PHONY: test
test: deps vet test-race test-server test-integration e2e workflowcheck ## all tests; installs what they need where it may, says what it skips

.PHONY: test-fast
test-fast: ## tests of the packages that do not link the Temporal server
	@packages=$$(test/packages.sh fast) && go test $$packages

.PHONY: test-race
test-race: ## the same with the race detector, in random order
	@packages=$$(test/packages.sh fast) && go test -race -shuffle=on $$packages

# Without the race detector: instrumenting the embedded server would double the longest build.
.PHONY: test-server
test-server: ## tests of the packages that link the Temporal server
	@packages=$$(test/packages.sh server); \
	if [ -n "$$packages" ]; then go test -shuffle=on $$packages; else echo "no package links the Temporal server"; fi

.PHONY: test-integration
test-integration: ## tests against a PostgreSQL that they start themselves
	go test -race -shuffle=on -tags integration ./store/postgres/...
	go test -shuffle=on -tags integration -run Postgres ./internal/engine/

# Never from the test cache: it does not know of the binary that is tested.
.PHONY: e2e
e2e: ## whole-system and crash tests of the real binary
	go test -count=1 -timeout 40m -p 1 -tags e2e ./cmd/... ./test/...

.PHONY: crash
crash: deps ## the crash tests alone, twenty kills each and two minutes of faults, and what was lost and repeated; an hour
	POSTRIDER_TEST_KILLS=20 POSTRIDER_TEST_FAULTS_TIME=2m go test -timeout 2h -count=1 -p 1 -v -tags e2e \
		-run 'Kill|Crashes|Power|FullDisk|Away|Faults' ./test

.PHONY: deps
deps: ## install what the wider tests need (Debian, as root), or say what is missing
	@test/install-deps.sh

.PHONY: check
check: fmt-check lint workflowcheck test-race generated ## what every commit passes: format, lint, determinism, race, generated files

.PHONY: vet
vet: ## go vet, the tagged tests included
	go vet -tags integration,e2e ./...

.PHONY: lint
lint: ## golangci-lint, as pinned in tools/go.mod; minutes the first time
	$(TOOL) golangci-lint run

.PHONY: fmt
fmt: ## format all Go files
	$(TOOL) golangci-lint fmt

.PHONY: fmt-check
fmt-check: ## fail if a Go file is not formatted
	$(TOOL) golangci-lint fmt --diff

.PHONY: workflowcheck
workflowcheck: ## fail if workflow code could differ between a run and its history replay
	$(TOOL) workflowcheck ./workflows/...

.PHONY: openapi
openapi: ## write the OpenAPI document anew from the Go types
	go test ./api/ -run OpenAPI -update

.PHONY: generated
generated: ## fail if a generated file is not current
	go test ./api/ -run OpenAPI

.PHONY: bench
bench: build ## run the benchmark; bench/README.md says what it measures
	go run ./bench $(ARGS)

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
