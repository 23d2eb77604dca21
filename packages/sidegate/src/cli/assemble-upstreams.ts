/** Config → the pools that reach other services: one for each egress target, and one for the app behind us. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { loadCertificates, loadKeyPair } from '../identity/key-pair.ts';
import type { ClientTls } from '../net/connector.ts';
import { createUpstream, type Upstream } from '../net/upstream.ts';
import { type Assembly, take } from './assembly.ts';

type TargetConfig = SidecarConfig['egress']['targets'][string];

const CONNECT_TIMEOUT_MS = 1_000;

export interface AssembledTarget {
  readonly config: TargetConfig;
  readonly tls: ClientTls;
  readonly upstream: Upstream;
}

export function assembleTargets(config: SidecarConfig, assembly: Assembly): ReadonlyMap<string, AssembledTarget> {
  return new Map(
    Object.entries(config.egress.targets).map(([name, target]) => {
      const tls = targetTls(target, assembly);
      const upstream = openUpstream(target.url, { tls, timeoutMs: target.timeout }, assembly);
      return [name, { config: target, tls, upstream }];
    }),
  );
}

/** The upstream of each ingress route: the target that it names by its URL, else a plain one of its own. */
export function assembleRouteUpstreams(
  targets: ReadonlyMap<string, AssembledTarget>,
  assembly: Assembly,
): (route: SidecarConfig['proxy']['routes'][number]) => Upstream {
  const opened = new Map<string, Upstream>();
  return (route) => {
    const target = route.target === undefined ? undefined : targets.get(route.target);
    if (target !== undefined) return target.upstream;
    const key = `${route.upstream} ${route.timeout}`;
    const upstream = opened.get(key) ?? openUpstream(route.upstream, { tls: {}, timeoutMs: route.timeout }, assembly);
    opened.set(key, upstream);
    return upstream;
  };
}

function openUpstream(
  url: string,
  { tls, timeoutMs }: { readonly tls: ClientTls; readonly timeoutMs: number },
  { connectTo, closers }: Assembly,
): Upstream {
  const upstream = createUpstream({ url, tls, connectTo, timeoutMs, connectTimeoutMs: CONNECT_TIMEOUT_MS });
  closers.push(() => upstream.close());
  return upstream;
}

function targetTls({ tls }: TargetConfig, assembly: Assembly): ClientTls {
  if (!tls.enabled) return {};
  const ca = tls.ca_cert === undefined ? undefined : take(loadCertificates(tls.ca_cert, assembly.readFile), assembly);
  const pair =
    tls.client_cert === undefined || tls.client_key === undefined
      ? undefined
      : take(loadKeyPair(tls.client_cert, tls.client_key, assembly.readFile), assembly);
  return { ...(ca === undefined ? {} : { ca }), ...pair };
}
