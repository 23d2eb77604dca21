/** What a sidecar's configuration allows and its owner should know. */
import { isLoopback } from '../address.ts';
import { authenticationWarnings } from './authentication-warnings.ts';
import type { Finding } from './rule.ts';
import type { SidecarConfig } from './sidecar.ts';

/** Findings that do not stop the start. */
export function* sidecarWarnings(config: SidecarConfig): Generator<Finding> {
  yield* identityWarnings(config);
  yield* listenerWarnings(config);
  yield* authenticationWarnings(config);
  yield* decisionOnlyWarnings(config);
  yield* leniencyWarnings(config);
  yield* targetWarnings(config);
  yield* adminWarnings(config);
  yield* decisionWarnings(config);
}

function* identityWarnings({ proxy, identities }: SidecarConfig): Generator<Finding> {
  const bound = Object.keys(identities).length > 0;
  if (proxy.mtls.enabled && proxy.auth.enabled && !bound) {
    yield {
      path: ['proxy', 'mtls', 'allowed_clients'],
      message: 'no token is bound to these certificates: a client may present the token of another',
      hint: 'add identities: {<certificate identity>: <client id>}',
      code: 'identities_missing',
    };
  }
  if (!proxy.mtls.enabled && proxy.mtls.allowed_clients.length > 0) {
    const hint = 'set proxy.mtls.enabled to true';
    yield { path: ['proxy', 'mtls', 'allowed_clients'], message: 'has no effect', hint, code: 'no_effect' };
  }
}

function* listenerWarnings({ http, proxy }: SidecarConfig): Generator<Finding> {
  if (!proxy.enabled) return;
  const { host } = http.addr;
  if (!http.tls.enabled && !(host !== undefined && isLoopback(host))) {
    const message = 'tokens arrive in clear text from other machines';
    yield { path: ['http', 'tls', 'enabled'], message, hint: 'enable TLS, or listen on 127.0.0.1', code: 'insecure' };
  }
}

/** What needs an answer of ours, or a forwarded request. */
function* decisionOnlyWarnings({ proxy }: SidecarConfig): Generator<Finding> {
  if (proxy.mode !== 'decision_only') return;
  const hint = 'proxy.mode is decision_only: the gateway that asks does this';
  for (const key of ['cors', 'retry'] as const) {
    if (proxy[key].enabled) yield { path: ['proxy', key], message: 'has no effect', hint, code: 'no_effect' };
  }
}

function* leniencyWarnings({ proxy }: SidecarConfig): Generator<Finding> {
  if (proxy.authz.on_deny === 'log_only') {
    const path = ['proxy', 'authz', 'on_deny'];
    yield proxy.authz.enabled
      ? { path, message: 'forwards what the policy denies', hint: 'set it to reject to enforce', code: 'insecure' }
      : { path, message: 'has no effect', hint: 'set proxy.authz.enabled to true', code: 'no_effect' };
  }
  for (const [index, pattern] of proxy.public_paths.entries()) {
    if (pattern !== '/**') continue;
    const path = ['proxy', 'public_paths', index];
    yield { path, message: 'asks nobody for anything, on any path', hint: 'name the public paths', code: 'insecure' };
  }
}

function* targetWarnings({ egress, proxy }: SidecarConfig): Generator<Finding> {
  const called = [
    [['proxy', 'upstream', 'tls'], proxy.upstream.tls] as const,
    ...Object.entries(egress.targets).map(([name, { tls }]) => [['egress', 'targets', name, 'tls'], tls] as const),
  ];
  for (const [path, tls] of called) {
    const isSet = tls.source !== 'files' || (tls.ca_cert ?? tls.client_cert) !== undefined;
    if (tls.enabled || !isSet) continue;
    yield { path, message: 'has no effect', hint: 'set tls.enabled to true', code: 'no_effect' };
  }
}

function* adminWarnings({ admin }: SidecarConfig): Generator<Finding> {
  if (admin?.remote_reason === undefined) return;
  const path = ['admin', 'remote_reason'];
  const { host } = admin.addr;
  if (host !== undefined && isLoopback(host)) {
    yield { path, message: 'has no effect', hint: 'the address is loopback', code: 'no_effect' };
  } else {
    const message = 'other machines reach health, metrics and decisions in clear text';
    yield { path, message, hint: 'let the network allow only those that need it', code: 'insecure' };
  }
}

function* decisionWarnings({ proxy, http }: SidecarConfig): Generator<Finding> {
  const path = ['proxy', 'decision', 'request_from'];
  if (proxy.decision.request_from === 'request_line') return;
  if (proxy.mode !== 'decision_only') {
    yield { path, message: 'has no effect', hint: 'set proxy.mode to decision_only', code: 'no_effect' };
  } else if (!proxy.mtls.enabled && !(http.addr.host !== undefined && isLoopback(http.addr.host))) {
    const message = 'whoever reaches this listener describes the request in question';
    yield { path, message, hint: 'let only the gateway in: proxy.mtls, or 127.0.0.1', code: 'insecure' };
  }
}
