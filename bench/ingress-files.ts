/** Keys, certificates, a token, a policy and a configuration for the ingress scenario, in a folder of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestAuthority } from '../tests/support/certificates.ts';
import { createSigningKey, keySetBytes, mint } from '../tests/support/tokens.ts';

export interface BenchFiles {
  readonly directory: string;
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  /** Chain and key in one file, as HAProxy and the shim want them. */
  readonly serverPem: string;
  readonly clientPem: string;
  readonly issuer: string;
  readonly issuerPublicKey: string;
  readonly jwks: Buffer;
  readonly token: string;
  readonly sidecarConfig: string;
  readonly shim: string;
}

const ISSUER = 'https://keycloak.example.com/realms/users';

const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.mtls.verified == true
	input.mtls.subject.CN == "api-gateway-client"
	input.token.exp > time.now_ns() / 1000000000
	input.request.method == "GET"
	"orders:read" in input.token.realm_access.roles
}
`;

/** @param jwksUrl where the sidecar will find the issuer's keys */
export function writeBenchFiles(jwksUrl: string): BenchFiles {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-bench-'));
  const write = (name: string, content: string): string => {
    const file = path.join(directory, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };
  const zone = createTestAuthority('zone2-CA');
  const server = zone.issue({
    subject: [{ CN: 'order-service' }],
    dns: ['localhost'],
    ips: ['127.0.0.1'],
    eku: ['serverAuth'],
  });
  const client = zone.issue({
    subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
    uris: ['spiffe://example.org/zone1/api-gateway'],
  });
  const key = createSigningKey('RS256', 'users-1');
  write('policy.rego', POLICY);
  const files = {
    ca: write('ca.crt', zone.certPem),
    serverCert: write('server.crt', server.certPem),
    serverKey: write('server.key', server.keyPem),
    serverPem: write('server.pem', server.certPem + server.keyPem),
    clientPem: write('client.pem', client.certPem + client.keyPem),
    issuerPublicKey: write('issuer.pem', key.publicKey.export({ type: 'spki', format: 'pem' })),
  };
  const shim = path.join(directory, 'client-cert.so');
  execFileSync('cc', ['-shared', '-fPIC', '-o', shim, path.join(import.meta.dirname, 'client-cert.c'), '-ldl']);
  return {
    directory,
    ...files,
    issuer: ISSUER,
    jwks: keySetBytes(key.jwk()),
    token: mint(userClaims(), { key }),
    shim,
    sidecarConfig: write('sidecar.yaml', configuration(directory, jwksUrl)),
  };
}

/** About 700 bytes of token. */
function userClaims(): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    aud: 'order-service',
    sub: 'user-123',
    azp: 'web-app',
    iat: now,
    exp: now + 3_600,
    email: 'john@example.com',
    realm_access: { roles: ['customer', 'orders:read'] },
  };
}

function configuration(directory: string, jwksUrl: string): string {
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
policy: { path: ${directory} }
`;
}
