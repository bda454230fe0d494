# The targets create their environment in .venv: you only need make and Python.
PYTHON ?= python3
PYTEST_ARGS ?= -n 2
ARGS ?=
SECONDS ?= 60

VENV := .venv
BIN := $(VENV)/bin

# No display for plots, no version check by albumentations.
export MPLBACKEND := Agg
export NO_ALBUMENTATIONS_UPDATE := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check fuzz docs clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/plot,datasets.installed ## Compare models on stressed and watered plants (ARGS=--real: real measurements)
	@$(BIN)/python examples/plot_00_quickstart.py $(ARGS)

test: check ## Check style and types, then run the tests (PYTEST_ARGS="-n 2")
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/dev.installed ## Check style, format and types only
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

fuzz: $(VENV)/dev.installed ## Read hostile model files, manifests and images (SECONDS=60)
	@$(BIN)/python tests/fuzz/hostile.py $(SECONDS)

docs: $(VENV)/docs.installed ## Build the documentation, offline and with warnings as errors
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

clean: ## Remove all that these targets created, and the environment
	rm -rf $(VENV) docs/_build docs/generated docs/auto_examples
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp file for each set of extras: it is installed once.
$(VENV)/%.installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing skwater[$*] into $(VENV) (a few minutes the first time) ..."
	@$(BIN)/python -m pip install -qq -c constraints.txt -e ".[$*]"
	@touch $@

# venv installs pip last, so without pip the environment is incomplete and is created again.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "skwater needs Python 3.11 or newer; PYTHON=$(PYTHON) is not. Pass a newer one:"; \
	    echo "    make $(or $(MAKECMDGOALS),test) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
