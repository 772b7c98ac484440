# Needs python3 >= 3.11 and a package registry, nothing else. PYTHON=python3.13 make ... takes another interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Stand-ins for Google's services need Python 3.13; without it the tests that use them are left out.
EMULATORS_PYTHON ?= python3.13
EMULATORS := $(VENV)-emulators
PYTEST_WORKERS ?= 2
ARGS ?=
# The image of the steps: cpu, or gpu with CUDA libraries. IMAGE_BUILDER and IMAGE_BUILD are explained in containers/build.
IMAGE ?= covertype-steps:dev
VARIANT ?= cpu
REGISTRY ?=
export IMAGE_BUILDER IMAGE_BUILD BASE_IMAGE COVERTYPE_IMAGE_LOAD

.PHONY: help run test emulators test-cluster check unit golden lock image image-push kind-up kind-down clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## run the whole pipeline on the full table (ARGS="--preset fast" for flags)
	$(BIN)/python workflows/covertype.py run $(ARGS)

test: check unit ## everything that CI checks, without a cluster

check: $(VENV)/.dev ## style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

unit: $(VENV)/.dev emulators ## tests with coverage
	$(BIN)/pytest -n $(PYTEST_WORKERS) --cov --cov-report=term:skip-covered $(ARGS)

emulators: ## the stand-ins for BigQuery and Cloud Storage that the tests start
	@if $(EMULATORS_PYTHON) --version >/dev/null 2>&1; then $(MAKE) --no-print-directory $(EMULATORS)/.done; \
	else echo "no $(EMULATORS_PYTHON): tests with emulators are left out (set EMULATORS_PYTHON)"; fi

$(EMULATORS)/.done: requirements/emulators.txt
	$(EMULATORS_PYTHON) -m venv $(EMULATORS)
	$(EMULATORS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@# DuckDB's extensions go below HOME.
	cd $(EMULATORS) && HOME=$$PWD bin/python -c 'from duckdb_extensions import import_extension; \
		[import_extension(name) for name in ("ducklake", "icu", "spatial", "httpfs", "avro")]'
	@touch $@

test-cluster: $(VENV)/.dev ## tests on the cluster that KUBECONFIG names; COVERTYPE_IMAGE_LOAD="kind load docker-image {image}"
	$(BIN)/pytest tests/cluster $(ARGS)

golden: $(VENV)/.dev ## write the rendered workflows in tests/golden again
	$(BIN)/python -m tests.golden.write

image: ## build the image of the steps (VARIANT=gpu, IMAGE_BUILDER=podman, BASE_IMAGE=...)
	containers/build $(IMAGE) $(VARIANT)

image-push: ## push the image tagged by git sha, and print its digest (REGISTRY=registry.example/team)
	@containers/push $(IMAGE) "$(REGISTRY)"

kind-up: ## a cluster of your own with kind: Argo, the overlay, the image (needs kind, kubectl, docker; not run by the tests)
	k8s/kind-up $(IMAGE)

kind-down: ## remove that cluster and what it keeps
	kind delete cluster --name covertype

lock: ## resolve the requirements again, with hashes, for every platform and Python
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	$(VENV)-lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra build -o requirements/run.txt
	$(VENV)-lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra build --group dev \
		-c requirements/run.txt -o requirements/dev.txt
	grep '^duckdb' requirements/emulators.in | $(VENV)-lock/bin/uv pip compile requirements/emulators.in --override - \
		--quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--no-annotate -o requirements/emulators.txt
	for variant in cpu gpu; do \
		version=$$(sed -nE 's/^xgboost==([^ ]+).*/\1/p' requirements/run.txt); \
		echo "xgboost-cpu==$$version" | \
		$(VENV)-lock/bin/uv pip compile requirements/image-$$variant.in --quiet --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
			-c requirements/run.txt -c - -o requirements/image-$$variant.txt || exit 1; \
	done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + ": set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python requirements/run.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

clean: ## remove the virtual environment and what tools have left
	rm -rf $(VENV) $(VENV)-lock $(EMULATORS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage *.egg-info
