# Every target does its own set-up: a clone with git, make and Python 3.11 is enough.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# One more than there are cores: tests of engines and of ssh, which stand in a row, wait most of their time.
WORKERS := 3
# What stays out of test-fast: marks, of pyproject.toml and tests/conftest.py.
FAST := not engine and not network and not browser and not long

.DEFAULT_GOAL := help
.PHONY: help demo demo-stop test test-fast bench soak check format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Build site/, seal it, run it on this machine, compare every page
	@tools/demo

demo-stop: $(READY) ## End what `make demo` left running
	@$(BIN)/publish --site site/site.toml stop demo

test: $(READY) ## Install what the tests need (as root on Debian) and run all tests
	@tools/test-machine
	@$(BIN)/pytest -n $(WORKERS) --dist loadgroup --durations 30 --durations-min 5 $(ARGS)

test-fast: $(READY) ## Run the tests that need no engine, network or browser, and little time
	@$(BIN)/pytest -n 2 --dist loadgroup -q -m "$(FAST)" --durations 10 --durations-min 2 $(ARGS)

bench: $(READY) ## Compare with other generators, side by side; ARGS=--quick for a first look
	@$(BIN)/python -m benchmarks.run $(ARGS)

soak: $(READY) ## Publish and break things under load, on all engines, for two hours, as root; ARGS=--help
	@$(BIN)/python -m benchmarks.soak $(ARGS)

check: $(READY) ## Format, lint, types, direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove what the targets made here
	rm -rf $(VENV) .bench .demo site/public .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(READY): pyproject.toml tools/bootstrap
	@tools/bootstrap $(VENV)
