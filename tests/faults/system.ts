/**
 * What every row disturbs: `sidegate sidecar` as a process of its own between real clients and a real service, with mutual TLS,
 * users' tokens and a policy. Audit records go into a file, so that they can be counted against what was served.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NODE_FLAGS } from '../../packages/sidegate/src/cli/node-flags.ts';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type HttpApp, startHttpApp } from '../support/http-app.ts';
import { bytes, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { type Authority, issueClient, issueServer } from '../support/reloadable.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecar-process.ts';
import { createSigningKey, keySetBytes, type MintOptions, mint, type SigningKey } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';
import type { Client, LoadOptions } from './load.ts';
import { RATE } from './scale.ts';

const ISSUER = 'https://keycloak.example.com/realms/users';
const READY_MS = 30_000;

export const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.mtls.verified
	input.token.sub == "user-123"
	input.request.method in {"GET", "POST"}
}
`;

export interface SystemOptions {
  /** Members of `http` besides `addr` and `tls`, as in a flow mapping. */
  readonly http?: string;
  /** YAML lines below `jwt`, indented by two. */
  readonly jwt?: string;
  /** YAML lines below `proxy`, indented by two. */
  readonly proxy?: string;
  /** Below `proxy.upstream`, as in a flow mapping. */
  readonly upstream?: string;
  /** In the place of the folder of policies. */
  readonly policy?: string;
  /** `audit`, as a flow mapping. */
  readonly audit?: string;
  /** Whole YAML chapters besides. */
  readonly chapters?: string;
  /** Port of another service than the one that remembers what it saw. */
  readonly upstreamPort?: number;
  /** Any port of 127.0.0.1 instead of the endpoint that serves the signing key. */
  readonly jwksPort?: number;
  /** More files below the root. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What starts it, in the place of Node with our sources; see {@link SIDEGATE}. */
  readonly command?: readonly [string, ...string[]];
  /** False: it is not waited for until it is ready. */
  readonly ready?: boolean;
}

export interface System extends AsyncDisposable {
  readonly authority: Authority;
  readonly issuerKey: SigningKey;
  readonly jwks: JwksServer;
  readonly app: HttpApp;
  readonly sidecar: SidecarProcess;
  readonly root: string;
  readonly port: number;
  readonly egressPort: number;
  readonly client: Client;
  /** As editors and tools do: whoever reads sees the old file or the new one. */
  readonly write: (name: string, content: string) => void;
  /** The configuration with other parts. */
  readonly config: (changes: SystemOptions) => string;
  /** A user's token, claims replaced. */
  readonly token: (changes?: Readonly<Record<string, unknown>>, options?: Partial<MintOptions>) => string;
  /** What a load of good requests at the row's rate needs. */
  readonly good: LoadOptions;
  /** One sample; 0 where it is not there. */
  metric(name: string, labels?: string): Promise<number>;
  /** The status of `/ready`, and the codes of its reasons. */
  readiness(): Promise<string>;
  events(name: string): readonly Readonly<Record<string, unknown>>[];
  generation(): number;
  /** Whole records in the file of audit records by decision. */
  audited(): { readonly allow: number; readonly deny: number };
  /** Sockets, files and pipes that the process holds. */
  descriptors(): number;
  residentMiB(): number;
}

/** As `sidegate up` starts its sidecars, and as docs/performance.md advises. */
export const SIDEGATE: readonly string[] = [
  process.execPath,
  ...NODE_FLAGS,
  '--conditions=@sidegate/source',
  path.resolve(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts'),
];

export function clientOf({ certPem: cert, keyPem: key }: TestCertificate, ca: string): Client {
  return { ca, cert, key };
}

export async function startSystem(options: SystemOptions = {}): Promise<System> {
  await using started = new AsyncDisposableStack();
  const authority = createTestAuthority('zone2-CA');
  const issuerKey = createSigningKey('ES256', 'users-1');
  const jwks = started.use(await startJwksServer(bytes(keySetBytes(issuerKey.jwk()))));
  const app = started.use(await startHttpApp());
  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-fault-'));
  started.defer(() => rmSync(root, { recursive: true, force: true }));
  const write: System['write'] = (name, content) => {
    const file = path.join(root, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, content, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const ports = { app: options.upstreamPort ?? app.port, jwks: options.jwksPort ?? Number(new URL(jwks.origin).port) };
  const config: System['config'] = (changes) => configuration({ ...options, ...changes }, ports);
  const server = issueServer(authority);
  write('config.yaml', config({}));
  write('server.crt', server.certPem);
  write('server.key', server.keyPem);
  write('ca.crt', authority.certPem);
  write('policies/order.rego', POLICY);
  for (const [name, content] of Object.entries(options.files ?? {})) write(name, content);
  const args = ['--config', path.join(root, 'config.yaml'), ...(options.args ?? [])];
  const sidecar = started.use(
    await startSidecarProcess(args, options.env, options.command ?? (SIDEGATE as [string, ...string[]])),
  );
  const events: System['events'] = (name) =>
    sidecar
      .stdout()
      .split('\n')
      .filter((line) => line.includes(`"event":"${name}"`))
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  if (sidecar.listening === undefined) throw new Error(`it did not start: ${sidecar.stderr()}`);
  if (options.ready !== false) {
    await until(() => events('ready').length === 1, READY_MS);
    if (events('ready').length === 0) throw new Error(`it did not become ready: ${sidecar.stderr()}`);
  }
  const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));
  const port = portOf(sidecar.listening.ingress);
  const admin = { port: portOf(sidecar.listening.admin) };
  const client = clientOf(issueClient(authority), authority.certPem);
  const token: System['token'] = (changes = {}, mintOptions = {}) => {
    const iat = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, aud: 'order-service', sub: 'user-123', azp: 'web-app', iat, exp: iat + 300 };
    return mint({ ...claims, ...changes }, { key: issuerKey, ...mintOptions });
  };
  const long = token({ exp: Math.floor(Date.now() / 1000) + 3_000 });
  const running = started.move();
  return {
    authority,
    issuerKey,
    jwks,
    app,
    sidecar,
    root,
    port,
    egressPort: portOf(sidecar.listening.egress),
    client,
    write,
    config,
    token,
    good: { port, client, perSecond: RATE, token: () => long },
    async metric(name, labels = '') {
      const { body } = await sendRequest(admin, { target: '/metrics' });
      const line = body.split('\n').find((text) => text.startsWith(labels === '' ? `${name} ` : `${name}{${labels}} `));
      return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
    },
    async readiness() {
      const { status, body } = await sendRequest(admin, { target: '/ready' });
      return [status, ...Array.from(body.matchAll(/"code":"(\w+)"/g), ([, code]) => code)].join(' ');
    },
    events,
    generation: () => Number(events('reloaded').at(-1)?.['generation'] ?? 1),
    audited() {
      // A disk that becomes full may take the beginning of one.
      const lines = readFileSync(path.join(root, 'audit.jsonl'), 'latin1').split('\n');
      const having = (decision: string): number =>
        lines.filter((line) => line.includes(`"decision":"${decision}"`) && line.endsWith('}')).length;
      return { allow: having('allow'), deny: having('deny') };
    },
    descriptors: () => readdirSync(`/proc/${sidecar.pid}/fd`).length,
    residentMiB() {
      const [, kib = ''] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${sidecar.pid}/status`, 'latin1')) ?? [];
      return Number(kib) / 1024;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function configuration(options: SystemOptions, ports: { readonly app: number; readonly jwks: number }): string {
  const { http = 'read_timeout: 10s', jwt = '', proxy = '', upstream = 'timeout: 30s', chapters = '' } = options;
  const { audit = '{ export: { stdout: { enabled: false }, file: { path: audit.jsonl } } }' } = options;
  return `
http:
  addr: 127.0.0.1:0
  ${http}
  tls: { enabled: true, cert_file: server.crt, key_file: server.key, client_ca_file: ca.crt, client_auth: require }
jwt:
  issuer: "${ISSUER}"
  audience: order-service
  jwks_url: "http://127.0.0.1:${ports.jwks}/certs"
${jwt}
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${ports.app}", ${upstream} }
  authz: { policy_query: data.order.allow }
${proxy}
identities:
  spiffe://example.org/zone1/api-gateway: { client_id: api-gateway, may_forward: [web-app] }
policy: ${options.policy ?? '{ path: policies }'}
audit: ${audit}
admin: { addr: "127.0.0.1:0" }
${chapters}
`;
}
