# Everything needs only Python >= 3.11 and make: every target first makes the environment it runs in.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
JOBS   ?= 2
export DO_NOT_TRACK = 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test mutations check format lock contracts clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## make the virtual environment from the hash-locked requirements

# uv comes first, from its own locked lines, because it installs the rest in seconds instead of minutes.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "HCIP needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	awk '/^uv==/{p=1; print; next} /^[^ ]/{p=0} p' requirements.lock > $(VENV)/uv.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## settle a small synthetic state, end to end
	$(BIN)/hcip demo

test: $(STAMP)  ## every test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

mutations: $(STAMP)  ## preflight against intake on more than a thousand spoiled submissions
	HCIP_MUTATION_BATCHES=22 $(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup tests/integration/test_intake_mutations.py

check: $(STAMP)  ## lint, types and the fast tests, in under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup -m "not slow" tests/unit

format: $(STAMP)  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contracts: $(STAMP)  ## write again what follows from the contracts (dbt YAML, data dictionary)
	$(BIN)/python -m hcip_pipeline.contracts.render

lock: $(STAMP)  ## resolve the requirements again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-header --extra dev --extra postgres pyproject.toml -o requirements.lock

clean:  ## remove what was made here (not the home)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache dbt_project/target dbt_project/logs
