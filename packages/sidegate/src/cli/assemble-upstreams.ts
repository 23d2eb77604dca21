/** Config → the pools that reach other services: one for each egress target, and one for the app behind us. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { loadCertificates, loadKeyPair } from '../identity/key-pair.ts';
import type { ClientTls } from '../net/connector.ts';
import { createUpstream, type Upstream, type UpstreamOptions } from '../net/upstream.ts';
import { type Assembly, take } from './assembly.ts';
import { bundleOf } from './trust-bundles.ts';

type TargetConfig = SidecarConfig['egress']['targets'][string];

/** A kernel takes a connection at once; a handshake is work, which a busy process comes to later. */
const CONNECTING = { connectTimeoutMs: 1_000, handshakeTimeoutMs: 5_000 } as const;

export interface AssembledTarget {
  readonly config: TargetConfig;
  readonly tls: ClientTls;
  readonly upstream: Upstream;
}

export function assembleTargets(config: SidecarConfig, assembly: Assembly): ReadonlyMap<string, AssembledTarget> {
  return new Map(
    Object.entries(config.egress.targets).map(([name, target]) => [
      name,
      assembleTarget(target, targetTls(target, assembly), { config, assembly }),
    ]),
  );
}

export function assembleTarget(
  target: TargetConfig,
  tls: ClientTls,
  { config, assembly }: { readonly config: SidecarConfig; readonly assembly: Assembly },
): AssembledTarget {
  const retry = retryPolicy(config.egress.defaults.retry);
  return {
    config: target,
    tls,
    upstream: openUpstream(target.url, { tls, timeoutMs: target.timeout, ...retry }, assembly),
  };
}

/** The upstream of each ingress route, one for each address, identity and timeout; a target lends its TLS settings. */
export function assembleRouteUpstreams(
  { proxy }: SidecarConfig,
  targets: ReadonlyMap<string, AssembledTarget>,
  assembly: Assembly,
): (route: SidecarConfig['proxy']['routes'][number]) => Upstream {
  const { max_idle_conns: maxIdle, idle_conn_timeout: idleTimeoutMs } = proxy.upstream;
  const own = clientTls(proxy.upstream.tls, assembly);
  const shared = { maxIdle, idleTimeoutMs, ...retryPolicy(proxy.retry) };
  return ({ upstream: url, target, timeout: timeoutMs }) => {
    const tls = target === undefined ? (url === proxy.upstream.url ? own : {}) : (targets.get(target)?.tls ?? {});
    return openUpstream(url, { tls, timeoutMs, ...shared }, assembly);
  };
}

function openUpstream(
  url: string,
  options: Omit<UpstreamOptions, 'url' | 'connectTo' | 'lookup' | keyof typeof CONNECTING>,
  { connectTo, lookup, components }: Assembly,
): Upstream {
  return components.take('upstream', { url, ...options }, () => {
    const upstream = createUpstream({ ...options, ...CONNECTING, url, connectTo, lookup });
    return { value: upstream, close: () => upstream.close(), graceful: true };
  });
}

function retryPolicy(retry: SidecarConfig['proxy']['retry']): Pick<UpstreamOptions, 'retry'> {
  const { enabled, attempts, delay: delayMs, conditions } = retry;
  return enabled ? { retry: { attempts, delayMs, conditions } } : {};
}

function targetTls({ tls, trust_domain: trustDomain }: TargetConfig, assembly: Assembly): ClientTls {
  const own = clientTls(tls, assembly);
  if (trustDomain === undefined) return own;
  const { ca: _, ...pair } = own;
  const ca = assembly.identity && bundleOf(trustDomain, assembly.identity);
  return { ...pair, trustDomain, ...(ca === undefined ? {} : { ca }) };
}

/** Empty where the files cannot be read, after their findings were noted. */
export function clientTls(tls: TargetConfig['tls'], assembly: Assembly): ClientTls {
  if (!tls.enabled) return {};
  const own = tls.source === 'files' ? undefined : assembly.identity;
  const ca = tls.ca_cert === undefined ? own?.bundle : take(loadCertificates(tls.ca_cert, assembly.readFile), assembly);
  const pair =
    tls.client_cert === undefined || tls.client_key === undefined
      ? own?.pair
      : take(loadKeyPair(tls.client_cert, tls.client_key, assembly.readFile), assembly);
  return { ...(ca === undefined ? {} : { ca }), ...pair };
}
