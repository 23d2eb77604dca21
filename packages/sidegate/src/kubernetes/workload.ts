/** A service with its sidecar: everything that an API server needs for it. */
import { createHash } from 'node:crypto';
import { type Cluster, type ClusterService, type KubernetesObject, secretNameOf, type Volume } from './cluster.ts';
import { networkPolicy } from './network-policy.ts';
import { certificates, configMaps, mountsOf } from './volumes.ts';

export interface WorkloadOptions {
  readonly cluster: Cluster;
  /** Of the deployment: another one starts new pods. */
  readonly revision: string | undefined;
  /** Where the sidecar finds its configuration. */
  readonly configFolder: string;
  readonly configFile: string;
}

const ADMIN_PORT = 9901;

export function workloadOf(service: ClusterService, options: WorkloadOptions): readonly KubernetesObject[] {
  const { name, namespace } = service;
  const metadata = { name, namespace, labels: { app: name } };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata, automountServiceAccountToken: false },
    ...configMaps(withConfig(service, options)),
    ...certificates(service, options.cluster),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector: { app: name },
        ports: [{ name: 'https', appProtocol: 'https', port: service.port, targetPort: service.port }],
      },
    },
    networkPolicy(service),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: service.replicas,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name }, annotations: annotationsOf(service, options) },
          spec: podOf(service, options),
        },
      },
    },
  ];
}

/** The configuration is one more volume. */
function withConfig(service: ClusterService, { configFolder, configFile }: WorkloadOptions): ClusterService {
  const config: Volume = {
    type: 'files',
    files: new Map([[configFile, { path: configFile, text: service.config }]]),
  };
  return { ...service, volumes: new Map([[configFolder, config], ...service.volumes]) };
}

/** What pods read when they start is not the same any more: they are replaced. */
function annotationsOf(service: ClusterService, options: WorkloadOptions): Readonly<Record<string, string>> {
  const configured = configMaps(withConfig(service, options)).map(({ data }) => data);
  const checksum = createHash('sha256').update(JSON.stringify(configured)).digest('hex');
  return {
    'sidegate.dev/checksum': checksum,
    ...(options.revision === undefined ? {} : { 'sidegate.dev/revision': options.revision }),
  };
}

function podOf(service: ClusterService, options: WorkloadOptions): object {
  const { user } = options.cluster.sidecar;
  const sidecar = sidecarOf(service, options);
  const app = appOf(service);
  return {
    serviceAccountName: service.name,
    automountServiceAccountToken: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
      // What is mounted belongs to root and this group.
      fsGroup: user,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    // It starts before the service and ends after it.
    ...(app === undefined
      ? { containers: [sidecar] }
      : { initContainers: [{ ...sidecar, restartPolicy: 'Always' }], containers: [app] }),
    volumes: [
      ...mountsOf('sidecar', withConfig(service, options)).volumes,
      ...mountsOf('app', appVolumes(service)).volumes,
    ],
  };
}

const appVolumes = ({ name, app }: ClusterService): Pick<ClusterService, 'name' | 'volumes'> => ({
  name,
  volumes: app?.volumes ?? new Map(),
});

function sidecarOf(service: ClusterService, options: WorkloadOptions) {
  const probe = (path: string) => ({ httpGet: { path, port: 'admin' } });
  return {
    name: 'sidegate',
    image: options.cluster.sidecar.image,
    args: ['sidecar'],
    env: [
      { name: 'AUTHZ_CONFIG_PATH', value: `${options.configFolder}/${options.configFile}` },
      { name: 'AUTHZ_ADMIN_ADDR', value: `:${ADMIN_PORT}` },
      { name: 'AUTHZ_ADMIN_REMOTE_REASON', value: 'the kubelet asks from outside of the pod' },
      ...plain(service.variables),
      ...fromSecrets(service, ({ variable }) => service.sidecarVariables.has(variable)),
    ],
    ports: [
      { name: 'https', containerPort: service.port },
      { name: 'admin', containerPort: ADMIN_PORT },
    ],
    startupProbe: { ...probe('/live'), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe('/live'), periodSeconds: 10 },
    readinessProbe: { ...probe('/ready'), periodSeconds: 5 },
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    securityContext: LOCKED_DOWN,
    volumeMounts: mountsOf('sidecar', withConfig(service, options)).mounts,
  };
}

function appOf(service: ClusterService): object | undefined {
  const { name, app, sidecarVariables } = service;
  if (app === undefined) return undefined;
  return {
    name,
    image: app.image,
    ...(app.command.length === 0 ? {} : { command: app.command }),
    env: [...plain(app.variables), ...fromSecrets(service, ({ variable }) => !sidecarVariables.has(variable))],
    securityContext: LOCKED_DOWN,
    volumeMounts: mountsOf('app', appVolumes(service)).mounts,
  };
}

const LOCKED_DOWN = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

const plain = (variables: Readonly<Record<string, string>>): readonly object[] =>
  Object.entries(variables).map(([name, value]) => ({ name, value }));

function fromSecrets(
  service: ClusterService,
  chosen: (secret: ClusterService['secrets'][number]) => boolean,
): readonly object[] {
  return service.secrets.filter(chosen).map(({ variable }) => ({
    name: variable,
    valueFrom: { secretKeyRef: { name: secretNameOf(service), key: variable } },
  }));
}
