# Everything that people do with Larder. `make` alone lists it.
# Variables on the command line reach the processes: make up LARDER_API_PORT=5001

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help spark chart long test-one depth setup up down retrain tune status doctor watch generations verify diff promote rollback release cancel items export prune erase logs clean test mutants chaos soak browser page-speed lighthouse screenshots check fix e2e bench docs docs-site lock compose-up compose-down dev-tools

# Further arguments: make retrain ARGS="--k 20", make test ARGS="-k payload", make verify ARGS="--sample 1000"
ARGS ?=
# A generation, as `make generations` lists them: make promote ID=20260102-030405-ab12; of verify by default the current one
ID ?=
# The Python to make .venv with: make up PYTHON=/opt/python3.13/bin/python
PYTHON ?=

venv := .venv/bin
# Relative paths in ARGS and in variables are those of the folder that make was called in, also with make -C.
export CALLED_FROM := $(if $(findstring w,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),$(value PWD),$(CURDIR))
larder := cd "$$CALLED_FROM" || exit; exec "$$OLDPWD/$(venv)/larder"

# The first Python that really runs (a pyenv shim may not), has the right version and can make a venv.
define bootstrap
@for python in "$(PYTHON)" $(venv)/python python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if [ -n "$$python" ] && "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
		>/dev/null 2>&1; then exec "$$python" -m stack.bootstrap $(1) $(filter up,$(MAKECMDGOALS)); fi; \
done; \
echo "Larder needs Python 3.11 to 3.14 with venv: install one (apt install python3-venv, brew install python@3.13, uv python install 3.13)," \
	"or name one, as in: make PYTHON=\$$(uv python find 3.13) $(MAKECMDGOALS)" >&2; exit 1
endef

# `larder $(1)`, which finds the stack that runs here. Where nothing is installed it can only be that of Docker compose, and then a
# machine needs no Python.
define larder_here
@if [ -x $(venv)/larder ]; then $(larder) $(1); fi; \
$(call in_compose,$(2))
endef

define in_compose
if [ -z "$$(docker compose ps --services --status running 2>/dev/null)" ]; then \
	echo "Larder does not run here: \`make up\` starts it, or \`make compose-up\` with Docker" >&2; exit 1; fi; \
echo "The stack of Docker compose:" >&2; exec docker compose $(1)
endef

# The same of a command of the trainer, which runs in its container.
define in_stack
$(call larder_here,$(1),exec $$(test -t 0 && test -t 1 || echo -T) -e CALLED_AS="docker compose exec trainer larder" trainer larder $(1))
endef

# $(1) of `larder`, or $(2) where `make up` has made nothing yet.
define if_made
@if [ ! -d var/run ]; then echo "$(2)"; \
elif [ ! -x $(venv)/larder ]; then echo ".venv is gone: \`make setup\` first, then \`make $(1)\`" >&2; exit 1; \
else $(larder) $(1); fi
endef

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## Make .venv from the lock (done by the others where it is needed).
	$(call bootstrap,local)

up: setup ## Start Larder without Docker, train, and show a list; API on LARDER_API_PORT (5000).
	@$(larder) up

down: ## Stop what `make up` started; the data in var/ stay.
	$(call if_made,down,Larder does not run)

retrain: ## Train again and swap, on whichever stack runs. ARGS go to `larder run`.
	$(call larder_here,retrain $(ARGS),exec $$(test -t 1 || echo -T) -e CALLED_AS="docker compose exec trainer larder" trainer larder run --wait $(ARGS))

tune: ## Try a grid of models on the data, and say which suits them; ARGS="SOURCE --tune-budget-s 300".
	$(call in_stack,tune $(ARGS))

status: ## What runs, and what is served; fails where something does not run or answer.
	$(call larder_here,status,exec $$(test -t 1 || echo -T) trainer larder status)

doctor: ## Look at Redis, folders, secrets, versions, CPU and clocks: what is wrong and what to do.
	$(call in_stack,doctor $(ARGS))

watch: ## Follow the latest run: stages, shards, workers, time left.
	$(call in_stack,watch $(ARGS))

generations: ## List generations: what is served, what was, what waits and why.
	$(call in_stack,generations $(ARGS))

verify: ## Read a generation back and say what is wrong with it: the current one, or ID=...
	$(call in_stack,verify $(ID) $(ARGS))

diff: ## Show what the current generation changed for users; ARGS="A B" for two others.
	$(call in_stack,diff $(ARGS))

promote: ## Serve the generation ID=...; ARGS=--force whatever the gate says.
	@test -n "$(ID)" || { echo "Which one? make generations lists them; then make promote ID=..." >&2; exit 2; }
	$(call in_stack,promote $(ID) $(ARGS))

rollback: ## Serve the generation before, and hold promotions.
	$(call in_stack,rollback)

release: ## End the hold of a rollback.
	$(call in_stack,release)

cancel: ## End the run that is going, or ID=...: nothing of it is promoted.
	$(call in_stack,cancel $(ID))

items: ## Refresh the metadata of items and what is available, without training; ARGS="--items FILE".
	$(call in_stack,items $(ARGS))

export: ## Write all lists somewhere; ARGS="--to TARGET", as docs/export.md says.
	$(call in_stack,export $(ARGS))

prune: ## Delete the generations that are not to be kept.
	$(call in_stack,prune)

# The id is read from the environment, into which make puts it: no shell ever parses it.
erase: ## Take the user USER_ID=... out of everything. ARGS=--yes does not ask.
	@test -n "$$USER_ID" || { echo "Whom? make erase USER_ID=..." >&2; exit 2; }
	$(call in_stack,erase $(ARGS) "$$USER_ID")

logs: ## Follow the logs.
	$(call larder_here,logs,logs --follow --tail 100)

clean: ## Stop Larder and remove var/: Redis, artifacts, logs.
	$(call if_made,clean,There is nothing to remove)

dev-tools:
	$(call bootstrap,dev)

# Python keeps what it compiled, pytest its rewritten assertions, also where the environment says not to: half of a collection's time.
test long test-one depth mutants e2e chaos soak browser chart: export PYTHONDONTWRITEBYTECODE :=

# Tables of tests are small: handing them to other threads takes a tenth of the time. `make depth` and CI's other Python leave them their threads.
test long: export POLARS_MAX_THREADS ?= 1
test long: export OPENBLAS_NUM_THREADS ?= 1

test: dev-tools ## Unit and integration tests, but for the long ones. ARGS go to pytest.
	@$(venv)/python -m pytest -n logical --dist worksteal --durations=10 -m "not long" $(ARGS)

long: dev-tools ## The long ones: whole runs, faults while lists are made, documented pages, many runs in a row. ARGS go to pytest.
	@$(venv)/python -m pytest -n logical --dist worksteal --durations=10 -m "long and not depth" $(ARGS)

test-one: dev-tools ## One test or a few, in this process: K="gate and not rules". ARGS go to pytest.
	@$(venv)/python -m pytest -k "$(K)" $(ARGS)

depth: dev-tools ## The tests that look deeper when they are told to, and the benches' own. ARGS go to pytest.
	@LARDER_TEST_DEPTH=full $(venv)/python -m pytest -n logical --dist worksteal --durations=15 -m depth tests/unit tests/integration tests/bench $(ARGS)
	@$(venv)/python -m pytest tests/bench/test_api_bench.py $(ARGS)

mutants: dev-tools ## Break a copy of the code in many places, one at a time: tests must find each. ARGS=gate for some. Half an hour.
	@$(venv)/python -m tools.mutants $(ARGS)

e2e: dev-tools ## End-to-end tests. ARGS go to pytest.
	@$(venv)/python -m pytest tests/e2e $(ARGS)

chaos: dev-tools ## Promotions and rollbacks under load, and every fault that the tests know. Some minutes.
	@LARDER_TEST_CHAOS=full $(venv)/python -m pytest -s tests/integration/recovery/test_swap_under_load.py tests/integration/recovery/test_faults.py \
		tests/integration/recovery/test_recovery.py $(ARGS)

soak: dev-tools ## Fifty retrains in a row: nothing grows. A quarter of an hour.
	@$(venv)/python -m pytest -s tests/soak $(ARGS)

browser: dev-tools ## The pages in a real Chromium, before a whole stack (needs chromium on PATH). ARGS go to pytest.
	@$(venv)/python -m pytest -n 2 --dist loadfile --durations=5 tests/browser $(ARGS)

spark: dev-tools ## The engine spark in a real Spark (needs a JDK 17). ARGS go to pytest.
	@.ci/spark $(ARGS)

chart: dev-tools ## The chart for Kubernetes, by Helm and by Kubernetes' schemas (needs helm on PATH). ARGS go to pytest.
	$(call bootstrap,chart)
	@$(venv)/python -m pytest tests/chart $(ARGS)

page-speed: dev-tools ## First paint of each page with 100,000 users loaded. Some minutes.
	@$(venv)/python -m tests.browser.page_speed

lighthouse: dev-tools ## Lighthouse on three pages with 100,000 users loaded (needs npx and chromium on PATH). Some minutes.
	@$(venv)/python -m tests.browser.lighthouse

screenshots: dev-tools ## Make the pictures of the README anew, in docs/images.
	@$(venv)/python -m tests.browser.screenshots

check: dev-tools ## Format, lint, types, import rules, spelling; changes nothing.
	$(venv)/ruff format --check .
	$(venv)/ruff check .
	$(venv)/mypy
	$(venv)/lint-imports
	$(venv)/codespell

fix: dev-tools ## Format, and mend what the linter can.
	$(venv)/ruff format .
	$(venv)/ruff check --fix .

bench: ## Fit and scoring against recommenders and implicit. ARGS go to `python -m bench engine`.
	$(call bootstrap,bench)
	@$(venv)/python -m bench engine $(ARGS)

docs: ## Write docs/settings.md from the settings, the picture of the architecture, and what the chart knows of settings.
	@$(venv)/python -m tools.settings_page > docs/settings.md
	@$(venv)/python -m tools.chart_services > ops/helm/larder/files/services.json
	@$(venv)/python -m tools.architecture_picture > docs/architecture.svg

docs-site: ## Make the manual, docs/ as a site with search, in site/; a dead link fails.
	$(call bootstrap,docs)
	@NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(venv)/python -m mkdocs build --quiet

lock: ## Resolve pyproject.toml into requirements/ (needs uv).
	@requirements/lock.sh

compose-up: ## The same in containers: returns once lists are served.
	docker compose up --build --detach --wait

compose-down: ## Stop the containers; their volumes stay.
	docker compose down
