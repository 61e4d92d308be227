# The doors of the project. Every target prepares what it needs; a second call installs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 3000
SEASON ?=
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-ui test check nightly ui market-server bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime ## the nightly job over a generated sample season: no network needed
	@$(BIN)/firsttd demo

demo-ui: $(VENV)/.runtime ## the demo, then Dagster's UI over it on 127.0.0.1:$(PORT)
	@$(BIN)/firsttd demo --ui --port $(PORT)

nightly: $(VENV)/.runtime ## the nightly job on live data (SEASON=2025 takes a season)
	@$(BIN)/firsttd nightly $(if $(SEASON),--season $(SEASON))

ui: $(VENV)/.runtime ## Dagster with its daemon on 127.0.0.1:$(PORT)
	@$(BIN)/firsttd ui --port $(PORT)

# In the order of the tests' conftest: the long files first.
test: $(VENV)/.dev ## the tests
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(TESTS)

check: $(VENV)/.dev ## ruff, strict types, the definitions by both doors
	@$(BIN)/ruff check . && $(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(BIN)/python -m firsttd_pipeline_tests.check_definitions

market-server: $(VENV)/.dev ## the market venues without a network, over the data in ../shared, until Ctrl-C
	@$(BIN)/python -m firsttd_pipeline_tests.market_server

bench: $(VENV)/.dev ## measure: a season, the job, the queries
	@$(BIN)/python -m bench.run

clean: ## remove what was generated here; the league's home stays
	rm -rf $(VENV) .firsttd-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis bench/out build *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make ... PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

INSTALL = $(BIN)/python -m pip install -q --disable-pip-version-check --retries 1 --timeout 20 -c constraints.txt
NO_INSTALL = { echo "The packages could not be installed: is the package registry reachable? Nothing else was changed." >&2; exit 1; }

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing the pipeline into $(VENV) (once) ..." >&2
	@$(INSTALL) -e . || $(NO_INSTALL)
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@echo "Installing what the tests need into $(VENV) (once) ..." >&2
	@$(INSTALL) -e '.[dev]' || $(NO_INSTALL)
	@touch $@
