# Targets with a comment of two # are listed by "make" alone.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME ?= 60s
BENCH ?=
REAL_SERVER ?= .build/real-server
REAL_TOKENIZERS ?= .build/real-tokenizers
REPORT_CHECK ?= .build/report
ARCHS ?= amd64 arm64
DIST_WORK ?= .build/dist
REGISTRY_CHECK ?= .build/registry
LIB := .build/libtokenizers/current/libtokenizers.a
GO_FILES := find . -name '*.go' -not -path '*/node_modules/*' -not -path './.build/*'

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT := $(shell git rev-parse --verify -q HEAD 2>/dev/null)

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build weir and run the static scenario against the built-in simulator
	@mkdir -p results
	./weir run static --sim --parallel-num 1 4 8 --prompt-tokens 128 512 --output-tokens 32 64 --epochs 2 \
		--benchmark-csv "results/static-$$(date +%Y%m%d-%H%M%S)-$$$$.csv"

.PHONY: test
test: licenses ## run all tests, then once more with the race detector
	go test -parallel 6 ./...
	go test -parallel 6 -race ./...

.PHONY: bench
bench: build ## measure weir on this machine beside the least possible, and against the truth (BENCH="-quick")
	go build -trimpath -o .build/bench ./cmd/bench
	.build/bench -weir ./weir $(BENCH)

.PHONY: microbench
microbench: libtokenizers ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

# The Go linker does not see that libtokenizers.a changed. Its checksum among the
# linker's flags makes it look again; no variable of that name is needed.
.PHONY: build
build: licenses ## build ./weir
	go build -trimpath -o weir -ldflags "-X weir/cmd.version=$(VERSION) -X weir/cmd.commit=$(COMMIT) \
		-X weir/cmd.libtokenizers=$$(cksum <$(LIB) | cut -d ' ' -f 1)" ./cmd/weir

# What weir version --licenses shows. The file that is embedded is no source.
.PHONY: licenses
licenses: libtokenizers
	@go run ./cmd/licenses -o runtime/licenses/built/licenses.json.zst

.PHONY: lint
lint: types libtokenizers ## check formatting, vet, staticcheck, and the types of scripts and examples
	@unformatted=$$($(GO_FILES) | xargs "$$(go env GOROOT)/bin/gofmt" -l); \
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi >&2
	go vet ./...
	go run $(STATICCHECK) ./...

.PHONY: types
types: scripts/node_modules/.package-lock.json build ## check the types of scripts, examples and templates alone
	npm run --silent --prefix scripts check
	sh scripts/check-templates.sh ./weir .build/templates

.PHONY: fuzz
fuzz: libtokenizers ## fuzz every parser, one after another (FUZZTIME=60s each)
	@go list ./... | while read -r package; do \
		go test -list '^Fuzz' "$$package" | { grep '^Fuzz' || true; } | while read -r target; do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x "$$package" </dev/null; \
		done; \
	done

.PHONY: test-real
test-real: build need-python ## run weir against a real inference server (llama.cpp, one wheel)
	testdata/real-server/e2e_llamacpp.sh ./weir "$(REAL_SERVER)"

.PHONY: test-tokenizers
test-tokenizers: build need-python need-npm ## compare token ids and chat templates with Hugging Face's own libraries
	testdata/real-tokenizers/check.sh ./weir "$(REAL_TOKENIZERS)"

.PHONY: test-conventions
test-conventions: need-python ## work out the numbers of other tools' conventions again, in Python
	python3 testdata/conventions/expected.py --check

.PHONY: test-report
test-report: build need-npm need-chromium ## open reports of real runs in headless Chromium
	testdata/report/check.sh ./weir "$(REPORT_CHECK)"

.PHONY: test-registry
test-registry: build ## share scenarios through a real OCI registry (builds distribution, a Go module)
	testdata/registry/check.sh ./weir "$(REGISTRY_CHECK)"

.PHONY: dist
dist: build ## make what a release consists of, in dist/ (ARCHS="amd64 arm64"; docs/release.md)
	go run ./cmd/dist -weir ./weir -archs "$(ARCHS)" -work "$(DIST_WORK)" -o dist

.PHONY: test-dist
test-dist: ## check what make dist has made: static binaries, packages, sums (ARCHS)
	cmd/dist/check.sh dist $(ARCHS)

.PHONY: clean
clean: ## remove what was built; keeps results/ and libtokenizers (1 to 4 minutes to build)
	rm -rf weir dist scripts/node_modules .build/real-server .build/real-tokenizers .build/report .build/registry .build/templates

.PHONY: distclean
distclean: clean ## remove that and everything else that was built or downloaded; keeps results/
	rm -rf .build

# The script is quick when the archive is there.
.PHONY: libtokenizers
libtokenizers: need-go need-cc
	@sh modules/tokenizer/build-libtokenizers.sh >/dev/null

scripts/node_modules/.package-lock.json: scripts/package-lock.json | need-npm
	npm ci --prefix scripts --no-audit --no-fund
	@touch $@

.PHONY: need-go need-cc need-npm need-python need-chromium
need-go:
	@command -v go >/dev/null || { echo "make: go is missing: install Go from https://go.dev/dl, the version in go.mod or newer"; exit 1; } >&2
need-cc:
	@command -v "$${CC:-cc}" >/dev/null || { echo "make: $${CC:-cc}, a C compiler, is missing: install gcc (Debian: apt-get install gcc)"; exit 1; } >&2
	@command -v "$${CXX:-g++}" >/dev/null || { echo "make: $${CXX:-g++}, a C++ compiler, is missing: install g++ (Debian: apt-get install g++)"; exit 1; } >&2
need-npm:
	@command -v npm >/dev/null || { echo "make: npm is missing, which type-checks scripts: install Node.js 18 or newer (Debian: apt-get install npm)"; exit 1; } >&2
need-python:
	@command -v python3 >/dev/null || { echo "make: python3 is missing, which runs the real server and checks other tools' conventions: install it (Debian: apt-get install python3-venv)"; exit 1; } >&2
need-chromium:
	@[ -n "$${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ echo "make: chromium is missing, which opens reports: install it (Debian: apt-get install chromium), or name another one with CHROMIUM=…"; exit 1; } >&2
