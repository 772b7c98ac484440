# Requires python3 >= 3.11 and a package registry. PYTHON=python3.13 make ... uses another interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Install lock files into an environment, with uv if it is on the path, otherwise with pip. Without --no-deps, pip would
# install a newer version than the lock for a requirement with extras, such as google-auth[pyopenssl].
install = $(if $(shell command -v uv),uv pip install --quiet --python $(1)/bin/python,$(1)/bin/python -m pip install \
	--quiet --disable-pip-version-check) --no-deps --require-hashes $(2:%=-r requirements/%.txt)
# The emulators of Google's services and of S3 need Python 3.13. Without it, the tests that use them are skipped.
EMULATORS_PYTHON ?= python3.13
EMULATORS := $(VENV)-emulators
# MLflow's server needs other versions of libraries than a run, so it has an environment of its own.
MLFLOW_SERVER := $(VENV)-mlflow
MLFLOW_PORT ?= 5000
# The folder of runs whose MLflow database `make mlflow-ui` displays.
RUNS ?= runs
PYTEST_WORKERS ?= 2
ARGS ?=
# The build of XGBoost, in the environment and in the image: cpu, or gpu with CUDA libraries (460 MB more to download, 700 MB on disk).
VARIANT ?= cpu
# The images of the steps, of `serve` and of MLflow's server. containers/build explains IMAGE_BUILDER and IMAGE_BUILD.
IMAGE ?= covertype-steps:dev
SERVE_IMAGE ?= covertype-serve:dev
MLFLOW_IMAGE ?= covertype-mlflow:dev
REGISTRY ?=
export IMAGE_BUILDER IMAGE_BUILD BASE_IMAGE COVERTYPE_IMAGE_LOAD

# An existing environment must have the version of the requested PYTHON.
version = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifneq ($(and $(filter command environment,$(firstword $(origin PYTHON))),$(wildcard $(BIN)/python),$(filter-out clean,$(MAKECMDGOALS))),)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
$(error $(VENV) has Python $(call version,$(BIN)/python), not $(PYTHON): `make clean` first, or add VENV=.venv-NAME)
endif
endif

.PHONY: help run test test-builds emulators mlflow mlflow-server mlflow-ui test-cluster check unit coverage docs golden lock image image-push image-serve image-serve-push image-mlflow kind-up kind-down clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

run: $(VENV)/.run-$(VARIANT) ## run the whole pipeline on the full table (ARGS="--preset fast" for flags)
	$(BIN)/python workflows/covertype.py run $(ARGS)

test: check unit ## all checks of CI that need no cluster

check: $(VENV)/.dev ## style and types
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy
	$(BIN)/python -c "from importlinter.cli import lint_imports_command; lint_imports_command()" --no-logo --no-cache

unit: $(VENV)/.dev $(VENV)/.mlflow emulators ## all tests (ARGS="tests/steps -k csv"; those of MLflow's server need `make mlflow-server`)
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(ARGS)

coverage: ## the same, and which lines no test executes
	@$(MAKE) --no-print-directory unit ARGS='--cov --cov-report=term-missing:skip-covered $(ARGS)'

test-builds: $(VENV)/.dev ## test that the CUDA build of XGBoost trains the same models on the CPU (downloads 0.1 GB)
	sed -n '/^xgboost==/,/[^\\]$$/p' requirements/xgboost-gpu.txt >$(VENV)/xgboost-gpu.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade \
		--target $(VENV)-gpu -r $(VENV)/xgboost-gpu.txt
	COVERTYPE_OTHER_XGBOOST=$(abspath $(VENV)-gpu) $(BIN)/python -m pytest tests/test_xgboost_builds.py

emulators: ## install the emulators of BigQuery, Cloud Storage and S3, which the tests start
	@if $(EMULATORS_PYTHON) --version >/dev/null 2>&1; then $(MAKE) --no-print-directory $(EMULATORS)/.done; \
	else echo "no $(EMULATORS_PYTHON): tests with emulators will be skipped (set EMULATORS_PYTHON)"; fi

$(EMULATORS)/.done: requirements/emulators.txt
	$(EMULATORS_PYTHON) -m venv $(EMULATORS)
	$(call install,$(EMULATORS),emulators)
	@# DuckDB installs its extensions below HOME.
	cd $(EMULATORS) && HOME=$$PWD bin/python -c 'from duckdb_extensions import import_extension; \
		[import_extension(name) for name in ("ducklake", "icu", "spatial", "httpfs", "avro")]'
	@touch $@

mlflow: $(VENV)/.mlflow ## install MLflow's client, for `log-mlflow` and `run --mlflow` (60 MB)

mlflow-server: $(MLFLOW_SERVER)/.done ## install MLflow's server and pages into an environment of their own (850 MB)

mlflow-ui: mlflow mlflow-server ## display the runs that were logged to MLflow on this machine (RUNS=folder, MLFLOW_PORT=5000)
	@mkdir -p "$(RUNS)/.mlflow"
	@echo "open http://127.0.0.1:$(MLFLOW_PORT) (stop with Ctrl-C)"
	@MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
		$(MLFLOW_SERVER)/bin/mlflow server --host 127.0.0.1 --port $(MLFLOW_PORT) --workers 1 \
		--backend-store-uri "sqlite:///$(abspath $(RUNS))/.mlflow/mlflow.db" \
		--default-artifact-root "$(abspath $(RUNS))/.mlflow/artifacts"

$(MLFLOW_SERVER)/.done: requirements/mlflow-server.txt
	$(PYTHON) -m venv $(MLFLOW_SERVER)
	@echo "installing requirements/mlflow-server.txt into $(MLFLOW_SERVER): two to three minutes"
	$(call install,$(MLFLOW_SERVER),mlflow-server)
	@touch $@

test-cluster: $(VENV)/.dev ## tests on the cluster of KUBECONFIG; COVERTYPE_IMAGE_LOAD="kind load docker-image {image} --name covertype"
	$(BIN)/python -m pytest tests/cluster $(ARGS)

docs: $(VENV)/.dev ## build the documentation to docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -n -q -E -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

golden: $(VENV)/.dev ## regenerate the rendered workflows in tests/golden
	$(BIN)/python -m tests.golden.write

image: ## build the image of the steps (VARIANT=gpu, IMAGE_BUILDER=podman, BASE_IMAGE=...)
	containers/build $(IMAGE) $(VARIANT)

image-serve: ## build the image of `serve`, which has no training libraries
	containers/build $(SERVE_IMAGE) serve

image-mlflow: ## build the image of MLflow's tracking server for a local cluster (k8s/overlays/kind/mlflow)
	containers/build $(MLFLOW_IMAGE) mlflow

image-push: ## push the image, tagged with the git revision, and print its digest (REGISTRY=registry.example/team)
	@containers/push $(IMAGE) "$(REGISTRY)"

image-serve-push: ## the same with the image of `serve`
	@containers/push $(SERVE_IMAGE) "$(REGISTRY)" covertype-serve

kind-up: ## create a local cluster with kind: Argo, the overlay, the image (needs kind, kubectl and docker)
	k8s/kind-up $(IMAGE)

kind-down: ## delete that cluster and its data
	kind delete cluster --name covertype

lock: ## resolve requirements/*.txt with hashes, for every platform and Python version (see tools/lock)
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	PATH="$(CURDIR)/$(VENV)-lock/bin:$$PATH" tools/lock $(ARGS)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + ": set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Both builds of XGBoost install the same files, so the other one is removed first.
$(VENV)/.run-$(VARIANT): $(VENV)/.created requirements/run.txt requirements/xgboost-$(VARIANT).txt
	@rm -f $(VENV)/.run-*
	@$(BIN)/python -m pip uninstall -qq --yes --disable-pip-version-check xgboost xgboost-cpu
	@echo "installing requirements/run.txt and xgboost-$(VARIANT).txt into $(VENV): two to four minutes on a fresh machine"
	$(call install,$(VENV),run xgboost-$(VARIANT))
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

$(VENV)/.mlflow: $(VENV)/.run-$(VARIANT) requirements/mlflow.txt
	$(call install,$(VENV),mlflow)
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

$(VENV)/.dev: $(VENV)/.run-$(VARIANT) requirements/dev.txt
	$(call install,$(VENV),dev)
	$(BIN)/python -m pip check --disable-pip-version-check
	@touch $@

clean: ## remove the virtual environments and the caches of tools
	rm -rf $(VENV) $(VENV)-lock $(VENV)-gpu $(EMULATORS) $(MLFLOW_SERVER) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage docs/_build
