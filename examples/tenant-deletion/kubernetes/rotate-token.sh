#!/usr/bin/env bash
# Replaces the service token of a deployment: a new token, the secret, a restart. The old token stays good until it expires, so
# that nothing fails in between.
#
# usage: rotate-token.sh <service-name> [days]
# SIDEGATE   the sidegate command (npx sidegate)
# NAMESPACE  (bakery-ia)
set -euo pipefail

service=${1:?usage: rotate-token.sh <service-name> [days]}
days=${2:-1}
namespace=${NAMESPACE:-bakery-ia}

# 1. a new token
token=$(${SIDEGATE:-npx sidegate} token issue "$service" --days "$days" --output raw)

# 2. the secret; the token comes over standard input, since a command line is for everybody's eyes
printf %s "$token" | kubectl create secret generic service-tokens --from-file=orchestrator-token=/dev/stdin \
  -n "$namespace" --dry-run=client -o yaml | kubectl apply -f -

# 3. what read the old token when it started
kubectl rollout restart deployment "$service" -n "$namespace"
