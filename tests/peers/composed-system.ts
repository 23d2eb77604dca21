/**
 * The services of `docker-compose.yaml` as processes of this machine: each sidecar has a root folder with its container's mounts,
 * its container's environment, and finds the names that its container's networks know. Only addresses and ports are others.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { establishPki } from '../../packages/sidegate/src/authority/ca/tree.ts';
import { pkiPlan } from '../../packages/sidegate/src/cli/certs-plan.ts';
import { loadConfigFile } from '../../packages/sidegate/src/cli/config-file.ts';
import type { Source } from '../../packages/sidegate/src/cli/up-source.ts';
import { loadLabConfig } from '../../packages/sidegate/src/config/load.ts';
import type { LabConfig } from '../../packages/sidegate/src/config/schema/lab.ts';
import { type ComposeService, found, interpolated, readCompose } from '../support/compose.ts';
import { freePort } from '../support/free-port.ts';
import { LAB } from '../support/lab-run.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { type Keycloak, startKeycloak } from './keycloak-server.ts';

export interface ComposedSystem extends AsyncDisposable {
  readonly keycloak: Keycloak;
  /** The tree that `certs init` makes. */
  readonly certificates: string;
  /** All sidecars with their apps; with other configurations and policies than the mounted ones, if there are any. */
  startZones(source?: Source): Promise<Zones>;
}

export interface Zones extends AsyncDisposable {
  readonly sidecars: ReadonlyMap<string, SidecarProcess>;
  /** `host:port` as configurations have it → the port on loopback. */
  readonly ports: ReadonlyMap<string, number>;
}

/** Whoever is called starts first. */
const ORDER = ['data-service', 'order-service', 'payment-service', 'api-gateway'];
const READY_MILLISECONDS = 60_000;
const AUTHZ = 'etc/authz';

const compose = readCompose();
export const lab: LabConfig = readLab();

export async function startComposedSystem(secrets: Readonly<Record<string, string>>): Promise<ComposedSystem> {
  await using stack = new AsyncDisposableStack();
  const state = mkdtempSync(path.join(tmpdir(), 'sidegate-composed-'));
  stack.defer(() => rmSync(state, { recursive: true, force: true }));
  const certificates = path.join(state, 'etc/certs');
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  await establishPki(pkiPlan(lab), certificates, { clock });

  const provider = serviceOf('keycloak');
  const root = layOut(provider, state);
  const keycloak = stack.use(
    await startKeycloak({
      command: provider.command,
      env: environmentOf(provider, root, secrets),
      realms: path.join(root, '/opt/keycloak/data/import'),
    }),
  );
  const running = stack.move();
  return {
    keycloak,
    certificates,
    startZones: (source) => startZones(keycloak, { secrets, state }, source),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface Places {
  readonly secrets: Readonly<Record<string, string>>;
  /** Has the certificates of the lab. */
  readonly state: string;
}

async function startZones(keycloak: Keycloak, { secrets, state }: Places, source?: Source): Promise<Zones> {
  await using stack = new AsyncDisposableStack();
  const ports = new Map([[`${lab.identity_provider.host}:443`, keycloak.httpsPort]]);
  const sidecars = new Map<string, SidecarProcess>();
  for (const name of ORDER) {
    const service = serviceOf(name);
    const root = layOut(service, state);
    if (source !== undefined) replace(root, name, source);
    const egressPort = await freePort();
    const app = [...compose.services.values()].find(({ namespaceOf }) => namespaceOf === name);
    const appPort = stack.use(await startApp(app, egressPort)).port;
    const known = [...ports].filter(([address]) => found(compose, name, address.split(':')[0] ?? '') !== undefined);
    const sidecar = await startSidecarProcess(
      ['--root', root, ...known.flatMap(([address, port]) => ['--connect-to', `${address}=127.0.0.1:${port}`])],
      {
        ...environmentOf(service, root, secrets),
        AUTHZ_HTTP_ADDR: '127.0.0.1:0',
        AUTHZ_PROXY_UPSTREAM_URL: `http://127.0.0.1:${appPort}`,
        ...(name === 'data-service' ? {} : { AUTHZ_EGRESS_ADDR: `127.0.0.1:${egressPort}` }),
      },
    );
    stack.use(sidecar);
    await until(() => sidecar.stdout().includes('"event":"ready"'), READY_MILLISECONDS);
    if (!sidecar.stdout().includes('"event":"ready"')) throw new Error(`${name} is not ready: ${sidecar.stderr()}`);
    const host = lab.services.find((each) => each.name === name)?.host ?? '';
    ports.set(`${host}:8443`, Number(sidecar.listening?.ingress?.split(':').at(-1)));
    sidecars.set(name, sidecar);
  }
  const running = stack.move();
  return { sidecars, ports, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** The file system of a container: what is mounted, from the lab's folder or from the certificates made here. */
function layOut({ mounts }: ComposeService, state: string): string {
  const root = mkdtempSync(path.join(state, 'container-'));
  for (const { source, target } of mounts) {
    const from = source.startsWith(lab.root) ? path.join(state, path.relative(lab.root, source)) : source;
    mkdirSync(path.dirname(path.join(root, target)), { recursive: true });
    cpSync(from, path.join(root, target), { recursive: true });
  }
  return root;
}

function replace(root: string, name: string, { configs, policies }: Source): void {
  writeFileSync(path.join(root, AUTHZ, 'config.yaml'), configs.get(name)?.text ?? '');
  rmSync(path.join(root, AUTHZ, 'policies'), { recursive: true });
  mkdirSync(path.join(root, AUTHZ, 'policies'));
  for (const [file, { text }] of policies) writeFileSync(path.join(root, AUTHZ, 'policies', file), text);
}

function environmentOf(
  { environment }: ComposeService,
  root: string,
  secrets: Places['secrets'],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([key, value]) => {
      const text = interpolated(value, secrets);
      return [key, text.startsWith('/etc/') ? path.join(root, text) : text];
    }),
  );
}

function serviceOf(name: string): ComposeService {
  const service = compose.services.get(name);
  if (service === undefined) throw new Error(`the compose file has no ${name}`);
  return service;
}

function readLab(): LabConfig {
  const loaded = loadConfigFile(loadLabConfig, path.join(LAB, 'lab.yaml'), { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  return loaded.config;
}

interface App extends AsyncDisposable {
  readonly port: number;
}

/** Its container's command, with the file that is mounted there. */
async function startApp(service: ComposeService | undefined, egressPort: number): Promise<App> {
  const [, file = ''] = service?.command ?? [];
  const mount = service?.mounts.find(({ target }) => file.startsWith(target));
  const child = spawn(process.execPath, [path.join(mount?.source ?? '', path.relative(mount?.target ?? '', file))], {
    env: { PORT: '0', EGRESS_URL: `http://localhost:${egressPort}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { app = '' } = JSON.parse(line.toString('utf8')) as { readonly app?: string };
  return {
    port: Number(app.split(':').at(-1)),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
