/** Keys, certificates, a token, policies and configurations, in a folder that goes when the stage ends. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestAuthority } from '../tests/support/certificates.ts';
import { createSigningKey, keySetBytes, type SigningKey } from '../tests/support/tokens.ts';
import { ingressYaml, ordersPolicy } from './sidecar-config.ts';
import { ISSUER, mintToken } from './tokens.ts';

export interface BenchFiles {
  readonly directory: string;
  readonly ca: string;
  readonly serverCert: string;
  readonly serverKey: string;
  /** Chain and key in one file, as HAProxy wants them. */
  readonly serverPem: string;
  readonly clientCert: string;
  readonly clientKey: string;
  readonly clientPem: string;
  readonly issuer: string;
  readonly keys: Readonly<Record<'RS256' | 'ES256', SigningKey>>;
  /** PEM files. */
  readonly publicKeys: Readonly<Record<'RS256' | 'ES256', string>>;
  readonly jwks: Buffer;
  readonly jwksUrl: string;
  /** RS256, valid for everything that the loads ask for. */
  readonly token: string;
  readonly sidecarConfig: string;
  /** Shared object that lets wrk show the client's certificate. */
  readonly shim: string;
  /** Writes a file beside the others, readable by its owner only. */
  write(name: string, content: string): string;
}

/** @param jwksUrl where the sidecar will find the issuer's keys */
export function writeBenchFiles(jwksUrl: string): BenchFiles {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-bench-'));
  const write = (name: string, content: string): string => {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), { recursive: true });
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
  const keys = { RS256: createSigningKey('RS256', 'users-1'), ES256: createSigningKey('ES256', 'users-2') };
  write('policy/orders.rego', ordersPolicy());
  return {
    directory,
    ca: write('ca.crt', zone.certPem),
    serverCert: write('server.crt', server.certPem),
    serverKey: write('server.key', server.keyPem),
    serverPem: write('server.pem', server.certPem + server.keyPem),
    clientCert: write('client.crt', client.certPem),
    clientKey: write('client.key', client.keyPem),
    clientPem: write('client.pem', client.certPem + client.keyPem),
    issuer: ISSUER,
    keys,
    publicKeys: {
      RS256: write('rs256.pem', publicPem(keys.RS256)),
      ES256: write('es256.pem', publicPem(keys.ES256)),
    },
    jwks: keySetBytes(keys.RS256.jwk(), keys.ES256.jwk()),
    jwksUrl,
    token: mintToken(keys.RS256),
    sidecarConfig: write('sidecar.yaml', ingressYaml(directory, jwksUrl, `${directory}/policy`)),
    shim: buildShim(directory),
    write,
  };
}

function publicPem({ publicKey }: SigningKey): string {
  return publicKey.export({ type: 'spki', format: 'pem' });
}

function buildShim(directory: string): string {
  const shim = path.join(directory, 'client-cert.so');
  const source = path.join(import.meta.dirname, 'wrk/client-cert.c');
  execFileSync('cc', ['-shared', '-fPIC', '-o', shim, source, '-ldl']);
  return shim;
}
