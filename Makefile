# `make` lists what there is. Every target sets up what it needs first, and again when a lock file has changed.

PYTHON ?= python3
BIN := .venv/bin

# .venv is stamped with checksums of what it was made from: git keeps no file times that make could compare.
INSTALLED := .venv/installed-$(shell { $(PYTHON) -V; pwd; cat requirements/dev.txt requirements/source.txt; } 2>&1 | cksum | tr ' ' '-')
LINKED := .venv/linked-$(shell cksum <pyproject.toml | tr ' ' '-')
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --system-certs

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak screenshots docs setup lock clean

help: ## list the targets
	@echo 'make TARGET, where TARGET is one of'
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1@\2/p' Makefile | awk -F@ '{ printf "%-9s %s\n", $$1, $$2 }'

demo: $(LINKED) ## see it run: simulated vendors, the daemon, its dashboard (about 25 s)
	@$(BIN)/groundswell demo

test: $(LINKED) ## run all tests, those that kill and fill a real process included
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=15

check: $(LINKED) ## format, lint, types and layers, in under a minute
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(LINKED) ## measure it, side by side with its limits
	@$(BIN)/python benchmarks/run.py

soak: $(LINKED) ## kill it again and again while it reads 100,000 users (SOAK_USERS=N: so many)
	@SOAK_USERS=$(or $(SOAK_USERS),100000) $(BIN)/python -m pytest -s tests/faults/test_actionkit_poll_kill.py

screenshots: $(LINKED) ## pictures of every page of the dashboard, in out/screenshots (five minutes; needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots

docs: $(LINKED) ## write the pages that are made from the code, and build the site in site/
	@$(BIN)/python -m groundswell.config.reference >docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

setup: $(LINKED) ## only set up .venv: locked versions, hashes checked
	@echo '.venv is ready'

lock: $(LINKED) ## lock anew what pyproject.toml asks for (UPGRADE=1: the newest versions it allows)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(LOCK) $(if $(UPGRADE),--upgrade) --extra dev --group source --no-emit-package parsons pyproject.toml \
		--output-file requirements/dev.txt
	@$(LOCK) $(if $(UPGRADE),--upgrade) --group source --no-deps --output-file requirements/source.txt
	@$(LOCK) --constraint requirements/dev.txt pyproject.toml --output-file requirements/runtime.txt
	@! grep -nE '://|^-|@ ' requirements/*.txt || { echo 'make: a lock file names where packages come from' >&2; exit 1; }

clean: ## remove .venv and everything that was made
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .schemathesis .import_linter_cache dist build out
	@find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# The project itself, in place: a change in src/ needs no new set-up.
$(LINKED): $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@rm -f .venv/linked-*
	@touch $@

$(INSTALLED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'make: groundswell needs Python 3.11 or newer as $(PYTHON), on Debian 12 the package python3;' >&2; \
		echo '      if it has another name here, say so: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo 'make: $(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@echo 'setting up .venv with the locked versions (under a minute)'
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation \
		--requirement requirements/source.txt
	@touch $@
