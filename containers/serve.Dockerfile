# The image of `serve`: a virtual environment of wheels with known hashes, and steps/ without its table. It has neither a
# compiler nor pip, and neither XGBoost nor what trains, evaluates and reports: models come with a prepared forest.
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
RUN python3 -m venv /opt/venv
COPY requirements/serve-image.txt /tmp/requirements/
# As in Dockerfile: only what the lock file lists.
RUN /opt/venv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --require-hashes \
        --only-binary :all: -r /tmp/requirements/serve-image.txt \
    && /opt/venv/bin/pip check --disable-pip-version-check \
    && /opt/venv/bin/pip uninstall --quiet --yes setuptools pip \
    && find /opt/venv -depth -type d \( -name tests -o -name test \) -path '*/site-packages/*' \
        -not -path '*/numpy/*' -exec rm -rf {} + \
    # Headers, sources, Arrow Flight, and the descriptions of all services of Amazon except S3: 70 MB.
    && find /opt/venv/lib -type f -path '*/site-packages/*' \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cc' \
        -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' -o -path '*/pyarrow/*flight*' \) -delete \
    && find /opt/venv/lib/python3*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d -not -name s3 \
        -exec rm -rf {} +
COPY steps /opt/app/steps
# Start what is needed, so that the build fails if a needed file was deleted above.
RUN rm /opt/app/steps/data/*.parquet \
    && /opt/venv/bin/python -m compileall -q /opt/app/steps \
    && cd /opt/app && /opt/venv/bin/python -B -m steps.serve --help >/dev/null \
    && /opt/venv/bin/python -B -c "import google.cloud.storage, steps.io.stores, steps.serving.app, steps.serving.server" \
    && /opt/venv/bin/python -B -c "import model_signing.signing, model_signing.verifying" \
    && /opt/venv/bin/python -B -c "from steps.serving.page import card, document; document.page(), card.render_card('', '')" \
    && /opt/venv/bin/python -B -c "import botocore.session; botocore.session.Session().create_client('s3', 'us-east-1')" \
    && /opt/venv/bin/python -B -c "from steps.forest import kernels, packing; list(map(kernels.load, packing.FORMATS))"

FROM ${BASE_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="covertype-serve" \
      org.opencontainers.image.description="The HTTP service: python -m steps.serve --help" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}"
COPY --from=packages /opt/venv /opt/venv
COPY --from=packages /opt/app /opt/app
# The root file system is read-only on a cluster, so libraries must write to /tmp.
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/app HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
USER 65532:65532
WORKDIR /tmp
EXPOSE 8080
CMD ["python", "-m", "steps.serve", "--help"]
