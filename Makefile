# Every target makes its own environment in .venv: nothing but make and Python is needed.
PYTHON ?= python3
PYTEST_ARGS ?= -n 2
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin

# Headless plots, and no call home from albumentations.
export MPLBACKEND := Agg
export NO_ALBUMENTATIONS_UPDATE := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check docs clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/plot,datasets.installed ## Score stressed against healthy plants (ARGS=--real: real measurements)
	@$(BIN)/python examples/plot_quickstart.py $(ARGS)

test: check ## Check the style, then run the tests (PYTEST_ARGS="-n 2")
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/dev.installed ## Check style and format only
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

docs: $(VENV)/docs.installed ## Build the documentation, offline and with warnings as errors
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

clean: ## Remove what these targets made, the environment too
	rm -rf $(VENV) docs/_build docs/generated docs/auto_examples
	rm -rf .pytest_cache .ruff_cache .hypothesis

# One stamp for each set of extras: a second call has nothing to do.
$(VENV)/%.installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing skwater[$*] into $(VENV) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install -qq -c constraints.txt -e ".[$*]"
	@touch $@

# pip comes last when an environment is made, so a half-made one is made again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "skwater needs Python 3.11 or newer; PYTHON=$(PYTHON) is not. Name one that is:"; \
	    echo "    make $(or $(MAKECMDGOALS),test) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
