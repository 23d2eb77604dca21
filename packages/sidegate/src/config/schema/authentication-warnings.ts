/** Listeners that take calls of nobody in particular, and targets that are called as nobody: one is enough to break into a chain. */
import { isLoopback } from '../address.ts';
import type { Finding } from './rule.ts';
import type { SidecarConfig } from './sidecar.ts';

export function* authenticationWarnings(config: SidecarConfig): Generator<Finding> {
  if (config.proxy.enabled) {
    yield* callers(config);
    yield* upstreams(config);
  }
  if (config.egress.enabled) yield* targets(config);
  yield* questions(config);
}

function* callers({ http, proxy }: SidecarConfig): Generator<Finding> {
  if (http.tls.client_auth === 'require') return;
  const hint = 'require a token, or client certificates with proxy.mtls';
  if (!proxy.auth.enabled) {
    yield { path: ['proxy', 'auth', 'enabled'], message: 'takes calls of anybody', hint, code: 'insecure' };
    return;
  }
  for (const [index, { auth_required }] of proxy.routes.entries()) {
    if (auth_required) continue;
    const path = ['proxy', 'routes', index, 'auth_required'];
    yield { path, message: 'takes calls of anybody', hint, code: 'insecure' };
  }
}

/** What is not on this machine is a call like any other. */
function* upstreams({ proxy, egress }: SidecarConfig): Generator<Finding> {
  const known = Object.values(egress.targets).filter(showsCertificate);
  const isProven = (url: string): boolean =>
    isLoopback(new URL(url).hostname.replaceAll(/^\[|\]$/g, '')) || known.some((target) => target.url === url);
  const finding = { message: 'is called without a certificate of ours', code: 'insecure' } as const;
  const hint = 'name it in egress.targets with tls and client_cert';
  if (!showsCertificate(proxy.upstream) && !isProven(proxy.upstream.url))
    yield { path: ['proxy', 'upstream', 'url'], ...finding, hint };
  for (const [index, { upstream }] of proxy.routes.entries()) {
    if (upstream === proxy.upstream.url || isProven(upstream)) continue;
    yield { path: ['proxy', 'routes', index, 'upstream'], ...finding, hint };
  }
}

function* targets({ egress }: SidecarConfig): Generator<Finding> {
  for (const [name, target] of Object.entries(egress.targets)) {
    if (target.auth.type !== 'none' || showsCertificate(target)) continue;
    const path = ['egress', 'targets', name, 'auth'];
    const hint = 'set auth.type, or tls with client_cert';
    yield { path, message: 'is none, and no certificate is shown: it is called as nobody', hint, code: 'insecure' };
  }
}

function* questions({ server: { grpc } }: SidecarConfig): Generator<Finding> {
  const { host } = grpc.addr;
  if (!grpc.enabled || (host !== undefined && isLoopback(host))) return;
  const hint = 'let the network allow only Envoy, or listen on 127.0.0.1';
  yield { path: ['server', 'grpc', 'addr'], message: 'answers anybody, in clear text', hint, code: 'insecure' };
}

function showsCertificate({ tls }: Pick<SidecarConfig['proxy']['upstream'], 'tls'>): boolean {
  return tls.enabled && (tls.source !== 'files' || tls.client_cert !== undefined);
}
