# Two images of one tree. `target` is the API, and whatever works beside it: web, worker, beat, relay, migrations.
# `lab` puts data into its database and load on it. docker-compose.yml builds both; alone:
#
#     docker build --target target --tag windtunnel-target .
#
# Tag and digest are of the same image; Dependabot moves both.
FROM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp
WORKDIR /srv/windtunnel
# What useradd would write, without its defaults for people: no home, no shell, one folder to keep things in.
RUN echo "windtunnel:x:10001:10001::/nonexistent:/usr/sbin/nologin" >> /etc/passwd && \
    echo "windtunnel:x:10001:" >> /etc/group && \
    install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/windtunnel

# Each package is held against its hash, and comes as a wheel, but for promise: that is plain Python without one, and the
# setuptools that build it are not held against a hash.
FROM base AS target-packages
COPY requirements/image-target.txt /opt/requirements.txt
RUN python -m venv --without-pip /opt/venv && \
    python -m pip --python /opt/venv/bin/python install \
        --no-cache-dir --disable-pip-version-check --only-binary :all: --no-binary promise --require-hashes --requirement /opt/requirements.txt

FROM base AS lab-packages
COPY requirements/image-lab.txt /opt/requirements.txt
RUN python -m venv --without-pip /opt/venv && \
    python -m pip --python /opt/venv/bin/python install \
        --no-cache-dir --disable-pip-version-check --only-binary :all: --no-binary promise --require-hashes --requirement /opt/requirements.txt

FROM base AS lab
ENV PATH=/opt/venv/bin:$PATH
COPY --from=lab-packages /opt/venv /opt/venv
COPY fixtures fixtures
COPY lab lab
COPY scenarios scenarios
COPY targets targets
RUN python -m compileall -q .
USER 10001:10001
# It serves nothing of its own: docker-compose.yml says what its containers do, and how each is asked for its health.
HEALTHCHECK NONE
CMD ["python", "-m", "fixtures", "--help"]

FROM base AS target
ENV PATH=/opt/venv/bin:$PATH
COPY --from=target-packages /opt/venv /opt/venv
COPY targets targets
RUN python -m compileall -q .
# Keys of the cache name the commit, so that no release reads another's answers.
ARG COMMIT=""
ENV TARGET_COMMIT=$COMMIT \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_PORT=8000 \
    GRANIAN_WORKERS=2 \
    GRANIAN_BLOCKING_THREADS=4
USER 10001:10001
EXPOSE 8000
# Without a proxy that the environment may name: it asks this very container.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['GRANIAN_PORT']), timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["granian", "--interface", "wsgi", "--no-ws", "--respawn-failed-workers", "targets.config.wsgi:application"]
