/** What a pod mounts: configuration from ConfigMaps, keys from Secrets, tokens from the kubelet. Nothing secret is in any of these objects. */
import type { Cluster, ClusterService, KubernetesObject, Volume } from './cluster.ts';

type Mounting = Pick<ClusterService, 'name' | 'volumes'>;

/** Root and the group of the pod, nobody else. */
const PRIVATE = 0o440;

export function mountsOf(
  container: 'sidecar' | 'app',
  service: Mounting,
): { readonly volumes: readonly object[]; readonly mounts: readonly object[] } {
  const all = [...service.volumes].map(([mountPath, volume], index) => {
    const name = `${container}-${index}`;
    const readOnly = volume.type === 'empty_dir' ? {} : { readOnly: true };
    return { volume: { name, ...sourceOf(volume, service.name, mountPath) }, mount: { name, mountPath, ...readOnly } };
  });
  return { volumes: all.map(({ volume }) => volume), mounts: all.map(({ mount }) => mount) };
}

type Sources = { readonly [Type in Volume['type']]: (volume: Extract<Volume, { readonly type: Type }>) => object };

function sourceOf(volume: Volume, service: string, mountPath: string): object {
  const sources: Sources = {
    files: ({ files }) => {
      const items = Array.from(files, ([key, { path }]) => ({ key, path }));
      return { configMap: { name: configMapName(service, mountPath), items } };
    },
    config_map: ({ name }) => ({ configMap: { name } }),
    secret: ({ name }) => ({ secret: { secretName: name, defaultMode: PRIVATE } }),
    certificate: ({ secret }) => ({ secret: { secretName: secret, defaultMode: PRIVATE } }),
    service_account_token: ({ audience, expiration }) => {
      const token = { audience, expirationSeconds: expiration / 1_000, path: 'token' };
      return { projected: { defaultMode: PRIVATE, sources: [{ serviceAccountToken: token }] } };
    },
    csi: ({ driver }) => ({ csi: { driver, readOnly: true } }),
    empty_dir: () => ({ emptyDir: { medium: 'Memory', sizeLimit: '16Mi' } }),
  };
  return (sources[volume.type] as (of: Volume) => object)(volume);
}

/** Of all folders that both containers mount. */
export function configMaps({ name, namespace, volumes, app }: ClusterService): readonly KubernetesObject[] {
  const all = new Map([...volumes, ...(app?.volumes ?? [])]);
  return [...all].flatMap(([mountPath, volume]) => {
    if (volume.type !== 'files') return [];
    const data = Object.fromEntries(Array.from(volume.files, ([key, { text }]) => [key, text]));
    const metadata = { name: configMapName(name, mountPath), namespace };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  });
}

const configMapName = (service: string, mountPath: string): string =>
  `${service}${mountPath.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`;

/** The name of a service account in a SPIFFE ID, and its names in the cluster. */
export function certificates(service: ClusterService, { trustDomain }: Cluster): readonly KubernetesObject[] {
  const { name, namespace, volumes } = service;
  return [...volumes.values()].flatMap((volume) => {
    if (volume.type !== 'certificate') return [];
    return {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: { name: volume.secret, namespace },
      spec: {
        secretName: volume.secret,
        duration: '24h',
        renewBefore: '8h',
        privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
        dnsNames: [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`],
        uris: [`spiffe://${trustDomain}/ns/${namespace}/sa/${name}`],
        usages: ['digital signature', 'server auth', 'client auth'],
        issuerRef: { name: volume.issuer, kind: volume.issuer_kind },
      },
    };
  });
}
