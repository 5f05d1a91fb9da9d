# The few words a newcomer needs; `make` alone lists them.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup packages servers demo test test-long check bench coverage clean

RUN := .venv/bin
READY := .venv/.ready
ARGS ?=
PART ?=
SERVERS ?=
comma := ,
SERVER_SUITES := tests/exactness tests/integration tests/faults

# Groups of tests run side by side; most of their time is waiting, so more workers than cores pay.
WORKERS ?= 4
PYTEST := $(RUN)/python -m pytest -n $(WORKERS)

# The environment is made again when one of these is newer.
SOURCES := pyproject.toml setup.py scripts/setup.sh \
	$(wildcard src/shardvault/kernel/*.pyx src/shardvault/kernel/*.pxi src/shardvault/kernel/vendor/*)

help: ## list these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: packages $(READY) ## system packages, .venv with shardvault, the compiled kernel

demo: setup ## the main job on four private servers; KEEP=1 leaves them up, ARGS="…" is passed on
	@exec $(RUN)/python -m demo $(if $(KEEP),--keep) $(ARGS)

test: setup ## all tests but the long ones, WORKERS=4 at a time; ARGS="-k cut" chooses; SERVERS=/path
	@scripts/setup.sh servers || echo "make: tests that need a missing server will fail" >&2
	@$(if $(SERVERS),failed=0; for server in $(subst $(comma), ,$(SERVERS)); do \
	  SHARDVAULT_SERVER_UNDER_TEST="$$server" $(PYTEST) $(SERVER_SUITES) $(ARGS) || failed=1; \
	done; exit $$failed,exec $(PYTEST) $(ARGS))

test-long: export SHARDVAULT_SEED ?= $(shell echo $$RANDOM)
test-long: setup ## every test, the long ones too; PART=random runs the long ones of one part
	@scripts/setup.sh servers || echo "make: tests that need a missing server will fail" >&2
	@exec $(PYTEST) -o faulthandler_timeout=3600 -m '$(if $(PART),long(part="$(PART)"))' $(ARGS)

check: setup ## style, types, rooms, documents
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports
	$(RUN)/python -m pytest -q tests/architecture

bench: setup ## measure against mydumper and mariadb-dump; ARGS="…" is passed on
	@scripts/setup.sh packages bench
	@exec $(RUN)/python -m benchmarks $(ARGS)

coverage: setup ## which lines and branches the tests pass
	@scripts/setup.sh servers
	$(RUN)/coverage erase
	$(RUN)/coverage run -m pytest -n $(WORKERS) $(ARGS)
	$(RUN)/coverage combine -q
	$(RUN)/coverage report

servers: packages ## fetch the servers that tests start, into .cache/servers
	@scripts/setup.sh servers

clean: ## remove what was made here, but not the fetched servers
	rm -rf .venv build dist src/*.egg-info .coverage .coverage.* .hypothesis .cache/templates \
		.import_linter_cache .mypy_cache .pytest_cache .ruff_cache \
		src/shardvault/kernel/_native.c src/shardvault/kernel/_native*.so
	find src tests benchmarks demo -name __pycache__ -prune -exec rm -rf {} +

packages:
	@scripts/setup.sh packages run

$(READY): $(SOURCES) | packages
	@scripts/setup.sh venv
	@touch $@
