#!/usr/bin/env bash
# Whether a service token gets through the gateway to each of the twelve services. It reads what would be deleted, and deletes nothing.
# Exits 1 on anything but 200: 401, 403, 500 and no answer are failures.
#
# GATEWAY   where the gateway listens (https://localhost)
# SIDEGATE  the sidegate command (npx sidegate); the keys that it signs with are those of sidegate token
# TENANT    whose deletion is previewed (test-tenant-id)
set -uo pipefail

GATEWAY=${GATEWAY:-https://localhost}
TENANT=${TENANT:-test-tenant-id}

SERVICE_TOKEN=$(${SIDEGATE:-npx sidegate} token issue tenant-deletion-orchestrator --output raw) || {
  echo "no token was issued" >&2
  exit 1
}

echo "Testing service token authentication..."

failed=0
for service in orders inventory recipes sales production suppliers pos external forecasting training alert-processor notification; do
  echo -n "Testing $service... "
  # The header comes over standard input: a token on a command line is for everybody's eyes.
  status=$(curl -k -s --max-time 10 -o /dev/null -w '%{http_code}' -H @- \
    "$GATEWAY/api/v1/$service/tenant/$TENANT/deletion-preview" <<<"Authorization: Bearer $SERVICE_TOKEN")
  case $status in
    200) echo "✅ PASSED (Status: $status)" && continue ;;
    401) echo "❌ FAILED (Unauthorized)" ;;
    403) echo "❌ FAILED (Forbidden)" ;;
    000) echo "❌ FAILED (No answer)" ;;
    *) echo "❌ FAILED (Status: $status)" ;;
  esac
  failed=$((failed + 1))
done

[ "$failed" -eq 0 ]
