/**
 * The services of `docker-compose.yaml` as processes of this machine: each sidecar has a root folder with its container's mounts,
 * its container's environment, and finds the names that its container's networks know. Only addresses and ports are others.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { establishPki } from '../../packages/sidegate/src/authority/ca/tree.ts';
import { pkiPlan } from '../../packages/sidegate/src/cli/certs-plan.ts';
import { loadConfigFile } from '../../packages/sidegate/src/cli/config-file.ts';
import { loadLabConfig } from '../../packages/sidegate/src/config/load.ts';
import { type ComposeService, found, interpolated, readCompose } from '../support/compose.ts';
import { freePort } from '../support/free-port.ts';
import { LAB } from '../support/lab-run.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecar-process.ts';
import { until } from '../support/until.ts';
import { type Keycloak, startKeycloak } from './keycloak-server.ts';

export interface ComposedSystem extends AsyncDisposable {
  readonly keycloak: Keycloak;
  readonly sidecars: ReadonlyMap<string, SidecarProcess>;
  /** `host:port` as configurations have it → the port on loopback. */
  readonly ports: ReadonlyMap<string, number>;
  /** The tree that `certs init` makes. */
  readonly certificates: string;
}

/** Whoever is called starts first. */
const ORDER = ['data-service', 'order-service', 'payment-service', 'api-gateway'];
const READY_MILLISECONDS = 60_000;

const compose = readCompose();

export async function startComposedSystem(secrets: Readonly<Record<string, string>>): Promise<ComposedSystem> {
  await using stack = new AsyncDisposableStack();
  const state = mkdtempSync(path.join(tmpdir(), 'sidegate-composed-'));
  stack.defer(() => rmSync(state, { recursive: true, force: true }));
  const loaded = loadConfigFile(loadLabConfig, path.join(LAB, 'lab.yaml'), { env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics));
  const lab = loaded.config;
  const certificates = path.join(state, 'etc/certs');
  const clock = { now: () => Date.now(), monotonic: () => performance.now() };
  await establishPki(pkiPlan(lab), certificates, { clock });

  /** The file system of a container: what is mounted, from the lab's folder or from the certificates made here. */
  const rootOf = (name: string, { mounts }: ComposeService): string => {
    const root = path.join(state, 'containers', name);
    for (const { source, target } of mounts) {
      const from = source.startsWith(lab.root) ? path.join(state, path.relative(lab.root, source)) : source;
      mkdirSync(path.dirname(path.join(root, target)), { recursive: true });
      cpSync(from, path.join(root, target), { recursive: true });
    }
    return root;
  };
  const environmentOf = ({ environment }: ComposeService, root: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment).map(([key, value]) => {
        const text = interpolated(value, secrets);
        return [key, text.startsWith('/etc/') ? path.join(root, text) : text];
      }),
    );
  const serviceOf = (name: string): ComposeService => {
    const service = compose.services.get(name);
    if (service === undefined) throw new Error(`the compose file has no ${name}`);
    return service;
  };

  const provider = serviceOf('keycloak');
  const providerRoot = rootOf('keycloak', provider);
  const keycloak = stack.use(
    await startKeycloak({
      command: provider.command,
      env: environmentOf(provider, providerRoot),
      realms: path.join(providerRoot, '/opt/keycloak/data/import'),
    }),
  );

  const ports = new Map([[`${lab.identity_provider.host}:443`, keycloak.httpsPort]]);
  const sidecars = new Map<string, SidecarProcess>();
  for (const name of ORDER) {
    const service = serviceOf(name);
    const root = rootOf(name, service);
    const host = lab.services.find((each) => each.name === name)?.host ?? '';
    const egressPort = await freePort();
    const app = [...compose.services].find(([, { namespaceOf }]) => namespaceOf === name);
    const appPort = stack.use(await startApp(app?.[1], egressPort)).port;
    const known = [...ports].filter(([address]) => found(compose, name, address.split(':')[0] ?? '') !== undefined);
    const sidecar = await startSidecarProcess(
      ['--root', root, ...known.flatMap(([address, port]) => ['--connect-to', `${address}=127.0.0.1:${port}`])],
      {
        ...environmentOf(service, root),
        AUTHZ_HTTP_ADDR: '127.0.0.1:0',
        AUTHZ_PROXY_UPSTREAM_URL: `http://127.0.0.1:${appPort}`,
        ...(name === 'data-service' ? {} : { AUTHZ_EGRESS_ADDR: `127.0.0.1:${egressPort}` }),
      },
    );
    stack.use(sidecar);
    await until(() => sidecar.stdout().includes('"event":"ready"'), READY_MILLISECONDS);
    if (!sidecar.stdout().includes('"event":"ready"')) throw new Error(`${name} is not ready: ${sidecar.stderr()}`);
    ports.set(`${host}:8443`, Number(sidecar.listening?.ingress?.split(':').at(-1)));
    sidecars.set(name, sidecar);
  }
  const running = stack.move();
  return { keycloak, sidecars, ports, certificates, [Symbol.asyncDispose]: () => running.disposeAsync() };
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
