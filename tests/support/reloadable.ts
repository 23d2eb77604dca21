/** A sidecar as its own process over files that tests change while it runs. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestAuthority, type TestCertificate } from './certificates.ts';
import { startHttpApp } from './http-app.ts';
import { bytes, startJwksServer } from './jwks-server.ts';
import { startSidecarProcess } from './sidecar-process.ts';
import { createSigningKey, keySetBytes, mint } from './tokens.ts';
import { until } from './until.ts';

const ISSUER = 'https://keycloak.example.com/realms/users';
const PEER = 'spiffe://example.org/zone1/api-gateway';
export const OTHER_PEER = 'spiffe://example.org/zone1/batch';

export const ALLOWS = 'package order\n\nimport rego.v1\n\ndefault allow := true\n';
export const DENIES = 'package order\n\nimport rego.v1\n\ndefault allow := false\n';
export const BROKEN = 'package order\n\nimport rego.v1\n\nallow := nobody\n';

export type Authority = ReturnType<typeof createTestAuthority>;

export function issueServer(authority: Authority): TestCertificate {
  return authority.issue({ subject: [{ CN: 'order-service' }], dns: ['localhost'], eku: ['serverAuth'] });
}

export function issueClient(authority: Authority, uri: string = PEER): TestCertificate {
  return authority.issue({ subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }], uris: [uri] });
}

export interface ConfigChanges {
  readonly allowed?: readonly string[];
  readonly hotReload?: boolean;
  readonly port?: number;
  readonly extra?: string;
  /** Certificate identity → client, in place of those of this file. */
  readonly identities?: Readonly<Record<string, string>>;
  /** YAML of `http.tls`. */
  readonly tls?: string;
  /** Written beside the configuration before the start. */
  readonly files?: Readonly<Record<string, string>>;
  /** YAML of `proxy.routes`. */
  readonly routes?: string;
}

export async function startReloadable(changes: ConfigChanges = {}) {
  const authority = createTestAuthority('zone2-CA');
  const key = createSigningKey('ES256', 'users-1');
  const jwks = await startJwksServer(bytes(keySetBytes(key.jwk())));
  const app = await startHttpApp();
  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-reload-'));
  /** As editors and tools do: whoever reads sees the old file or the new one. */
  const write = (name: string, content: string): void => {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, content, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const config = ({
    allowed = [PEER],
    hotReload = true,
    port = 0,
    extra = '',
    tls = '{ enabled: true, cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth: require }',
    routes = '[]',
    identities = { [PEER]: 'api-gateway', [OTHER_PEER]: 'api-gateway' },
  }: ConfigChanges): string => `
http:
  addr: 127.0.0.1:${port}
  tls: ${tls}
jwt: { issuer: "${ISSUER}", audience: order-service, jwks_url: "${jwks.origin}/certs" }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${app.port}" }
  authz: { policy_query: data.order.allow }
  routes: ${routes}
  mtls: { enabled: true, allowed_clients: ${JSON.stringify(allowed)} }
identities:
${Object.entries(identities)
  .map(([identity, client]) => `  ${identity}: { client_id: ${client}, may_forward: [web-app] }`)
  .join('\n')}
policy: { path: policies, hot_reload: ${hotReload} }
${extra}`;
  const server = issueServer(authority);
  for (const [name, content] of Object.entries(changes.files ?? {})) write(name, content);
  write('config.yaml', config(changes));
  write('server.crt', server.certPem);
  write('server.key', server.keyPem);
  write('ca.crt', authority.certPem);
  write('policies/order.rego', ALLOWS);
  const sidecar = await startSidecarProcess(['--config', path.join(root, 'config.yaml')]);
  const events = (name: string): Readonly<Record<string, unknown>>[] =>
    sidecar
      .stdout()
      .split('\n')
      .filter((line) => line.includes(`"event":"${name}"`))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  await until(() => events('ready').length === 1, 10_000);
  const port = Number(sidecar.listening?.ingress?.split(':').at(-1));
  const token = (): string => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, aud: 'order-service', sub: 'user-123', azp: 'web-app', iat: now, exp: now + 300 };
    return mint(claims, { key });
  };

  /** A client that keeps its connections. */
  const client = (
    certificate: Pick<TestCertificate, 'certPem' | 'keyPem'> = issueClient(authority),
    trusted: string = authority.certPem,
  ) => {
    const agent = new https.Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: trusted,
      cert: certificate.certPem,
      key: certificate.keyPem,
      servername: 'localhost',
    });
    return {
      /** The status, whether on a connection that was used before, and the serial number of the certificate that it showed. */
      get: () =>
        new Promise<{ status: number | undefined; reused: boolean; serial: string }>((resolve, reject) => {
          const headers = { authorization: `Bearer ${token()}` };
          const request = https.get({ port, host: '127.0.0.1', agent, headers, path: '/orders' }, (response) => {
            const { serialNumber } = (response.socket as import('node:tls').TLSSocket).getPeerCertificate();
            response.resume();
            response.once('end', () =>
              resolve({ status: response.statusCode, reused: request.reusedSocket, serial: serialNumber }),
            );
            response.once('error', reject);
          });
          request.once('error', reject);
        }),
      [Symbol.dispose]: () => agent.destroy(),
    };
  };

  return {
    authority,
    app,
    sidecar,
    root,
    port,
    token,
    write,
    config,
    client,
    events,
    generation: (): number => Number(events('reloaded').at(-1)?.['generation'] ?? 1),
    /** Sockets, files and pipes that the process holds. */
    descriptors: (): number => readdirSync(`/proc/${sidecar.pid}/fd`).length,
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]();
      await jwks[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

export type Reloadable = Awaited<ReturnType<typeof startReloadable>>;

/** Keeps asking on `clients` kept connections until it is told to stop. */
export function underLoad(
  reloadable: Reloadable,
  clients: number,
  open: () => ReturnType<Reloadable['client']> = () => reloadable.client(),
) {
  const failures: unknown[] = [];
  let sent = 0;
  const enough = new AbortController();
  const done = Promise.all(
    Array.from({ length: clients }, async () => {
      using client = open();
      while (!enough.signal.aborted) {
        sent += 1;
        await client.get().then(
          ({ status }) => status !== 200 && failures.push(status),
          (error: unknown) => failures.push(error),
        );
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }),
  );
  return {
    sent: () => sent,
    /** @returns what was not a 200 */
    async end(): Promise<unknown[]> {
      enough.abort();
      await done;
      return failures;
    },
  };
}
