# `make help` lists the tasks.  Everything a task needs is installed by it first.
SHELL := /bin/bash
PYTHON := .venv/bin/python
INSTALLED := [ -x $(PYTHON) ] || { echo "nothing is installed yet; make install" >&2; exit 1; }
UV_COMPILE := .flashsale/install/uv/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes
# Services and tests keep their compiled modules: Airflow starts twice as fast.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help install install-tests demo down status clean test test-unit test-integration test-e2e soak lint format docs pictures lock

help:  ## list the tasks
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:  ## set up .venv from requirements.lock and the jars of HDFS and Spark
	@embedded/install.sh

install-tests:  ## the same, and Chromium for the browser tests
	@embedded/install.sh --tests

demo: install  ## start everything on this machine; Ctrl-C stops it, the data stays
	@$(PYTHON) -m embedded demo

down:  ## stop everything that `make demo` started, from another terminal
	@$(INSTALLED)
	@$(PYTHON) -m embedded down

status:  ## one line per service; exit code 0 only when all is well
	@$(INSTALLED)
	@$(PYTHON) -m embedded status

clean:  ## forget the demo's data, logs and secrets
	@$(INSTALLED)
	@$(PYTHON) -m embedded clean

test: install-tests  ## all tests but the long ones, on real services (at most 15 min)
	$(PYTHON) -m pytest -m "not soak" -n 2 --dist loadfile --no-loadscope-reorder tests

test-unit: install  ## tests that need no service
	$(PYTHON) -m pytest tests/unit

test-integration: install-tests  ## tests on real services, also beside a running demo
	$(PYTHON) -m pytest -m "not soak" tests/integration

test-e2e: install-tests  ## three real minutes through the whole stack
	$(PYTHON) -m pytest -m "not soak" tests/e2e

soak: install-tests  ## the long tests with the full numbers
	$(PYTHON) -m pytest -m soak tests

lint: install  ## formatting, lint rules and types
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

format: install  ## put the formatting right
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

docs: install  ## write the data dictionary anew from the schema
	$(PYTHON) -m flashsale.rendering > docs/data-dictionary.md

pictures: install-tests  ## take the README's picture from the running demo
	$(PYTHON) docs/take_pictures.py

lock: install  ## compile requirements.lock anew from pyproject.toml, and each image's part of it
	$(UV_COMPILE) --all-extras pyproject.toml -o requirements.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra build pyproject.toml -o containers/locks/build.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra generator pyproject.toml -o containers/locks/generator.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra dashboard pyproject.toml -o containers/locks/dashboard.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra spark pyproject.toml -o containers/locks/spark.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra airflow --extra spark pyproject.toml -o containers/locks/airflow.lock
