# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
# Most of the tests' time is spent waiting for the programs that they run.
WORKERS ?= $(shell $(PYTHON) -c "import os; print(1 + len(getattr(os, 'sched_getaffinity', lambda _: range(os.cpu_count() or 1))(0)))")

.PHONY: demo noise overhead quick test fuzz robustness audit slow docs vsix tools lint format wheel types setup clean

setup: .venv/.ready

.venv/.ready: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/llmlint scan examples/ --min-confidence low --format concise --exit-zero
	$(BIN)/python examples/demo.py

# What tracing costs the example engine, in pairs of runs.
overhead: setup
	$(BIN)/python benchmarks/dynamic/overhead.py --only engine

# How loud a rule is on the pinned engines at hand, and what was read of it: make noise RULE=LLM908 ARGS="--trees ~/trees".
# Fails above 0.05 false alarms per 1,000 lines.
noise: setup
	$(BIN)/python -m benchmarks.precision noise $(RULE) $(ARGS)

# What most changes break first: the pages' cases and the code model.
quick: setup
	$(BIN)/python -m pytest -n auto --dist worksteal -q tests/test_rule_pages.py tests/code

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# A minute of made-up input for all that reads.
fuzz: setup
	mkdir -p build
	$(BIN)/python -m benchmarks.fuzz --seconds 60 --anew --state build/fuzz.json --result build/fuzz.md

# Whatever was tried to break llmlint, again: goes on where it ended with this code, half an hour in all.
robustness: setup
	$(BIN)/python -m benchmarks.robustness

# What CI installs, as a list (CycloneDX), and whether anything of it is known to be vulnerable: asks the advisories' database.
audit:
	.ci/audit build

# Installs packages into environments of their own, as pre-commit does.
slow: setup
	$(BIN)/python -m pytest -m slow

docs: setup
	$(BIN)/mkdocs build --strict

# The extension for VS Code, in editors/vscode/build/llmlint.vsix.
vsix: tools
	npm run --prefix editors/vscode package

# What judges our reports, a SARIF validator and schema from npm and a browser, and what builds the extension for VS Code. Tests that miss one are skipped.
tools:
	npm install --prefix . --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
	  @microsoft/sarif-multitool@5.7.0 @microsoft/jest-sarif@1.0.0-beta.0
	npm ci --prefix editors/vscode --no-audit --no-fund
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
