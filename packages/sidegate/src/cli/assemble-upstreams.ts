/** Config → the pools that reach other services: one for each egress target, and one for the app behind us. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { loadCertificates, loadKeyPair } from '../identity/key-pair.ts';
import type { ClientTls } from '../net/connector.ts';
import { createUpstream, type Upstream } from '../net/upstream.ts';
import type { Meters } from './assemble-metrics.ts';
import { type Assembly, take } from './assembly.ts';

type TargetConfig = SidecarConfig['egress']['targets'][string];

const CONNECT_TIMEOUT_MS = 1_000;

export interface AssembledTarget {
  readonly config: TargetConfig;
  readonly tls: ClientTls;
  readonly upstream: Upstream;
}

export function assembleTargets(
  config: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): ReadonlyMap<string, AssembledTarget> {
  return new Map(
    Object.entries(config.egress.targets).map(([name, target]) => {
      const tls = targetTls(target, assembly);
      if (tls.cert !== undefined) meters?.certificate(`egress.targets.${name}`, tls.cert);
      const upstream = openUpstream(target.url, { tls, timeoutMs: target.timeout }, assembly);
      return [name, { config: target, tls, upstream }];
    }),
  );
}

/** The upstream of each ingress route, one for each address, identity and timeout; a target lends its TLS settings. */
export function assembleRouteUpstreams(
  targets: ReadonlyMap<string, AssembledTarget>,
  assembly: Assembly,
): (route: SidecarConfig['proxy']['routes'][number]) => Upstream {
  return ({ upstream: url, target, timeout: timeoutMs }) => {
    const tls = target === undefined ? {} : (targets.get(target)?.tls ?? {});
    return openUpstream(url, { tls, timeoutMs }, assembly);
  };
}

function openUpstream(
  url: string,
  { tls, timeoutMs }: { readonly tls: ClientTls; readonly timeoutMs: number },
  { connectTo, components }: Assembly,
): Upstream {
  return components.take('upstream', { url, tls, timeoutMs }, () => {
    const upstream = createUpstream({ url, tls, connectTo, timeoutMs, connectTimeoutMs: CONNECT_TIMEOUT_MS });
    return { value: upstream, close: () => upstream.close(), graceful: true };
  });
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
