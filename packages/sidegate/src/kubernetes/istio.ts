/** Istio's policies for a cluster: every call has a certificate of the mesh, and each service takes those of its callers alone. */
import type { Access, Cluster, ClusterService, KubernetesObject, ServiceAccount } from './cluster.ts';
import { overlaps } from './path-overlap.ts';

type IstioVersion = 'v1beta1' | 'v1';

/** One for each namespace, with the name that makes it the policy of all its workloads. */
export function peerAuthentications({ services }: Cluster, version: IstioVersion): readonly KubernetesObject[] {
  const namespaces = new Set(services.map(({ namespace }) => namespace));
  return Array.from(namespaces, (namespace) => ({
    apiVersion: `security.istio.io/${version}`,
    kind: 'PeerAuthentication',
    metadata: { name: 'default', namespace },
    spec: { mtls: { mode: 'STRICT' } },
  }));
}

/** Of each service whose callers have certificates; of any other nothing can be said by identity. */
export function authorizationPolicies({ services }: Cluster, version: IstioVersion): readonly KubernetesObject[] {
  return services.flatMap((service) => {
    const { name, namespace, callers } = service;
    if (callers === undefined) return [];
    return {
      apiVersion: `security.istio.io/${version}`,
      kind: 'AuthorizationPolicy',
      metadata: { name: `${name}-authz`, namespace },
      spec: { selector: { matchLabels: { app: name } }, rules: rulesOf(service) },
    };
  });
}

const principalOf = ({ trustDomain, namespace, name }: ServiceAccount): string =>
  `${trustDomain}/ns/${namespace}/sa/${name}`;

/** A rule for all routes that the same callers may use. Without a rule nobody may call at all. */
function rulesOf({ access }: ClusterService): readonly object[] {
  const groups = Map.groupBy(access.entries(), ([, each]) => JSON.stringify(each.callers.map(principalOf).toSorted()));
  return [...groups.values()].flatMap((routes) => {
    const [, first] = routes[0] ?? [];
    if (first === undefined || first.callers.length === 0) return [];
    const to = routes.map(([index, route]) => ({ operation: operation(route, strictBefore(access, index)) }));
    return [{ from: sources(first.callers), to: merged(to) }];
  });
}

const sources = (callers: readonly ServiceAccount[]): readonly object[] => [
  { source: { principals: callers.map(principalOf) } },
];

/** Routes before this one that somebody who may use this one may not: there the first match wins, in Istio any rule does. */
function strictBefore(access: readonly Access[], index: number): readonly Access[] {
  const route = access[index];
  if (route === undefined) return [];
  return access.slice(0, index).filter((earlier) => {
    const allowed = new Set(earlier.callers.map(principalOf));
    return overlaps(earlier, route) && route.callers.some((caller) => !allowed.has(principalOf(caller)));
  });
}

function operation({ path, methods }: Access, except: readonly Access[]): Operation {
  const notPaths = except.flatMap((each) => pathsOf(each.path));
  return {
    ...(methods === undefined ? {} : { methods }),
    paths: pathsOf(path),
    ...(notPaths.length === 0 ? {} : { notPaths }),
  };
}

interface Operation {
  readonly methods?: readonly string[];
  readonly paths: readonly string[];
  readonly notPaths?: readonly string[];
}

/** Operations that differ in their paths alone are one. */
function merged(operations: readonly { readonly operation: Operation }[]): readonly object[] {
  const groups = Map.groupBy(operations, ({ operation: { methods, notPaths } }) => JSON.stringify([methods, notPaths]));
  return Array.from(groups.values(), (group) => {
    const paths = [...new Set(group.flatMap(({ operation: each }) => each.paths))];
    return { operation: { ...group[0]?.operation, paths } };
  });
}

/** Istio's `*` at an end is any text, also with slashes; where a segment is meant, its templates have `{*}` and `{**}`. */
function pathsOf(pattern: string): readonly string[] {
  const isRest = pattern.endsWith('/**');
  const path = isRest ? pattern.slice(0, -3) : pattern;
  const isTemplate = path.includes('*');
  const written = path.replaceAll(/(?<=\/)\*(?=\/|$)/g, '{*}');
  if (!isRest) return [written];
  return path === '' ? ['/*'] : [written, `${written}/${isTemplate ? '{**}' : '*'}`];
}
