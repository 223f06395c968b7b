# Everything runs from here. The comment above a target is its help: `make help`.
# PYTHON=python3.12 takes another Python (3.11 to 3.13) for the environments; DEMO=folder puts the demo's results elsewhere.

PYTHON ?= python3
DEMO ?= build/demo
PY := .venv/bin/python
KUBENB := .venv/bin/kubenb
AIRFLOWS := .airflow/3.3 .airflow/2.11
export PYTHON

N ?= 20000

.PHONY: all help airflows stores demo check test test-cluster fast equivalence bench golden lock wheel clean distclean
.DELETE_ON_ERROR:

# The project's environment in .venv, from its lock (what plain `make` does)
all: .venv/.made

.venv/.made: requirements/dev.txt requirements/uv.txt pyproject.toml .ci/environment
	.ci/environment .venv requirements/dev.txt
	.cache/uv/bin/uv pip install --quiet --no-deps --no-build-isolation --python $(PY) --editable .
	@touch $@

.airflow/%/.made: requirements/airflow-%.txt requirements/uv.txt .ci/environment | .venv/.made
	@mkdir -p .airflow
	.ci/environment .airflow/$* $<
	@touch $@

# Both Airflows, each in an environment of its own (.airflow/3.3, .airflow/2.11)
airflows: $(AIRFLOWS:%=%/.made)

.cache/azurite/.made: tests/stores/package.json tests/stores/package-lock.json
	@command -v npm >/dev/null || { echo "There is no npm, which brings Azure's object store for the tests: install Node.js 20 or later." >&2; exit 1; }
	@mkdir -p $(@D)
	cp tests/stores/package.json tests/stores/package-lock.json $(@D)/
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The object stores that tests start and that don't come by PyPI: azurite, from its lock, by npm
stores: .cache/azurite/.made

# From notebook to DAG on real data: graph, run on this machine, export, check by a real Airflow; needs no cluster
demo: .venv/.made .airflow/3.3/.made
	@mkdir -p $(DEMO)
	$(KUBENB) graph notebooks/flights.ipynb
	$(KUBENB) graph notebooks/flights.ipynb --svg $(DEMO)/flights.svg
	$(KUBENB) run notebooks/flights.ipynb --to $(DEMO)/run --verbose
	$(KUBENB) export notebooks/flights.ipynb --to $(DEMO)/dags
	$(KUBENB) check notebooks/flights.ipynb --to $(DEMO)/dags --airflow .airflow/3.3/bin/python
	@echo
	@echo "Done, on this machine alone: no cluster took part, and none was asked."
	@echo "  the DAG for Airflow      $(DEMO)/dags/flights.py"
	@echo "  the executed notebooks   $(DEMO)/run/*.ipynb"
	@echo "  a picture of the graph   $(DEMO)/flights.svg"

# Style, types and floors; and that what travels into pods asks for no more than Python 3.8 (zoneinfo is tried, not asked for)
check: .venv/.made
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/vermin --quiet --no-tips --violations --target=3.8- --exclude zoneinfo kubenb/inside

# All tests, with both Airflows, and with a Kubernetes where root and Go are at hand (ARGS="-k name" for some)
test: .venv/.made airflows stores
	.ci/test all $(ARGS)

# The tests that ask a Kubernetes: starts one for them (root, Go, Debian), or takes KUBENB_TEST_CONTEXT=NAME of your kubeconfig
test-cluster: .venv/.made airflows stores
	.ci/test cluster $(ARGS)

# The tests that need no Airflow and no Kubernetes
fast: .venv/.made stores
	$(PY) -m pytest -m "not airflow and not cluster" $(ARGS)

# The promise, longer: N random notebooks run both ways, every variable compared (N=20000)
equivalence: .venv/.made
	$(PY) -m tests.equivalence -n $(N)

# The numbers to hold, as ratios to floors measured in the same run
bench: .venv/.made
	$(PY) -m bench $(ARGS)

# Writes the golden files and the stored runtime anew; read the diff before you commit it
golden: .venv/.made
	$(PY) -m kubenb.inside.bundle
	KUBENB_GOLDEN=write $(PY) -m pytest -q tests/golden tests/unit/faces tests/integration/cli/test_commands.py tests/integration/test_documents.py $(ARGS)

LOCK := .cache/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --upgrade
# Renews the lock files from pyproject.toml and requirements/*.in
lock: .venv/.made
	$(LOCK) --python-version 3.10 --group dev --extra cluster pyproject.toml --output-file requirements/dev.txt
	for name in airflow-3.3 airflow-2.11 image-papermill image-analysis uv; do \
	    $(LOCK) --python-version 3.11 requirements/$$name.in --output-file requirements/$$name.txt || exit 1; done

# The package as people install it, in dist/
wheel: .venv/.made
	$(PY) -m build --no-isolation

# Removes what the targets above made, but for the environments
clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find kubenb tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Removes the environments too
distclean: clean
	rm -rf .venv .airflow .cache

# This list
help:
	@awk '/^# / { text = substr($$0, 3) } /^[a-z-]+:/ { split($$1, name, ":"); if (text) printf "make %-12s %s\n", name[1], text } !/^#/ { text = "" }' Makefile
