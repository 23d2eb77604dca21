/**
 * A pod of generated manifests, run as processes: its volumes laid out as the kubelet does it (a folder of each version, and a link
 * `..data` that is swapped), its containers with the arguments and variables of the manifest. Only addresses are other ones, since the pods of
 * one machine share a network.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { type Manifest, specOf } from './manifests.ts';
import { type SidecarProcess, startSidecarProcess } from './sidecar-process.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}
interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly env: readonly Variable[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
interface VolumeSource {
  readonly name: string;
  readonly configMap?: { readonly name: string; readonly items?: readonly { key: string; path: string }[] };
  readonly secret?: { readonly secretName: string; readonly defaultMode: number };
}
interface PodSpec {
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly VolumeSource[];
  readonly securityContext: { readonly runAsUser: number; readonly fsGroup: number };
}

/** Key → value, of a Secret or a ConfigMap. */
export type SecretData = Readonly<Record<string, string>>;

const MAIN = path.resolve(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts');
const COMMAND = [process.execPath, '--conditions=@sidegate/source', MAIN] as const;

export interface PodOptions {
  readonly manifests: readonly Manifest[];
  readonly service: string;
  /** Stands for the root of both containers. */
  readonly root: string;
  readonly secrets: ReadonlyMap<string, SecretData>;
  /** Those that are in no manifest. */
  readonly configMaps?: ReadonlyMap<string, SecretData>;
  /** Name and port in the cluster → port on this machine. */
  readonly names: ReadonlyMap<string, number>;
}

export interface Pod extends AsyncDisposable {
  readonly sidecar: SidecarProcess;
  readonly ingressPort: number;
  readonly adminPort: number;
  readonly egressPort: number;
  /** As the kubelet does when the Secret has changed. */
  changeSecret(name: string, data: SecretData): void;
}

/** Only root can become the user of the pod, who must be able to read this checkout. */
function canBecome(user: number): boolean {
  if (process.getuid?.() !== 0) return false;
  const [program, ...args] = become(user);
  const reads = [process.execPath, '-e', `fs.accessSync(${JSON.stringify(MAIN)}, fs.constants.R_OK)`];
  return spawnSync(program, [...args, ...reads], { stdio: 'ignore' }).status === 0;
}

const become = (user: number): readonly [string, ...string[]] => [
  'setpriv',
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
  '--inh-caps=-all',
];

export async function startPod(options: PodOptions): Promise<Pod> {
  const { manifests, service, root, secrets, names } = options;
  const { template } = specOf(manifests, 'Deployment', service) as { readonly template: { readonly spec: PodSpec } };
  const { initContainers, containers, volumes, securityContext } = template.spec;
  const [sidecar, app] = [initContainers[0], containers[0]];
  if (sidecar === undefined || app === undefined) throw new Error('no sidecar, or no service');
  const mounted = [...sidecar.volumeMounts, ...app.volumeMounts].map(({ name, mountPath }) => {
    const volume = volumes.find((each) => each.name === name);
    if (volume === undefined) throw new Error(`there is no volume ${name}`);
    return { volume, folder: path.join(root, mountPath) };
  });
  const drops = canBecome(securityContext.runAsUser);
  const mount = (folder: string, files: ReadonlyMap<string, string>, mode: number): void =>
    mountVersion(folder, files, { mode, group: drops ? securityContext.fsGroup : undefined });
  for (const { volume, folder } of mounted) {
    const { configMap, secret } = volume;
    if (configMap !== undefined) mount(folder, configMapFiles(options, configMap), 0o644);
    if (secret !== undefined) mount(folder, secretFiles(secrets, secret.secretName), secret.defaultMode);
  }

  await using started = new AsyncDisposableStack();
  const [appPort, egressPort] = [await freePort(), await freePort()];
  const [program = '', ...args] = app.command ?? [];
  const child = spawn(
    program === 'node' ? process.execPath : program,
    args.map((arg) => (arg.startsWith('/') ? path.join(root, arg) : arg)),
    {
      env: { PORT: String(appPort), EGRESS_URL: `http://127.0.0.1:${egressPort}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  started.defer(() => ended(child));
  await once(child.stdout, 'data');

  const variables = Object.fromEntries(sidecar.env.map((each) => [each.name, valueOf(each, options)]));
  const dial = [...names].flatMap(([name, port]) => ['--connect-to', `${name}=127.0.0.1:${port}`]);
  const proxy = started.use(
    await startSidecarProcess(
      ['--root', root, ...dial],
      {
        ...variables,
        AUTHZ_HTTP_ADDR: '127.0.0.1:0',
        AUTHZ_ADMIN_ADDR: '127.0.0.1:0',
        AUTHZ_EGRESS_ADDR: `127.0.0.1:${egressPort}`,
        AUTHZ_PROXY_UPSTREAM_URL: `http://127.0.0.1:${appPort}`,
      },
      drops ? [...become(securityContext.runAsUser), ...COMMAND] : COMMAND,
    ),
  );
  const { listening } = proxy;
  if (listening === undefined) throw new Error(proxy.stdout() + proxy.stderr());
  const port = (address: string | undefined): number => Number(address?.split(':').at(-1));
  const running = started.move();
  return {
    sidecar: proxy,
    ingressPort: port(listening.ingress),
    adminPort: port(listening.admin),
    egressPort,
    changeSecret(name, data) {
      for (const { volume, folder } of mounted) {
        if (volume.secret?.secretName !== name) continue;
        mount(folder, new Map(Object.entries(data)), volume.secret.defaultMode);
      }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Files of root and the pod's group; without a group our own, which nobody else reads. */
function mountVersion(
  folder: string,
  files: ReadonlyMap<string, string>,
  { mode, group }: { readonly mode: number; readonly group: number | undefined },
): void {
  const isNew = !existsSync(path.join(folder, '..data'));
  mkdirSync(folder, { recursive: true });
  const version = path.basename(mkdtempSync(path.join(folder, '..2026_12_01_')));
  chmodSync(path.join(folder, version), 0o755);
  for (const [name, text] of files) {
    const file = path.join(folder, version, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, group === undefined ? mode & 0o700 : mode);
    if (group !== undefined) chownSync(file, 0, group);
  }
  symlinkSync(version, path.join(folder, '..data_tmp'));
  renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
  if (!isNew) return;
  const names = new Set(Array.from(files.keys(), (name) => name.split('/')[0] ?? ''));
  for (const name of names) symlinkSync(path.join('..data', name), path.join(folder, name));
}

function configMapFiles(
  { manifests, configMaps }: PodOptions,
  { name, items }: NonNullable<VolumeSource['configMap']>,
): ReadonlyMap<string, string> {
  const made = manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)?.data;
  const data = made ?? configMaps?.get(name);
  if (data === undefined) throw new Error(`there is no ConfigMap ${name}`);
  const all = items ?? Object.keys(data).map((key) => ({ key, path: key }));
  return new Map(all.map(({ key, path: file }) => [file, data[key] ?? '']));
}

function secretFiles(secrets: PodOptions['secrets'], name: string): ReadonlyMap<string, string> {
  const data = secrets.get(name);
  if (data === undefined) throw new Error(`there is no Secret ${name}`);
  return new Map(Object.entries(data));
}

/** A path of the container is one below its root here. */
function valueOf({ name, value, valueFrom }: Variable, { root, secrets }: PodOptions): string {
  const { secretKeyRef } = valueFrom ?? {};
  const text = secretKeyRef === undefined ? value : secrets.get(secretKeyRef.name)?.[secretKeyRef.key];
  if (text === undefined) throw new Error(`${name} has no value`);
  return text.startsWith('/etc/') ? path.join(root, text) : text;
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
