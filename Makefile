# Every target does its own set-up; see scripts/setup.sh. `make help` lists them.

.PHONY: help demo test bench lint wheel build clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: ## every file of this repository (or of DIR=) through durable tasks, one worker killed half-way
	@scripts/demo.sh $(DIR)

test: ## every test of every language
	@scripts/test.sh

bench: ## submit, bulk, drain and wake-up figures beside raw SQLite
	@scripts/setup.sh check
	@benches/run.sh $(ARGS)

lint: ## formatting, clippy with warnings denied, ruff, type check
	@scripts/lint.sh

wheel: ## the Python package, in the release profile, as a wheel in bindings-python/dist
	@scripts/wheel.sh

build: ## everything compiled, and a Python environment with the package in it: .venv
	@scripts/setup.sh python
	@echo "ready: source .venv/bin/activate"

clean: ## removes what builds of this clone left in the caches
	@scripts/clean.sh
