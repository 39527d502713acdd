# Every target does its own set-up; see scripts/setup.sh. `make help` lists them.

.PHONY: help demo test bench fuzz simulate crash lint wheel build clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: ## every file of this repository (or of DIR=) through durable tasks, on a file and through a server; processes are killed half-way; then the console of a busy shop stays open, until Ctrl-C or for DEMO_SECONDS=
	@scripts/demo.sh $(DIR)

test: ## every test of every language
	@scripts/test.sh

bench: ## submit, bulk, drain and wake-up figures beside raw SQLite; ARGS="--only http" through a server
	@scripts/setup.sh check
	@benches/run.sh $(ARGS)

# scripts/env.sh is bash's.
fuzz simulate crash: SHELL := bash

fuzz: ## inputs that no run has tried yet, SECONDS= for each reader of text (60); SEED= repeats one
	@scripts/setup.sh check
	@. scripts/env.sh && WINDLASS_FUZZ_SECONDS=$(or $(SECONDS),60) $(if $(SEED),WINDLASS_FUZZ_SEED=$(SEED)) \
	    cargo test --locked -p windlass-fuzz --test fuzz $(ONLY)

simulate: ## SEEDS= of the seeded simulation in the release profile (20000); SEED= shows one with its timeline
	@scripts/setup.sh check
	@. scripts/env.sh && $(if $(SEED),WINDLASS_SEED=$(SEED),WINDLASS_SEEDS=$(or $(SEEDS),20000)) \
	    cargo test --locked --release -p windlass-testkit --test simulation -- --nocapture

crash: ## KILLS= of real processes on one SQLite file, and as many behind a server that dies, too (200)
	@scripts/setup.sh python
	@. scripts/env.sh && cargo build --locked -p windlass-testkit && for how in "" --served; do \
	    "$$CARGO_TARGET_DIR/debug/windlass-crash" run $$how --kills $(or $(KILLS),200) \
	    --python "$$VENV/bin/python" testkit/crash_worker.py || exit 1; done

lint: ## formatting, clippy with warnings denied, ruff, type check
	@scripts/lint.sh

wheel: ## the Python package, in the release profile, as a wheel in bindings-python/dist
	@scripts/wheel.sh

build: ## everything compiled, and a Python environment with the package in it: .venv
	@scripts/setup.sh python
	@echo "ready: source .venv/bin/activate"

clean: ## removes what builds of this clone left in the caches
	@scripts/clean.sh
