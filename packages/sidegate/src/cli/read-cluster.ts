/** `cluster.yaml` and all that it names → a cluster, or everything that is wrong with them. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { loadClusterConfig } from '../config/load.ts';
import type { ClusterConfig } from '../config/schema/cluster.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { Access, Cluster, ClusterService, ServiceAccount } from '../kubernetes/cluster.ts';
import { readVolumes } from './cluster-volumes.ts';
import { loadConfigFile } from './config-file.ts';
import { permissionMatrix } from './permission-matrix.ts';
import { readSidecarText, type SidecarText } from './sidecar-text.ts';
import { fromDiagnostic, type StartFinding, StartRefused } from './start-finding.ts';

type ServiceConfig = ClusterConfig['services'][number];

export interface ClusterFile {
  readonly cluster: Cluster;
  /** What its owner should know. */
  readonly warnings: readonly StartFinding[];
}

/** @throws StartRefused */
export function readCluster(place: string): ClusterFile {
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isFolder ? path.join(place, 'cluster.yaml') : place;
  const loaded = loadConfigFile(loadClusterConfig, file, { env: process.env });
  if (!loaded.ok) throw new StartRefused(loaded.diagnostics.map(fromDiagnostic));
  const { config } = loaded;
  const findings: StartFinding[] = [];
  const services = config.services.flatMap((service) => readService(service, { config, file, findings }) ?? []);
  if (findings.some(({ severity }) => severity === 'error')) throw new StartRefused(findings);
  const cluster = {
    trustDomain: config.trust_domain,
    sidecar: config.sidecar,
    secretStore: config.secret_store,
    services,
  };
  return { cluster, warnings: findings };
}

interface Reading {
  readonly config: ClusterConfig;
  readonly file: string;
  readonly findings: StartFinding[];
}

function readService(service: ServiceConfig, reading: Reading): ClusterService | undefined {
  const { config, findings } = reading;
  const sidecar = readSidecarText(service.config, Object.keys(service.secrets), service.variables);
  findings.push(...sidecar.findings);
  if (sidecar.config === undefined) return undefined;
  const { proxy, http } = sidecar.config;
  const volumes = readVolumes(service.volumes, service, reading.findings);
  findings.push(...unmounted(service, sidecar));
  const callers = proxy.mtls.enabled ? callersOf(sidecar.config, service.config, reading) : undefined;
  if (callers === undefined) {
    const message = 'takes calls without a client certificate: no policy by identity can be made for it';
    findings.push({
      file: service.config,
      severity: 'warning',
      message,
      hint: 'set proxy.mtls for a service of the mesh',
    });
  }
  return {
    name: service.name,
    namespace: service.namespace ?? config.namespace,
    replicas: service.replicas,
    config: sidecar.text,
    port: http.addr.port,
    variables: service.variables,
    callers: callers?.map(({ account }) => account),
    access: accessOf(sidecar.config, callers ?? [], service, findings),
    app: service.app && { ...service.app, volumes: readVolumes(service.app.volumes, service, findings) },
    volumes,
    secrets: Object.entries(service.secrets).map(([variable, { key, property }]) => ({ variable, key, property })),
    sidecarVariables: sidecar.variables,
  };
}

interface Caller {
  /** As a matrix of permissions knows it. */
  readonly service: string;
  readonly account: ServiceAccount;
}

function callersOf({ proxy }: SidecarConfig, file: string, { config, findings }: Reading): readonly Caller[] {
  return proxy.mtls.allowed_clients.flatMap((client) => {
    const caller = callerOf(client, config);
    if (caller !== undefined) return [caller];
    const message = `${client} is no service account`;
    const hint = `write spiffe://${config.trust_domain}/ns/<namespace>/sa/<service account>, or add the service`;
    findings.push({ file, severity: 'error', message: `proxy.mtls.allowed_clients: ${message}`, hint });
    return [];
  });
}

/** `…/ns/<namespace>/sa/<name>` says it; another ID of the own trust domain is that of the service that it ends with. */
function callerOf(client: string, config: ClusterConfig): Caller | undefined {
  const [, domain, below = ''] = /^spiffe:\/\/([^/]+)(\/.+)$/.exec(client) ?? [];
  if (domain === undefined) return undefined;
  const isOwn = domain === config.trust_domain;
  const trustDomain = isOwn ? config.mesh_trust_domain : domain;
  const [, namespace, account] = /^\/ns\/([a-z0-9-]+)\/sa\/([a-z0-9.-]+)$/.exec(below) ?? [];
  if (namespace !== undefined && account !== undefined)
    return { service: account, account: { namespace, name: account, trustDomain } };
  const named = config.services.filter(({ name }) => isOwn && below.endsWith(`/${name}`));
  const [only] = named;
  if (only === undefined || named.length > 1) return undefined;
  const { name } = only;
  return { service: name, account: { namespace: only.namespace ?? config.namespace, name, trustDomain } };
}

/** Each route with those who may use it; without a matrix of permissions all callers may. */
function accessOf(
  { proxy }: SidecarConfig,
  callers: readonly Caller[],
  { permissions }: ServiceConfig,
  findings: StartFinding[],
): readonly Access[] {
  const all = callers.map(({ account }) => account);
  const allowed = permissions === undefined ? undefined : matrixOf(permissions, findings);
  return proxy.routes.map(({ path: pattern, methods, required_scopes: needed }) => {
    const may = ({ service }: Caller): boolean => {
      const own = allowed?.(service);
      return own !== undefined && needed.every((scope) => own.includes(scope));
    };
    const some = allowed === undefined ? all : callers.filter(may).map(({ account }) => account);
    return { path: pattern, methods, callers: some };
  });
}

function matrixOf(
  { file, rule }: NonNullable<ServiceConfig['permissions']>,
  findings: StartFinding[],
): (caller: string) => readonly string[] | undefined {
  try {
    return permissionMatrix(file, rule);
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    findings.push(...error.findings);
    return () => undefined;
  }
}

/** A file that nothing brings there would keep the pod from starting. */
function* unmounted(service: ServiceConfig, { paths }: SidecarText): Generator<StartFinding> {
  const mounts = Object.keys(service.volumes);
  for (const wanted of paths) {
    if (mounts.some((mount) => wanted === mount || wanted.startsWith(`${mount}/`))) continue;
    const hint = `add a volume above it to ${service.name} in cluster.yaml`;
    yield { file: service.config, severity: 'error', message: `names ${wanted}, which is on no volume`, hint };
  }
}
