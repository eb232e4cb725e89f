# Every command of the house. `make` alone lists them; CI runs the same ones.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := $(wildcard packages/*)

# SOURCE=simulator|olist DATA=<zip or folder> AS_OF=2018-04-01 WORLD=… PORT=…: passed on only where given.
RUN_OPTIONS := $(if $(SOURCE),--source $(SOURCE)) $(if $(DATA),--data "$(DATA)") $(if $(AS_OF),--as-of $(AS_OF))

# PRESET=tiny|small|large OUT=<folder> SEED=… DAYS=… ORDERS=…
SIMULATE_OPTIONS := --preset $(or $(PRESET),small) --out "$(or $(OUT),var/simulated/$(or $(PRESET),small)-$(or $(SEED),7))" \
  $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS)) $(if $(ORDERS),--orders-per-day $(ORDERS))

.PHONY: help setup run simulate test check dev serve bench lock clean docs

help: ## List all commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make .venv from the lock and install our own packages in it

$(STAMP): requirements.lock pyproject.toml $(wildcard packages/*/pyproject.toml)
	@echo "── setting up $(VENV) (once; about two minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

run: $(STAMP) ## The main job, from raw or simulated files to an answered ETA (SOURCE=olist DATA=… AS_OF=…)
	@$(BIN)/tradewind run $(RUN_OPTIONS)

simulate: $(STAMP) ## A marketplace with planted truth, into a folder for DATA=… (PRESET=tiny|small|large OUT=… SEED=… DAYS=… ORDERS=…)
	@$(BIN)/tradewind simulate $(SIMULATE_OPTIONS)

test: $(STAMP) ## All tests
	@.ci/parts tests

check: $(STAMP) ## Lint, format, types, imports, SQL, dbt: the static checks
	@.ci/parts checks

dev: $(STAMP) ## The Dagster UI with the whole lineage
	@$(BIN)/tradewind dev $(if $(SOURCE),--source $(SOURCE))

serve: $(STAMP) ## The services, on loopback
	@$(BIN)/tradewind serve $(if $(PORT),--port $(PORT)) $(if $(SOURCE),--source $(SOURCE))

docs: $(STAMP) ## Write the generated catalogues and manifests anew
	@$(BIN)/tradewind docs

bench: $(STAMP) ## Benchmarks, side by side in one run
	@$(BIN)/python -m pytest tests/benchmarks -m benchmark -s -q

lock: $(STAMP) ## Compile requirements.lock and requirements-serving.lock anew
	@.ci/lock

clean: ## Delete the environment and caches (not the home folder var/)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt/target dbt/logs
