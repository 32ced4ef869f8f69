# The commands of the house; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := build/qingshan
COUNTY := build/county

.PHONY: help setup run test system check bench soak catalogs clean

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

$(VENV)/run.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; PYTHON=python3.x make …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[county]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[county,dev]'
	@touch $@

setup: $(VENV)/run.stamp ## the environment alone: .venv with village and county in it

run: setup ## the sample village 青山村 with simulated phones and its county beside it; prints the addresses
	@test -f $(SAMPLE)/village.toml || $(BIN)/village sample $(SAMPLE)
	@exec $(BIN)/village serve $(SAMPLE) --county $(COUNTY)

test: $(VENV)/dev.stamp ## all tests; those whose outside program is missing are skipped by name
	$(BIN)/python -m pytest

system: ## the outside programs of the tests (root)
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  chromium fonts-noto-cjk strace modemmanager dbus baresip-core sip-tester espeak-ng

check: $(VENV)/dev.stamp ## lint, types, floors, catalogs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m village.web.kit.catalogs check

bench: $(VENV)/dev.stamp ## the project's figures → build/bench.json and docs/performance.md
	$(BIN)/python -m tests.bench

soak: $(VENV)/dev.stamp ## a thousand days of faults and power cuts, and the story with more cuts
	SOAK=1 $(BIN)/python -m pytest -m scenario

catalogs: $(VENV)/dev.stamp ## take new sentences into the catalogs and compile them
	$(BIN)/python -m village.web.kit.catalogs extract
	$(BIN)/python -m village.web.kit.catalogs compile

clean:
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
