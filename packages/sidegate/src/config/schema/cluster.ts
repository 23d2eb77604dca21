/** `cluster.yaml`: how the services of a system live in a Kubernetes cluster, as `lab.yaml` says how they live on one machine. */
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath } from './scalars.ts';

const label = () => z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is not a label of Kubernetes');
const objectName = () =>
  z.string().regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'is not the name of a Kubernetes object');
const trustDomain = () => z.string().regex(/^[a-z0-9._-]{1,255}$/, 'is not a trust domain');
const image = () => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}$/, 'is not the name of an image');
const variableName = () => z.string().regex(/^[A-Z_][A-Z0-9_]*$/, 'is not the name of an environment variable');
const absolutePath = () =>
  z.string().regex(/^(?!.*\/\.{0,2}(\/|$))\/[A-Za-z0-9._/-]+$/, 'is not an absolute path without `.` and `..`');
/** Of a store of secrets, or of a template that names it: it must need no quotes in either. */
const remoteKey = () => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/@+-]{0,511}$/, 'is not the name of a secret');

const volumeSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('folder').describe('A folder beside this file, as a ConfigMap.'),
    path: filePath().describe('The folder; its files and those of its folders must be text without secrets.'),
  }),
  z.strictObject({
    type: z.literal('secret').describe('A Secret that is there, or that the cluster makes.'),
    name: objectName().describe('Its name.'),
  }),
  z.strictObject({
    type: z.literal('config_map').describe('A ConfigMap that is there.'),
    name: objectName().describe('Its name.'),
  }),
  z.strictObject({
    type: z
      .literal('certificate')
      .describe('Files `tls.crt`, `tls.key` and `ca.crt` of a Certificate of cert-manager.'),
    secret: objectName().describe('Where cert-manager keeps them.'),
    issuer: objectName().describe('The issuer of cert-manager that signs it.'),
    issuer_kind: z.enum(['Issuer', 'ClusterIssuer']).default('Issuer').describe('Of one namespace, or of all.'),
  }),
  z.strictObject({
    type: z.literal('service_account_token').describe('File `token`: a projected token that proves who the pod is.'),
    audience: z.string().min(1).max(255).describe('Who is to take it, such as the authority.'),
    expiration: duration('10m', '1d').prefault('1h').describe('How long it lives; the kubelet renews it.'),
  }),
  z.strictObject({
    type: z.literal('csi').describe('What a driver of the node mounts, such as the socket of the SPIFFE Workload API.'),
    driver: objectName()
      .meta({ examples: ['csi.spiffe.io'] })
      .describe('The driver.'),
  }),
  z.strictObject({ type: z.literal('empty_dir').describe('An empty folder in memory, that can be written to.') }),
]);

const volumes = () => z.record(absolutePath(), volumeSchema).default({});

/** Shown to whoever may read a Deployment. */
const variables = () =>
  z
    .record(
      variableName(),
      z
        .string()
        .max(4_096)
        .regex(/^[^\p{Cc}]*$/u, 'has control characters'),
    )
    .default({});

const serviceSchema = z.strictObject({
  name: label().describe('Name of its Deployment, Service and ServiceAccount, and its label `app`.'),
  namespace: label().optional().describe('Absent: `namespace` of the whole file.'),
  config: filePath().describe('Its sidecar configuration, relative to this file; it goes to the cluster as it is.'),
  replicas: z.int().min(0).max(1_000).default(2).describe('How many pods.'),
  app: z
    .strictObject({
      image: image().describe('Image of the service itself.'),
      command: z.array(z.string().min(1).max(1_024)).max(64).default([]).describe('Absent: that of the image.'),
      variables: variables().describe('Environment of the service; what is secret belongs to `secrets`.'),
      volumes: volumes().describe('Path → what is mounted there for the service.'),
    })
    .optional()
    .describe('The container behind the sidecar; absent: it is added by others.'),
  volumes: volumes().describe(
    'Path → what is mounted there for the sidecar: every file of its configuration is below one.',
  ),
  variables: variables().describe(
    'Environment of the sidecar, such as `NODE_EXTRA_CA_CERTS`; what is secret belongs to `secrets`.',
  ),
  secrets: z
    .record(
      variableName(),
      z.strictObject({
        key: remoteKey().describe('Name of the secret in the store.'),
        property: remoteKey().optional().describe('The part of it that is meant, where it is a JSON object.'),
      }),
    )
    .default({})
    .describe(
      'Environment variable → secret of `secret_store`. The sidecar gets those that its configuration names, the service all others.',
    ),
  permissions: z
    .strictObject({
      file: filePath().describe('Who may do what: a `.rego` policy, or JSON or YAML: caller → permissions.'),
      rule: z
        .string()
        .regex(/^data(\.[A-Za-z_][A-Za-z0-9_]*){2,}$/, 'is not `data.<package>.<rule>`')
        .optional()
        .meta({ examples: ['data.dataservice.service_permissions'] })
        .describe('Rule of the policy that holds the matrix.'),
    })
    .optional()
    .describe('Narrows who may call which route to callers whose permissions have its `required_scopes`.'),
});

export const clusterSchema = z
  .strictObject({
    trust_domain: trustDomain()
      .default('cluster.local')
      .describe('Trust domain of the SPIFFE IDs by which the sidecar configurations know these services.'),
    mesh_trust_domain: trustDomain().default('cluster.local').describe('Trust domain of the service mesh.'),
    namespace: label().default('production').describe('Namespace of the services.'),
    sidecar: z
      .strictObject({
        image: image().default('authz-service:latest').describe('Image of `docker build`, see `Dockerfile`.'),
        user: z.int().min(1).max(65_535).default(1_000).describe('User and group id of all containers.'),
      })
      .prefault({}),
    secret_store: z
      .strictObject({
        name: objectName().describe('Name of the store of External Secrets.'),
        kind: z.enum(['ClusterSecretStore', 'SecretStore']).default('ClusterSecretStore').describe('Its kind.'),
        refresh_interval: z
          .string()
          .regex(/^[1-9]\d{0,4}[smh]$/, 'is not a duration such as 1h')
          .default('1h')
          .describe('How often secrets are read again.'),
      })
      .optional()
      .describe('Where the values of `secrets` come from; absent: somebody makes the Secret `<service>-secrets`.'),
    services: z.array(serviceSchema).min(1).max(1_000).describe('The services.'),
  })
  .superRefine((cluster, context) => refuse(context, clusterFindings(cluster)), reading('services', 'namespace'));

export type ClusterConfig = z.output<typeof clusterSchema>;

function* clusterFindings({ services, namespace }: ClusterConfig): Generator<Finding> {
  const places = services.map((service) => `${service.namespace ?? namespace}/${service.name}`);
  for (const [index, service] of services.entries()) {
    const first = places.indexOf(places[index] ?? '');
    if (first < index) yield { path: ['services', index, 'name'], message: `is the same as services[${first}].name` };
    const mounted = [['volumes', service.volumes] as const, ['app', service.app?.volumes ?? {}] as const];
    for (const [key, below] of mounted) {
      const paths = Object.keys(below);
      const at = ['services', index, ...(key === 'app' ? ['app', 'volumes'] : ['volumes'])];
      for (const path of paths) {
        const outer = paths.find((other) => path.startsWith(`${other}/`));
        if (outer !== undefined) yield { path: [...at, path], message: `is below ${outer}, which is a volume, too` };
      }
    }
  }
}
