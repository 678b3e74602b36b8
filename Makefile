# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo overhead quick test slow docs tools lint format wheel types setup clean

setup: .venv/.ready

.venv/.ready: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/llmlint scan examples/ --exit-zero
	$(BIN)/python examples/demo.py

# What tracing costs the example engine, in pairs of runs.
overhead: setup
	$(BIN)/python benchmarks/dynamic/overhead.py --only engine

# What most changes break first: the pages' cases and the code model.
quick: setup
	$(BIN)/python -m pytest -n auto -q tests/test_rule_pages.py tests/code

test: setup
	$(BIN)/python -m pytest -n auto

# Installs packages into environments of their own, as pre-commit does.
slow: setup
	$(BIN)/python -m pytest -m slow

docs: setup
	$(BIN)/mkdocs build --strict

# What judges our reports: a SARIF validator and schema from npm, and a browser. Tests that miss one are skipped.
tools:
	npm install --prefix . --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
	  @microsoft/sarif-multitool@5.7.0 @microsoft/jest-sarif@1.0.0-beta.0
	command -v chromedriver >/dev/null || apt-get install -y -qq chromium chromium-driver

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Two builds of the last commit must be the same bytes.
wheel: setup
	.ci/same-wheel

types: setup
	$(BIN)/mypy

clean:
	rm -rf .venv build dist
