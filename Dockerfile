# syntax=docker/dockerfile:1
# The product: one image for collectors, workers and the monitor, and for the simulated sources that compose.yml shows.
# The extra `sandbox` (a JRE, Node.js) is left out: containers bring their own Kafka and Azurite.

FROM python:3.11-slim-bookworm AS build
ARG UV_VERSION=0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/chatledger
RUN --mount=type=cache,target=/root/.cache/pip pip install --root-user-action=ignore uv==${UV_VERSION}
WORKDIR /src
# Dependencies first: this layer changes only with the lock file.
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    uv sync --locked --no-dev --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-dev --no-editable

FROM python:3.11-slim-bookworm
# A number as user, so that an orchestrator can see that it isn't root. /state is the one place that is written to.
RUN groupadd --gid 10001 chatledger \
    && useradd --uid 10001 --gid 10001 --home-dir /state --no-create-home --shell /usr/sbin/nologin chatledger \
    && install --directory --owner=10001 --group=10001 --mode=0700 /state
COPY --from=build /opt/chatledger /opt/chatledger
ENV PATH=/opt/chatledger/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/state
USER 10001:10001
WORKDIR /state
ENTRYPOINT ["chatledger"]
CMD ["--help"]
