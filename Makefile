# Needs only Python >= 3.11 and make: every target first creates its environment.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SPARK  ?= .venv-spark
JOBS   ?= 2
# A file's tests stay on one worker, which builds their shared fixtures once; long files come first, unit tests last.
DIST   := --dist loadfile --no-loadscope-reorder
export DO_NOT_TRACK = 1
# Some images forbid Python to cache bytecode: every process of a run would compile the whole product again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-spark demo test wheel spark mutations fuzz check types unit format lock contracts policy-worth clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## create the virtual environment from the hash-locked requirements

# uv is installed first, from its own locked lines, because it installs the rest in seconds instead of minutes.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "HCIP needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	awk '/^uv==/{p=1; print; next} /^[^ ]/{p=0} p' requirements.lock > $(VENV)/uv.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	$(BIN)/python -m hcip_pipeline.warehouse.project
	@touch $@

demo: $(STAMP)  ## settle a small synthetic state, end to end
	$(BIN)/hcip demo

# One more worker than cores: some tests wait for processes that they start.
test: $(STAMP)  ## run every test; COVERAGE=1 also reports the lines they reach
	$(BIN)/python -m pytest -n $(shell expr $(JOBS) + 1) $(DIST) $(if $(COVERAGE),--cov --cov-report=term)

wheel: $(STAMP)  ## build the wheel, install it in an empty environment and run the demo with it
	HCIP_WHEEL=1 $(BIN)/python -m pytest -q tests/wheel

# Spark and its adapter are 450 MB that nothing else needs, so they get their own environment, from the same lock and a short one.
$(SPARK)/.installed: $(STAMP) tests/spark/requirements.lock
	$(PYTHON) -m venv --without-pip $(SPARK)
	$(BIN)/uv pip sync --quiet --python $(SPARK)/bin/python --require-hashes requirements.lock
	awk '/^setuptools==/{p=1; print; next} /^[^ ]/{p=0} p' tests/spark/requirements.lock > $(SPARK)/setuptools.lock
	$(BIN)/uv pip install --quiet --python $(SPARK)/bin/python --no-deps --require-hashes -r $(SPARK)/setuptools.lock
	$(BIN)/uv pip install --quiet --python $(SPARK)/bin/python --no-deps --no-build-isolation-package pyspark \
	  --require-hashes -r tests/spark/requirements.lock
	$(BIN)/uv pip install --quiet --python $(SPARK)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

setup-spark: $(SPARK)/.installed  ## create .venv-spark, the environment for `hcip run --engine spark` (needs Java 17)

spark: $(SPARK)/.installed  ## compare a settlement on Apache Spark with DuckDB's to the cent (needs Java 17)
	$(SPARK)/bin/python -m pytest tests/spark

mutations: $(STAMP)  ## compare `hcip check` with the intake on more than a thousand corrupted submissions
	HCIP_MUTATION_BATCHES=22 $(BIN)/python -m pytest -q tests/integration/test_intake_mutations.py

fuzz: $(STAMP)  ## try thousands of corrupted files of every kind: each is accepted, or refused with a message
	HCIP_FUZZ_CASES=5000 HCIP_FUZZ_SEED=$$(date +%s) $(BIN)/python -m pytest -q -n $(JOBS) tests/integration/test_fuzz.py

check: $(STAMP)  ## run lint, type checks and the fast tests, in under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory -j2 --output-sync=target types unit

types: $(STAMP)  ## run only the type checks
	$(BIN)/mypy

unit: $(STAMP)  ## run only the fast tests
	$(BIN)/python -m pytest -q -n $(JOBS) $(DIST) -m "not slow" tests/unit

format: $(STAMP)  ## format the code and apply automatic fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contracts: $(STAMP)  ## regenerate the files made from declarations (dbt YAML, data dictionary, guides)
	$(BIN)/python -m hcip_pipeline.contracts.render
	$(BIN)/python -m hcip_pipeline.guides.render

policy-worth: demo  ## measure the effect of each policy key on the demo, for docs/policy.md (takes some minutes)
	$(BIN)/python -m hcip_pipeline.guides.policy_worth
	$(MAKE) contracts

lock: $(STAMP)  ## resolve the requirements again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-header --extra dev --extra postgres --extra s3 pyproject.toml -o requirements.lock
	echo 'setuptools>=80,<83' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-header --no-annotate --extra spark --constraints requirements.lock \
	  $$(awk -F'[=[]' '/^[a-z]/{print "--no-emit-package " $$1}' requirements.lock) pyproject.toml - -o tests/spark/requirements.lock

clean:  ## remove environments and caches (not the home)
	rm -rf $(VENV) $(SPARK) .pytest_cache .mypy_cache .ruff_cache dbt_project/target dbt_project/logs
