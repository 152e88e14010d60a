# Everkeep: `make run` starts the portal with a sandbox tenant, `make test` proves it. `make help` lists the rest.
PYTHON ?= python3
PORT   ?= 8000
DATA   ?= var
VENV   := .venv
PY     := $(VENV)/bin/python
BOOT   := .boot/bin/uv
SYNC   := UV_SYSTEM_CERTS=true UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=$(or $(UV_LINK_MODE),hardlink) $(BOOT) pip sync -q --require-hashes --only-binary :all: --python $(PY)
hash    = $(shell sha256sum $(1) | cut -c1-12)
RUN_STAMP  := $(VENV)/.run-$(call hash,requirements/run.txt)
TEST_STAMP := $(VENV)/.test-$(call hash,requirements/test.txt)

.PHONY: help run demo test bench lint format lock vendor clean
help: ## what each command does
	@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

run: $(RUN_STAMP) ## start the portal, its worker and the sandbox cloud (PORT=, DATA=)
	@PORT=$(PORT) EVERKEEP_DATA=$(abspath $(DATA)) exec $(PY) manage.py serve

demo: $(RUN_STAMP) ## the same with a ready-made account and three days of history
	@PORT=$(PORT) EVERKEEP_DATA=$(abspath $(DATA)) exec $(PY) manage.py serve --demo

test: $(TEST_STAMP) ## lint, types, architecture, then every test (ARGS= goes to pytest)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" bash tools/test.sh $(ARGS)

bench: $(TEST_STAMP) ## measure (BENCH=backup picks one, BENCH=vault BENCH_SCALE=0.1 a small vault)
	@$(PY) -m tests.bench $(BENCH)

lint: $(TEST_STAMP) ## ruff, mypy and the import rules
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" bash tools/lint.sh

format: $(TEST_STAMP) ## ruff format and its safe fixes
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

lock: $(BOOT) ## resolve requirements/*.in anew
	@for set in run test; do $(BOOT) pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-annotate --no-header --python-version 3.11 requirements/$$set.in -o requirements/$$set.txt; done

vendor: ## fetch the front-end packages into static/vendor and write its manifest
	@$(PYTHON) tools/vendor.py

clean: ## remove environments and caches, keep data
	@rm -rf $(VENV) .boot .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(BOOT): requirements/boot.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || bash tools/need-venv.sh
	@$(PYTHON) -m venv .boot && .boot/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/boot.txt && touch $@

# A test environment is a superset of the run environment: whoever has it need not sync again.
$(RUN_STAMP): | $(BOOT)
	@test -e $(TEST_STAMP) || { test -x $(PY) || $(PYTHON) -m venv --without-pip $(VENV); $(SYNC) requirements/run.txt; }
	@touch $@
$(TEST_STAMP): | $(BOOT)
	@test -x $(PY) || $(PYTHON) -m venv --without-pip $(VENV)
	@$(SYNC) requirements/test.txt && touch $@
