# `make help` lists the tasks.  Everything a task needs is installed by it first.
SHELL := /bin/bash
PYTHON := .venv/bin/python
INSTALLED := [ -x $(PYTHON) ] || { echo "nothing is installed yet; make install" >&2; exit 1; }
UV_COMPILE := .flashsale/install/uv/bin/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes
# What runs: containers of this project, or processes of the embedded stack.
HOST := python3 -m containers.host
HOME_FOLDER := $(or $(FLASHSALE_HOME),.flashsale)
COMPOSED := docker compose ps --all --quiet 2>/dev/null | grep -q .
EMBEDDED := { [ -x $(PYTHON) ] && ls $(HOME_FOLDER)/run/*.json >/dev/null 2>&1; }
NOTHING_RUNS := { echo "nothing is running; start it with make up (containers) or make demo (this machine)" >&2; exit 1; }
# $(1): folder of the commands.
REHEARSE = id=$$($(1)flashsale-sale rehearse | sed -n "s/.* --sale \([^ ]*\) .*/\1/p") && $(1)flashsale-generate run --sale $$id --speed max --workers 2
IN_SALE := docker compose run --rm --no-deps -T sale
# Services and tests keep their compiled modules: Airflow starts twice as fast.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help install install-tests demo up down status logs doctor notify-targets notify-test password sale-start sale-stop sale-list clean test test-unit test-integration test-e2e compose-test compose-soak rehearse bench-archive bench-forecast bench-per-core bench-generator bench-freshness bench-kpi bench-dashboard soak lint format docs pictures lock

help:  ## list the tasks
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:  ## set up .venv from requirements.lock and the jars of HDFS and Spark
	@embedded/install.sh

install-tests:  ## the same, and Chromium for the browser tests
	@embedded/install.sh --tests

demo: install  ## start everything on this machine; Ctrl-C stops it, the data stays
	@$(PYTHON) -m embedded demo

up:  ## build and start the containers, wait until all is well, print the addresses
	@$(HOST) doctor --before-up
	@docker compose up -d --build --wait --quiet-pull
	@$(HOST) status

down:  ## stop everything, of either deployment; the data stays
	@if $(COMPOSED); then docker compose rm --stop --force --volumes && docker compose down; fi
	@if $(EMBEDDED); then $(PYTHON) -m embedded down; fi

status:  ## one line per service; exit code 0 only when all is well
	@code=0; \
	if $(COMPOSED) || ! $(EMBEDDED); then $(HOST) status || code=1; fi; \
	if $(EMBEDDED); then $(PYTHON) -m embedded status || code=1; fi; \
	exit $$code

logs:  ## follow the logs; of one service with S=<service>
	@if $(COMPOSED); then docker compose logs --follow --tail 50 $(S); \
	elif $(EMBEDDED); then tail -n 20 -F $(HOME_FOLDER)/logs/$(if $(S),$(S),*).log; \
	else $(NOTHING_RUNS); fi

doctor:  ## what is wrong with the containers, in plain words, and what to do
	@$(HOST) doctor

notify-targets:  ## where the notifier's messages go: FILE=targets.txt, one URL a line (an empty file: nowhere)
	@[ -f "$(FILE)" ] || { echo "error: FILE=$(FILE): there is no such file; make notify-targets FILE=targets.txt" >&2; exit 2; }
	@if $(COMPOSED); then docker compose run --rm --no-deps -T secrets targets < "$(FILE)"; \
	elif [ -d $(HOME_FOLDER)/secrets ]; then install -m 600 "$(FILE)" $(HOME_FOLDER)/secrets/notify_targets && echo "the notifier finds them at its next look; make notify-test tries them"; \
	else $(NOTHING_RUNS); fi

notify-test:  ## send a test message to every target, and say what happened
	@if $(COMPOSED); then docker compose exec -T notifier flashsale-notify test; \
	elif $(EMBEDDED); then .venv/bin/flashsale-notify test; \
	else $(NOTHING_RUNS); fi

password:  ## print the password of Airflow's user admin
	@if $(COMPOSED); then docker compose run --rm --no-deps -T secrets show airflow_admin 2>/dev/null; \
	elif [ -f $(HOME_FOLDER)/secrets/airflow_admin ]; then cat $(HOME_FOLDER)/secrets/airflow_admin; \
	else $(NOTHING_RUNS); fi

sale-start:  ## open a new sale on a running stack: SALE=configs/sales/x.toml [AT=2026-11-11T00:00Z]
	@[ -n "$(SALE)" ] || { echo "error: which sale? make sale-start SALE=configs/sales/demo.toml" >&2; exit 2; }
	@[ -f "$(SALE)" ] || { echo "error: SALE=$(SALE): there is no such file" >&2; exit 2; }
	@if $(COMPOSED); then SALE="$(SALE)" $(IN_SALE) flashsale-sale start $(if $(AT),--at $(AT)) && docker compose run --rm --no-deps -T seed; \
	elif $(EMBEDDED); then FLASHSALE_SALE="$(SALE)" .venv/bin/flashsale-sale start $(if $(AT),--at $(AT)) && $(PYTHON) -m spark_jobs.seed_dimensions; \
	else $(NOTHING_RUNS); fi

sale-stop:  ## end the live sale
	@if $(COMPOSED); then $(IN_SALE) flashsale-sale stop && docker compose run --rm --no-deps -T seed; \
	elif $(EMBEDDED); then .venv/bin/flashsale-sale stop && $(PYTHON) -m spark_jobs.seed_dimensions; \
	else $(NOTHING_RUNS); fi

sale-list:  ## all sales, newest first
	@if $(COMPOSED); then $(IN_SALE) flashsale-sale list; elif $(EMBEDDED); then .venv/bin/flashsale-sale list; else $(NOTHING_RUNS); fi

rehearse:  ## simulate a whole past sale on the running stack, beside the live one: SALE=configs/sales/x.toml
	@[ -f "$(SALE)" ] || { echo "error: SALE=$(SALE): there is no such file; make rehearse SALE=configs/sales/demo.toml" >&2; exit 2; }
	@if $(COMPOSED); then SALE="$(SALE)" $(IN_SALE) bash -o pipefail -c '$(call REHEARSE,)'; \
	elif $(EMBEDDED); then set -o pipefail; export FLASHSALE_SALE="$(SALE)"; $(call REHEARSE,.venv/bin/); \
	else $(NOTHING_RUNS); fi

clean:  ## forget the demo's data, logs and secrets
	@$(INSTALLED)
	@$(PYTHON) -m embedded clean

# Three workers on two cores: the end-to-end minutes and the page's refreshes are waited for, not computed.
# Who shares what, and what comes first: tests/conftest.py.
test: install-tests  ## all tests but the long ones, on real services (about 18 min on two cores)
	$(PYTHON) -m pytest -m "not soak and not compose" -n 3 --dist loadscope --no-loadscope-reorder --durations 15 tests

test-unit: install  ## tests that need no service
	$(PYTHON) -m pytest tests/unit

test-integration: install-tests  ## tests on real services, also beside a running demo
	$(PYTHON) -m pytest -m "not soak and not compose" tests/integration

test-e2e: install-tests  ## three real minutes through the whole stack
	$(PYTHON) -m pytest -m "not soak and not compose" tests/e2e

compose-test: install  ## the containers, from empty volumes, on this machine's engine (about 15 min)
	$(PYTHON) -m pytest -s -m "compose and not soak" tests/compose

compose-soak: install  ## the same with every service killed and the engine restarted
	$(PYTHON) -m pytest -s -m compose tests/compose

bench-per-core: install  ## CPU and bytes per million facts, part by part (about 3 min)
	$(PYTHON) -m benchmarks.per_core

bench-generator: install  ## what the generator stores a second, against the same mongod's best (about 6 min; FULL=1: the whole 11.11)
	$(PYTHON) -m benchmarks.generator $(if $(FULL),--full)

bench-kpi: install  ## a run of the minute engine against floors and rivals (about 8 min; FULL=1: 69 M orders stored)
	$(PYTHON) -m benchmarks.kpi $(if $(FULL),--full)

bench-freshness: install  ## from a minute's boundary to readable KPIs, stage by stage (about 8 min; FULL=1: 30 minutes)
	$(PYTHON) -m benchmarks.freshness $(if $(FULL),--full)

bench-archive: install  ## archiving against its floors, and the KPI engine beside it (about 15 min; FULL=1: 69 M orders)
	$(PYTHON) -m benchmarks.archive $(if $(FULL),--full)

bench-forecast: install  ## how good the forecast and the decisions are, on sales never seen (about 8 min; FULL=1: more of them)
	$(PYTHON) -m benchmarks.forecast $(if $(FULL),--full)

bench-dashboard: install  ## what viewers of the page cost, at the size of the running demo (about 4 min; FULL=1: look longer)
	$(PYTHON) -m benchmarks.dashboard $(if $(FULL),--full)

soak: install-tests  ## the long tests with the full numbers
	$(PYTHON) -m pytest -m "soak and not compose" tests

lint: install  ## formatting, lint rules and types
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy --python-version 3.10 -p containers.host

format: install  ## put the formatting right
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

docs: install  ## write the data dictionary anew from the schema
	$(PYTHON) -m flashsale.rendering > docs/data-dictionary.md

pictures: install-tests  ## take the pictures of README and docs from the running demo
	$(PYTHON) docs/take_pictures.py

lock: install  ## compile requirements.lock anew from pyproject.toml, and each image's part of it
	$(UV_COMPILE) --all-extras pyproject.toml -o requirements.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra build pyproject.toml -o containers/locks/build.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra generator pyproject.toml -o containers/locks/generator.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra dashboard pyproject.toml -o containers/locks/dashboard.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra notifier pyproject.toml -o containers/locks/notifier.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra spark pyproject.toml -o containers/locks/spark.lock
	$(UV_COMPILE) -c requirements.lock --no-header --no-annotate --extra airflow --extra archive --extra spark pyproject.toml -o containers/locks/airflow.lock
