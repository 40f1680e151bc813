# An Azure Redis and its Microsoft Entra in a container: see docs/emulator.md, "In a container".
# The digest is that of the index of all platforms. For a newer one: docker buildx imagetools inspect node:22-bookworm-slim
ARG IMAGE=node:22-bookworm-slim@sha256:43ac6c60b8f89723f746e8a92ce91abd5017e627ce1ddfe4238355d3a30b772c
FROM $IMAGE AS build
WORKDIR /source
COPY . .
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run build && npm pack --ignore-scripts

FROM $IMAGE
RUN apt-get update \
  && apt-get install -y --no-install-recommends redis-server \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/ioredis-azure-*.tgz /tmp/
RUN npm install --global --no-audit --no-fund /tmp/ioredis-azure-*.tgz && rm /tmp/ioredis-azure-*.tgz

# Other containers read certificates and emulator.env from this volume; its path must be the same in each.
RUN mkdir /emulator && chown node:node /emulator
VOLUME /emulator
WORKDIR /emulator
ENV TMPDIR=/emulator
USER node

# The cache, Microsoft Entra, and the endpoint of managed identities.
EXPOSE 10000 8443 8080
# The file is written once the emulator has started, and removed when it ends.
HEALTHCHECK --interval=10s --timeout=2s --start-period=30s --start-interval=1s CMD ["test", "-s", "/emulator/emulator.env"]
ENTRYPOINT ["ioredis-azure", "emulator", "--env", "--bind", "0.0.0.0", "--port", "10000", "--entra-port", "8443", "--metadata-port", "8080"]
