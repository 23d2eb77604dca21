/** What our sidecar is told in the scenarios: the policy of the orders, an ingress, an egress. */
import type { BenchFiles } from './files.ts';
import { ISSUER } from './tokens.ts';

/** @param rules how many more, none of which holds for the load */
export function ordersPolicy(rules = 0): string {
  const others = Array.from(
    { length: rules },
    (_, index) => `
allow if {
	input.request.method == "GET"
	input.request.path == "/other/${index}"
	"other:${index}" in input.token.realm_access.roles
}
`,
  );
  return `package order

import rego.v1

default allow := false
${others.join('')}
allow if {
	input.mtls.verified == true
	input.mtls.subject.CN == "api-gateway-client"
	input.token.exp > time.now_ns() / 1000000000
	input.request.method in {"GET", "POST"}
	"orders:read" in input.token.realm_access.roles
}
`;
}

export function ingressYaml(directory: string, jwksUrl: string, policies: string): string {
  return `
http:
  tls:
    enabled: true
    cert_file: ${directory}/server.crt
    key_file: ${directory}/server.key
    client_ca_file: ${directory}/ca.crt
    client_auth: require
jwt: { issuer: "${ISSUER}", audience: order-service, jwks_url: "${jwksUrl}" }
proxy:
  enabled: true
  authz: { policy_query: data.order.allow }
  mtls: { enabled: true, allowed_clients: ["spiffe://example.org/zone1/api-gateway"] }
  headers: { inject_user_id: X-User-ID }
identities:
  spiffe://example.org/zone1/api-gateway: { client_id: api-gateway, may_forward: [web-app] }
policy: { path: ${policies} }
`;
}

export interface EgressOptions {
  readonly upstreamPort: number;
  readonly tokenUrl: string;
}

export function egressYaml({ directory }: BenchFiles, { upstreamPort, tokenUrl }: EgressOptions): string {
  return `
service: { name: api-gateway }
egress:
  enabled: true
  targets:
    orders:
      url: https://127.0.0.1:${upstreamPort}
      auth:
        type: oauth2_client_credentials
        token_url: ${tokenUrl}
        client_id: api-gateway
        client_secret: \${BENCH_SECRET}
        scopes: [orders:read]
      tls: { enabled: true, client_cert: ${directory}/client.crt, client_key: ${directory}/client.key, ca_cert: ${directory}/ca.crt }
  routes:
    - { path_prefix: /orders, target: orders }
`;
}
