# The image of MLflow's tracking server for k8s/overlays/kind/mlflow: the libraries of `make mlflow-server`, checked by
# hash. It has none of this project's code.
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
RUN python3 -m venv /opt/venv
COPY requirements/mlflow-server.txt /tmp/requirements/
# As in Dockerfile: only what the lock file lists. The last two commands compile the modules of the server, and fail if a
# needed file was deleted. To compile all modules would take a minute.
RUN /opt/venv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-compile --no-deps --require-hashes \
        --only-binary :all: -r /tmp/requirements/mlflow-server.txt \
    && /opt/venv/bin/pip check --disable-pip-version-check \
    && /opt/venv/bin/pip uninstall --quiet --yes setuptools pip \
    && find /opt/venv -depth -type d \( -name tests -o -name test \) -path '*/site-packages/*' \
        -not -path '*/numpy/*' -exec rm -rf {} + \
    && find /opt/venv/lib -type f -path '*/site-packages/*' \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cc' \
        -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -path '*/pyarrow/*flight*' \) -delete \
    && MLFLOW_DISABLE_TELEMETRY=true /opt/venv/bin/mlflow server --help >/dev/null \
    && MLFLOW_DISABLE_TELEMETRY=true /opt/venv/bin/python -c "import mlflow.server.fastapi_app"

FROM ${BASE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="covertype-mlflow" \
      org.opencontainers.image.description="MLflow's tracking server: mlflow server --help" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=packages /opt/venv /opt/venv
# The root file system is read-only on a cluster. MLflow sends usage figures to its makers unless it is told not to.
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1 \
    MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true
USER 65532:65532
WORKDIR /tmp
EXPOSE 5000
CMD ["mlflow", "server", "--help"]
