# Everything runs in .venv, which the requirements files make; a changed requirements file makes it again.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

RUNBOOK ?= RUNBOOK.md

.PHONY: demo up runbook dashboard test test-fast coverage test-differential test-faults test-simulation test-watch test-runbook test-trino \
    bench-load bench-trino check bench format lock clean

demo: $(INSTALLED)  ## the whole way of a log line, on this machine
	$(BIN)/python -m local demo $(ARGS)

up: $(INSTALLED)  ## the stack on this machine, until Ctrl-C
	$(BIN)/python -m local up $(ARGS)

runbook: $(INSTALLED)  ## RUNBOOK.md, of the selected Pulumi stack; where none answers, of what production will have
	@if outputs=$$(pulumi stack output --json --non-interactive 2>/dev/null) && [ "$$outputs" != "{}" ]; then :; \
	    else outputs=$$($(BIN)/python -m local outputs); fi && \
	    printf '%s' "$$outputs" | $(BIN)/hla render --to $(RUNBOOK)

dashboard: $(INSTALLED)  ## docs/dashboard.png: the dashboard that the stack declares, over a simulated day
	$(BIN)/python -m tools.dashboard_picture

test: $(INSTALLED)  ## the tests
	$(BIN)/python -m pytest $(ARGS)

test-fast: $(INSTALLED)  ## the tests that start no stack and no process
	$(BIN)/python -m pytest --deselect tests/system $(ARGS)

coverage: $(INSTALLED)  ## branch coverage of contract/ and receiver/, with the floor in pyproject.toml
	$(BIN)/python -m pytest tests/contract tests/receiver tests/system/test_receiver_host.py --cov --cov-report term $(ARGS)

test-faults: $(INSTALLED)  ## the receiver outside Lambda while AWS and its clients misbehave; ARGS='--seconds 300' for longer
	$(BIN)/python -m pytest tests/faults -n 0 -s $(ARGS)

test-simulation: $(INSTALLED)  ## 20,000 lives of receiver and flusher on a simulated clock; ARGS='--seed 7' shows one
	$(BIN)/python -m tests.support.simulation $(ARGS)

test-watch: $(INSTALLED)  ## simulated days and a year under the alarms, written to docs/reference/alarm-delays.md; ARGS='--days 90' for less
	$(BIN)/python -m tests.support.watch $(ARGS)

test-runbook: $(INSTALLED)  ## every command of RUNBOOK.md, run against the local stack
	$(BIN)/python -m pytest tests/runbook_commands -n 0 $(ARGS)

test-differential: $(INSTALLED)  ## the receiver's core and the row pattern against second, naive readers, on 100,000 bodies and lines
	$(BIN)/python -m pytest tests/contract/logplex/test_differential.py tests/contract/test_router_lines.py --dist load --bodies 100000 $(ARGS)

bench-load: $(INSTALLED)  ## how much a receiver outside Lambda takes, also while AWS and the flusher fail
	$(BIN)/python -m benchmarks.load $(ARGS)

test-trino: $(INSTALLED)  ## the table and the queries on a real Trino: Java 24 or newer, and 821 MB to download once
	$(BIN)/python -m local.trino
	$(BIN)/python -m pytest tests/trino -n 0 $(ARGS)

bench-trino: $(INSTALLED)  ## what queries cost, on Trino
	$(BIN)/python -m benchmarks.trino $(ARGS)

check: $(INSTALLED)  ## format, lint, spelling, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)  ## what receiver and flusher cost, as ratios
	$(BIN)/python -m benchmarks.receiver
	$(BIN)/python -m benchmarks.flusher

format: $(INSTALLED)  ## what ruff can mend by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(INSTALLED)  ## pin the newest versions that requirements*.in allow
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt

clean:
	rm -rf .venv

$(INSTALLED): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; $(PYTHON) is older: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@
