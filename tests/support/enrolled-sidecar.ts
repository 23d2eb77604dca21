/** An authority and sidecars as processes of their own, with nothing between them but its certificates: `tls.source: authority`. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { type AuthorityFolder, authorityFolder } from './authority.ts';
import { createTestAuthority } from './certificates.ts';
import { startHttpApp } from './http-app.ts';
import type { IssuerProcess } from './issuer-process.ts';
import { type SidecarProcess, startSidecarProcess } from './sidecar-process.ts';
import { sendRequest } from './wire.ts';

export interface EnrolledSystem extends AsyncDisposable {
  readonly folder: AuthorityFolder;
  readonly authority: IssuerProcess;
  /** Standard output of `sidegate ca …`; throws when it fails. */
  ca(...args: readonly string[]): Promise<string>;
  /** Its trust bundle, as it publishes it. */
  bundle(): Promise<string>;
  /** A sidecar in a folder of its own, before an app that says 200. */
  sidecar(options: SidecarSettings): Promise<EnrolledSidecar>;
  /** The pair of a caller in zone 1, issued by the command. */
  caller(service: string): Promise<CallerPair>;
}

export interface SidecarSettings {
  readonly service: string;
  /** Life of its certificates, as the command takes it. */
  readonly validFor: string;
  /** Default: a good one. */
  readonly token?: string;
  /** YAML in `http.tls`. */
  readonly tls?: string;
  readonly args?: readonly string[];
}

export interface EnrolledSidecar extends AsyncDisposable {
  readonly process: SidecarProcess;
  readonly port: number;
  file(name: string): Promise<string>;
  /** Adds text to its configuration; none: as it was at the start. */
  reconfigure(more?: string): Promise<void>;
  /** The same folder and configuration, after the process has ended. */
  restart(): Promise<EnrolledSidecar>;
}

export interface CallerPair {
  readonly certPem: string;
  readonly keyPem: string;
}

const BUNDLE_REFRESH = '1s';

export interface EnrolledSystemSettings {
  readonly trustDomain?: string;
  /** The bundles of others, by trust domain. */
  readonly federation?: Readonly<Record<string, string>>;
}

export async function startEnrolledSystem({
  trustDomain = 'example.org',
  federation = {},
}: EnrolledSystemSettings = {}): Promise<EnrolledSystem> {
  await using started = new AsyncDisposableStack();
  const web = createTestAuthority('authority-CA');
  const server = web.issue({ dns: ['localhost'], eku: ['serverAuth'] });
  const folder = started.use(
    await authorityFolder({
      baseUrl: 'https://localhost:8443',
      more: `tls: { cert_file: server.crt, key_file: server.key }
ca:
  trust_domain: ${trustDomain}
  federation: { ${Object.keys(federation)
    .map((name) => `${name}: { bundle_file: ${name}.json }`)
    .join(', ')} }
  bundle_refresh_hint: ${BUNDLE_REFRESH}
  zones: { zone1: {}, zone2: { dns_domains: [localhost] } }`,
    }),
  );
  for (const [name, bundle] of Object.entries(federation)) await folder.write(`${name}.json`, bundle);
  await writeFile(folder.at('server.crt'), server.certPem);
  await writeFile(folder.at('server.key'), server.keyPem, { mode: 0o600 });
  const authority = started.use(await folder.start());
  if (authority.url === undefined) throw new Error(authority.stderr());
  const app = started.use(await startHttpApp());

  const ca: EnrolledSystem['ca'] = async (...args) => {
    const { code, stdout, stderr } = await folder.command('ca', ...args);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const running = started.move();
  return {
    folder,
    authority,
    ca,
    bundle: async () =>
      (await sendRequest({ port: authority.port, tls: { ca: web.certPem } }, { target: '/ca/bundle' })).body,
    sidecar: async ({ service, validFor, token, tls: more = '', args = [] }) => {
      const root = await mkdtemp(path.join(tmpdir(), 'sidegate-enrolled-'));
      running.defer(() => rm(root, { recursive: true, force: true }));
      const names = ['--zone', 'zone2', '--dns', 'localhost', '--valid-for', validFor];
      const good = token ?? (await ca('token', '--service', service, ...names));
      await writeFile(path.join(root, 'join-token'), good, { mode: 0o600 });
      await writeFile(path.join(root, 'authority-ca.crt'), web.certPem);
      const configured = configuration(service, app.port, more);
      await writeFile(path.join(root, 'config.yaml'), configured);
      const dial = `localhost:8443=127.0.0.1:${authority.port}`;
      const command = ['--config', path.join(root, 'config.yaml'), '--connect-to', dial, ...args];
      const start = async (): Promise<EnrolledSidecar> => {
        const process = await startSidecarProcess(command);
        return {
          process,
          port: Number(process.listening?.ingress?.split(':').at(-1) ?? 0),
          file: (name) => readFile(path.join(root, 'identity', name), 'utf8'),
          reconfigure: (more = '') => writeFile(path.join(root, 'config.yaml'), configured + more),
          restart: start,
          [Symbol.asyncDispose]: async () => void (await process.end()),
        };
      };
      return start();
    },
    caller: async (service) => {
      const out = folder.at(service);
      await ca('issue', '--service', service, '--zone', 'zone1', '--profile', 'client', '--out', out);
      const [certPem, keyPem] = await Promise.all([`${out}.crt`, `${out}.key`].map((file) => readFile(file, 'utf8')));
      return { certPem: certPem ?? '', keyPem: keyPem ?? '' };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const configuration = (service: string, appPort: number, more: string): string => `
service: { name: ${service} }
authority:
  url: https://localhost:8443
  ca_cert: authority-ca.crt
  join_token_file: join-token
  directory: identity
  timeout: 10s
http:
  addr: 127.0.0.1:0
  tls: { enabled: true, source: authority, client_auth: require${more} }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${appPort}" }
  auth: { enabled: false }
  authz: { enabled: false }
`;

/** One request on a connection of its own; the serial number that the server showed, and the status. */
export function callOnce(
  port: number,
  ca: string,
  { certPem, keyPem }: CallerPair,
): Promise<{ serial: string; status: number }> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca, cert: certPem, key: keyPem });
    let answer = '';
    let serial = '';
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in time')));
    socket.once('secureConnect', () => {
      serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
      if (status === 0) reject(new Error('the connection ended without an answer'));
      else resolve({ serial, status });
    });
  });
}
