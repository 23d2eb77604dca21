/** What External Secrets makes a Secret of, for each service: where its values are, never a value. */
import { type Cluster, type KubernetesObject, secretNameOf } from './cluster.ts';

type ExternalSecretsVersion = 'v1beta1' | 'v1';

/**
 * @param revision of the deployment: a new one has the operator read its store again at once
 */
export function externalSecrets(
  { services, secretStore }: Cluster,
  version: ExternalSecretsVersion,
  revision: string | undefined,
): readonly KubernetesObject[] {
  if (secretStore === undefined) return [];
  return services.flatMap((service) => {
    const { namespace, secrets } = service;
    if (secrets.length === 0) return [];
    const name = secretNameOf(service);
    const annotations = revision === undefined ? {} : { annotations: { 'force-sync': revision } };
    return {
      apiVersion: `external-secrets.io/${version}`,
      kind: 'ExternalSecret',
      metadata: { name, namespace, ...annotations },
      spec: {
        refreshInterval: secretStore.refresh_interval,
        secretStoreRef: { name: secretStore.name, kind: secretStore.kind },
        target: {
          name,
          creationPolicy: 'Owner',
          template: {
            engineVersion: 'v2',
            data: Object.fromEntries(secrets.map(({ variable }) => [variable, `{{ .${keyOf(variable)} }}`])),
          },
        },
        data: secrets.map(({ variable, key, property }) => ({
          secretKey: keyOf(variable),
          remoteRef: { key, ...(property === undefined ? {} : { property }) },
        })),
      },
    };
  });
}

/** Within a template. */
const keyOf = (variable: string): string => variable.toLowerCase();
