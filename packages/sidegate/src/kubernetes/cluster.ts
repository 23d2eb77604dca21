/** A system in a Kubernetes cluster, as plain data: whatever files it was read from. */

/** As an API server takes it, without what an API server adds. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

export interface ServiceAccount {
  readonly namespace: string;
  readonly name: string;
  /** Of the mesh that gives it its certificate. */
  readonly trustDomain: string;
}

/** A route of a service, and who may use it. */
export interface Access {
  /** Sidegate's own pattern: `*` is one segment, a final `**` is the rest, also none. */
  readonly path: string;
  /** Undefined: every method. */
  readonly methods: readonly string[] | undefined;
  readonly callers: readonly ServiceAccount[];
}

export type Volume =
  /** Key of the ConfigMap → file below the mount, and its text. */
  | { readonly type: 'files'; readonly files: ReadonlyMap<string, { readonly path: string; readonly text: string }> }
  | { readonly type: 'secret'; readonly name: string }
  | { readonly type: 'config_map'; readonly name: string }
  | {
      readonly type: 'certificate';
      readonly secret: string;
      readonly issuer: string;
      readonly issuer_kind: string;
    }
  | { readonly type: 'service_account_token'; readonly audience: string; readonly expiration: number }
  | { readonly type: 'csi'; readonly driver: string }
  | { readonly type: 'empty_dir' };

/** A secret of a store, and the variable that it becomes. */
export interface RemoteSecret {
  readonly variable: string;
  readonly key: string;
  readonly property: string | undefined;
}

type Variables = Readonly<Record<string, string>>;

export interface ClusterService {
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  /** The text of its sidecar's configuration, as it is in its file. */
  readonly config: string;
  /** That the sidecar listens on. */
  readonly port: number;
  /** Undefined: the sidecar takes calls without a client certificate. */
  readonly callers: readonly ServiceAccount[] | undefined;
  /** What its callers may do. */
  readonly access: readonly Access[];
  readonly variables: Variables;
  readonly app:
    | {
        readonly variables: Variables;
        readonly image: string;
        readonly command: readonly string[];
        readonly volumes: ReadonlyMap<string, Volume>;
      }
    | undefined;
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly secrets: readonly RemoteSecret[];
  /** Variables of `secrets` that the sidecar's configuration names. */
  readonly sidecarVariables: ReadonlySet<string>;
}

export interface SecretStore {
  readonly name: string;
  readonly kind: string;
  readonly refresh_interval: string;
}

export interface Cluster {
  readonly trustDomain: string;
  readonly sidecar: { readonly image: string; readonly user: number };
  readonly secretStore: SecretStore | undefined;
  readonly services: readonly ClusterService[];
}

/** The Secret with what `secrets` names. */
export const secretNameOf = ({ name }: { readonly name: string }): string => `${name}-secrets`;
