# Needs python3 >= 3.11 and a package registry, nothing else. PYTHON=python3.13 make ... takes another interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Install lock files into an environment, with uv where it is on the path. Nothing outside the lock is installed: without
# --no-deps pip looks outside it for a requirement with extras, such as google-auth[pyopenssl], as soon as the index has
# a newer version.
install = $(if $(shell command -v uv),uv pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install \
	--quiet --disable-pip-version-check) --no-deps --require-hashes $(2:%=-r requirements/%.txt)
# Emulators of Google's services need Python 3.13; without it the tests that use them are skipped.
EMULATORS_PYTHON ?= python3.13
EMULATORS := $(VENV)-emulators
PYTEST_WORKERS ?= 2
ARGS ?=
# Which build of XGBoost is installed, here and in the image: cpu, or gpu with CUDA libraries (0.7 GB more).
VARIANT ?= cpu
# The image of the steps. IMAGE_BUILDER and IMAGE_BUILD are explained in containers/build.
IMAGE ?= covertype-steps:dev
REGISTRY ?=
export IMAGE_BUILDER IMAGE_BUILD BASE_IMAGE COVERTYPE_IMAGE_LOAD

# A PYTHON that is asked for must be the one in an environment that is already there.
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifneq ($(and $(filter command environment,$(firstword $(origin PYTHON))),$(wildcard $(BIN)/python),$(filter-out clean,$(MAKECMDGOALS))),)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
$(error $(VENV) has Python $(call version,$(BIN)/python), not $(PYTHON): `make clean` first, or add VENV=.venv-NAME)
endif
endif

.PHONY: help run test test-builds emulators test-cluster check unit docs golden lock image image-push kind-up kind-down clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run-$(VARIANT) ## run the whole pipeline on the full table (ARGS="--preset fast" for flags)
	$(BIN)/python workflows/covertype.py run $(ARGS)

test: check unit ## everything that CI checks, without a cluster

check: $(VENV)/.dev ## style and types
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/python -c "from importlinter.cli import lint_imports_command; lint_imports_command()" --no-logo --no-cache

unit: $(VENV)/.dev emulators ## tests with coverage
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --cov --cov-report=term:skip-covered $(ARGS)

test-builds: $(VENV)/.dev ## that the CUDA build of XGBoost gives the same models on the CPU (fetches 0.1 GB)
	sed -n '/^xgboost==/,/[^\\]$$/p' requirements/xgboost-gpu.txt >$(VENV)/xgboost-gpu.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
		--target $(VENV)-gpu -r $(VENV)/xgboost-gpu.txt
	COVERTYPE_OTHER_XGBOOST=$(abspath $(VENV)-gpu) $(BIN)/python -m pytest tests/test_xgboost_builds.py

emulators: ## the emulators of BigQuery and Cloud Storage that the tests start
	@if $(EMULATORS_PYTHON) --version >/dev/null 2>&1; then $(MAKE) --no-print-directory $(EMULATORS)/.done; \
	else echo "no $(EMULATORS_PYTHON): tests with emulators are left out (set EMULATORS_PYTHON)"; fi

$(EMULATORS)/.done: requirements/emulators.txt
	$(EMULATORS_PYTHON) -m venv $(EMULATORS)
	$(call install,$(EMULATORS),emulators)
	@# DuckDB's extensions go below HOME.
	cd $(EMULATORS) && HOME=$$PWD bin/python -c 'from duckdb_extensions import import_extension; \
		[import_extension(name) for name in ("ducklake", "icu", "spatial", "httpfs", "avro")]'
	@touch $@

test-cluster: $(VENV)/.dev ## tests on the cluster that KUBECONFIG names; COVERTYPE_IMAGE_LOAD="kind load docker-image {image}"
	$(BIN)/python -m pytest tests/cluster $(ARGS)

docs: $(VENV)/.dev ## build the documentation to docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -n -q -E -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

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

lock: ## resolve requirements/*.txt again, with hashes, for every platform and Python (see tools/lock)
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	PATH="$(CURDIR)/$(VENV)-lock/bin:$$PATH" tools/lock $(ARGS)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + ": set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Both builds of XGBoost are the same files to Python: the one that is there is removed first.
$(VENV)/.run-$(VARIANT): $(VENV)/.created requirements/run.txt requirements/xgboost-$(VARIANT).txt
	@rm -f $(VENV)/.run-*
	@$(BIN)/python -m pip uninstall -qq --yes --disable-pip-version-check xgboost xgboost-cpu
	$(call install,$(VENV),run xgboost-$(VARIANT))
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

$(VENV)/.dev: $(VENV)/.run-$(VARIANT) requirements/dev.txt
	$(call install,$(VENV),dev)
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

clean: ## remove the virtual environment and what tools have left
	rm -rf $(VENV) $(VENV)-lock $(VENV)-gpu $(EMULATORS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage docs/_build
