# Everything runs from .venv, which the first target that needs it makes.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
DBT := $(BIN)/dbt
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# A virtual environment, and packages in one: with uv where there is one, since that takes seconds.
venv = if uv --version >/dev/null 2>&1; then \
    uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(1); else $(PYTHON) -m venv $(1); fi
install = if uv --version >/dev/null 2>&1; then uv pip install --quiet --python $(1) $(2); \
    else $(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2); fi
.PHONY: help setup demo test test-cost unit gates ci-gates mutants browser-test sail-test spark-test lint lint-python lint-sql format parse compiled versions bench bench-large lab-score docs requirements clean

export DBT_SEND_ANONYMOUS_USAGE_STATS := false

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.made ## make .venv with everything in it, the command included
	@:

demo: setup ## generate a shop's history, build it at several times, report what changed
	@$(BIN)/python -m forensics_lab.demo

test: setup ## lint, parse, and the tests that every change needs: on DuckDB, and on PostgreSQL where engines differ
	@$(MAKE) --jobs 2 --output-sync=target --no-print-directory lint-python lint-sql parse
	@$(PYTEST) -n auto -m "not slow and not gate"

test-cost: setup ## the same tests with a table of builds, CPU and time by file
	@$(PYTEST) -n auto -m "not slow and not gate" -p harness.cost

unit: setup ## the tests that need no database, in seconds
	@$(PYTEST) -q -n auto -m "not slow and not gate" tests/structure tests/unit

gates: setup ## what is too long for `make test`, all of it: three hours; CI runs a third of it each time
	@PYTHONPATH=tests $(BIN)/python -m harness.gates

MINUTES ?= 60
ci-gates: setup ## as many of the gates as fit into an hour (MINUTES=60), in turn
	@PYTHONPATH=tests $(BIN)/python -m harness.gates --minutes $(MINUTES)

# The gates, beside compiled, versions, browser-test and sail-test. Each is a part of its kind.
LONG := tests/functional/test_killed_anywhere.py tests/functional/test_company.py
slow-test-%: setup
	@$(PYTEST) -q -n auto -m "slow or gate" --part $*/5 $(LONG:%=--ignore %)

kills-test-%: setup
	@$(PYTEST) -q -m "slow or gate" --engine $(word $*,duckdb postgres) tests/functional/test_killed_anywhere.py

company-test: setup
	@$(PYTEST) -q -m slow tests/functional/test_company.py

postgres-test-%: setup
	@$(PYTEST) -q -n auto -m "not slow and not engines_differ" --engine postgres --part $*/3 tests/functional tests/property

thorough-test-%: setup
	@$(PYTEST) -q --hypothesis-profile thorough --engine $(word $*,duckdb postgres) tests/property -k generated

lab-score-%: setup
	@rm -rf build/lab-$*
	@# What the detectors reach; docs/lab.md says what they should.
	@$(BIN)/python -m forensics_lab.sweep --out build/lab-$* --seeds $(word $*,331-340 341-350 351-360) --natures 0 --min-dated 0.8 --min-ended 0.7

mutants: setup ## plant the faults of tests/mutants one at a time, and tell which test finds each (an hour)
	@PYTHONPATH=tests $(BIN)/python -m mutants.run

browser-test: .venv-browser/.made ## the pages in Chromium, which must be there: alone, by keyboard, dark, narrow, on paper
	@.venv-browser/bin/python -m pytest -q -p no:cacheprovider --confcutdir tests/browser tests/browser

sail-test: .venv-spark/.made ## the Spark dialect, on Sail: the package's tables are DuckDB's
	@TZ=UTC .venv-spark/bin/python -m pytest -q -W ignore tests/spark

spark-test: .venv-spark-iceberg/.made ## Apache Spark with Iceberg, two workers and a Thrift server: the package's tables are DuckDB's
	@TZ=UTC .venv-spark-iceberg/bin/python -m pytest -q -W ignore --engine spark tests/spark

lint: lint-python lint-sql ## ruff, mypy, sqlfluff

lint-python: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

lint-sql: setup
	@# A file that cannot be compiled is only a warning to sqlfluff; here it is a failure.
	@$(BIN)/sqlfluff lint --disable-progress-bar $(wildcard models snapshots analyses tests/*.sql) 2>&1 \
	    | awk '{ print } /Skipped file/ { skipped = 1 } END { exit skipped }'

format: setup ## write the Python layout that lint asks for
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# A consumer's parse, with everything that dbt may deprecate as an error.
PARSE := --quiet --no-partial-parse --show-all-deprecations --warn-error parse \
    --project-dir integration_tests --profiles-dir .lint --profile dbt_forensics
parse: setup
	@$(DBT) --quiet deps --project-dir integration_tests --profiles-dir .lint --profile dbt_forensics
	@$(DBT) $(PARSE)

# The parse once more with a profile of Snowflake, for which dbt checks the keys of every .yml too. Nothing is connected to.
compiled: parse .venv-compiled/.made ## what dbt writes for Snowflake, BigQuery, Redshift and Databricks, as parsers and an emulator see it
	@PYTHONWARNINGS=ignore .venv-compiled/bin/dbt $(PARSE) --target snowflake --target-path target/snowflake
	@.venv-compiled/bin/python -m pytest -q -W ignore -p no:cacheprovider --confcutdir tests/compiled tests/compiled

# The integration project on the other versions of dbt, the declared floor first, on DuckDB and PostgreSQL; parsed with every warning as an
# error, since later versions look closer.
VERSIONS := 1.10.6 1.12.6
versions: parse $(VERSIONS:%=.venv-dbt-%/.made) ## the integration project on other versions of dbt
	@for version in $(VERSIONS); do \
	    echo "dbt-core $$version"; \
	    .venv-dbt-$$version/bin/dbt $(PARSE) --target-path target/$$version; \
	    .venv-dbt-$$version/bin/python -m pytest -q -W ignore -p no:cacheprovider \
	        tests/functional/test_projects.py --engine all -k integration_tests; \
	done

bench: setup ## measure builds beside their alternatives (takes long; see docs/performance.md)
	@$(BIN)/python bench/bench.py

bench-large: setup ## how the package's builds grow up to 100 million rows (an hour and a half, and 50 GB of disk)
	@$(BIN)/python bench/large.py

lab-score: setup ## the lab's score over thirty seeds (twenty minutes on two cores)
	@rm -rf build/lab
	@$(BIN)/python -m forensics_lab.sweep

docs: setup ## write docs/cli.md from the command, and check what is documented
	@$(BIN)/python -m dbt_forensics.docs
	@$(PYTEST) -q tests/structure

requirements: ## pin the versions anew from requirements*.in (needs uv)
	@# The tools first: what runs must be at a version that they can live with.
	@for name in requirements-dev requirements requirements-spark requirements-spark-iceberg; do \
	    { echo "# Pinned by \`make requirements\` from $$name.in, for Python 3.11."; \
	      uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --python-version 3.11 \
	        $$(test $$name = requirements-dev || echo --constraint requirements-dev.txt) $$name.in; } > $$name.new; \
	    mv $$name.new $$name.txt; \
	done

clean: ## remove .venv and all that make, dbt and the tools have written
	@rm -rf .venv .venv-* build dist demo target logs .hypothesis .pytest_cache .mypy_cache .ruff_cache {scripts,lab}/*.egg-info
	@rm -rf {integration_tests,examples/*}/{target,logs,dbt_packages,package-lock.yml}
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv-compiled/.made .venv-browser/.made: .venv-%/.made: tests/%/requirements.txt
	@echo "Making .venv-$* ..." >&2
	@rm -rf .venv-$*
	@$(call venv,.venv-$*)
	@$(call install,.venv-$*,-r tests/$*/requirements.txt)
	@touch $@

# dbt-core 1.12 asks for an optional parser that the registry does not have for every platform. pip cannot leave it out, so there it is
# installed without dependencies and what it needs beside it.
.venv-dbt-%/.made: tests/versions/requirements-%.txt
	@echo "Making .venv-dbt-$* ..." >&2
	@rm -rf .venv-dbt-$*
	@$(call venv,.venv-dbt-$*)
	@$(call install,.venv-dbt-$*,--no-deps -r $<)
	@touch $@

.venv/.made: requirements-dev.txt pyproject.toml lab/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "This needs Python 3.11 or newer, and '$(PYTHON)' is not. Name one: make PYTHON=/path/to/python3.11 setup" >&2; \
	    exit 1; }
	@echo "Making .venv ..." >&2
	@rm -rf .venv
	@if uv --version >/dev/null 2>&1; then \
	    uv venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv; \
	    uv pip install --quiet --compile-bytecode --python .venv -r requirements-dev.txt; \
	    uv pip install --quiet --python .venv --no-deps -e . -e lab; \
	else \
	    $(PYTHON) -m venv .venv; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt; \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e . -e lab; \
	fi
	@touch $@

# dbt-spark lives apart: the package's own environment shall not depend on what it needs.
.venv-spark/.made .venv-spark-iceberg/.made: .venv-%/.made: requirements-%.txt
	@echo "Making .venv-$* ..." >&2
	@rm -rf .venv-$*
	@$(call venv,.venv-$*)
	@$(call install,.venv-$*,-r $<)
	@touch $@
