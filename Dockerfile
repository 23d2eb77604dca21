# One image for every sidecar, and for the `sidegate` command: docker build -t authz-service:latest .
# Nothing of the machine that builds gets in but what .dockerignore names; secrets and configuration arrive when it runs.
ARG NODE_IMAGE=node:26.10.0-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /opt/sidegate
COPY package.json package-lock.json ./
COPY packages/rego/package.json packages/rego/
COPY packages/sdk/package.json packages/sdk/
COPY packages/sidegate/package.json packages/sidegate/
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/sidegate
COPY package.json package-lock.json tsconfig.json tsconfig.build.json LICENSE ./
COPY packages packages
RUN npm ci --no-audit --no-fund
RUN npm run build

FROM ${NODE_IMAGE}
WORKDIR /opt/sidegate
COPY --from=dependencies /opt/sidegate ./
COPY --from=build /opt/sidegate/packages/rego/dist packages/rego/dist
COPY --from=build /opt/sidegate/packages/sdk/dist packages/sdk/dist
COPY --from=build /opt/sidegate/packages/sidegate/dist packages/sidegate/dist
ENV NODE_ENV=production
USER node
EXPOSE 8443
ENTRYPOINT ["node", "--max-semi-space-size=8", "/opt/sidegate/packages/sidegate/dist/cli/main.js"]
CMD ["sidecar"]
