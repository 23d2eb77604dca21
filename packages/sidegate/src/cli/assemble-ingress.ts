/** Config → the ingress pipeline: files read, keys sourced, policy compiled, routes resolved. */
import {
  type AllowedClients,
  type Compiled,
  compileAllowedClients,
  compileIdentities,
  type IdentityLookup,
} from '@sidegate/sdk';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { Vouch } from '../identity/trust-domains.ts';
import { type Cors, compileCors } from '../ingress/cors.ts';
import { createDecisionIngress, createIngress, type IngressDeps } from '../ingress/ingress.ts';
import type { RateLimits } from '../ingress/limit-rate.ts';
import { compilePublicPaths } from '../ingress/public-paths.ts';
import { compileRoutes, type Route } from '../ingress/route.ts';
import type { IngressHeaders } from '../ingress/shape-headers.ts';
import { DEFAULT_TARGET_LIMITS } from '../net/request-target.ts';
import { type Rate, TokenBuckets } from '../net/token-buckets.ts';
import type { Upstream } from '../net/upstream.ts';
import type { PolicyEngine } from '../policy/decision.ts';
import type { Credential } from '../proxy/credential.ts';
import { setField } from '../proxy/headers.ts';
import { IdentityHeaders } from '../proxy/identity-headers.ts';
import type { Pipeline } from '../proxy/serve.ts';
import type { Meters } from './assemble-metrics.ts';
import { assembleRevocation } from './assemble-revocation.ts';
import type { AssembledTokens } from './assemble-tokens.ts';
import type { Assembly } from './assembly.ts';

export interface AssembledIngress {
  readonly pipeline: Pipeline;
  /** What it judges by. */
  readonly deps: IngressDeps;
  /** One for each source of revocations that must be known. */
  readonly revocationsKnown: readonly Promise<void>[];
}

interface IngressParts {
  readonly upstreamOf: (route: SidecarConfig['proxy']['routes'][number]) => Upstream;
  /** Undefined: the upstream wants nothing that is made of the caller's token. */
  readonly credentialOf: (route: SidecarConfig['proxy']['routes'][number]) => Credential | undefined;
  readonly tokens: AssembledTokens;
  /** Undefined: authorization is switched off. */
  readonly policy: PolicyEngine | undefined;
  readonly vouch: Vouch | undefined;
  /** What the ingress decides by when it is asked. */
  readonly latest: () => IngressDeps | undefined;
}

export function assembleIngress(
  config: SidecarConfig,
  parts: IngressParts,
  assembly: Assembly,
  meters: Meters | undefined,
): AssembledIngress {
  const { clock } = assembly;
  const headers = ingressHeaders(config);
  const { policy, latest } = parts;
  const { tokens, transactions, sources } = parts.tokens;
  const revocation = assembleRevocation(config, sources, assembly);
  const identities =
    Object.keys(config.identities).length > 0 ? compiled(assembleIdentities(config), assembly) : undefined;
  const allowed = config.proxy.mtls.enabled
    ? compiled(compileAllowedClients(config.proxy.mtls.allowed_clients), assembly)
    : undefined;
  const deps: IngressDeps = {
    accept: {
      limits: DEFAULT_TARGET_LIMITS,
      routes: compileRoutes(config.proxy.routes.map((route) => assembleRoute(config, route, { parts, assembly }))),
      publicPaths: compilePublicPaths(config.proxy.public_paths),
      cors: assembleCors(config),
      identityHeaders: new IdentityHeaders(headers.claims.map(([, , lowerHeader]) => lowerHeader)),
    },
    trust: {
      required: config.http.tls.client_auth === 'require',
      allowed,
      identities,
      now: () => clock.now(),
      vouch: parts.vouch,
    },
    limits: assembleRateLimits(config, assembly),
    tokens,
    transactions,
    policy: {
      engine: policy && (meters?.policy(policy) ?? policy),
      extract: config.proxy.headers.extract,
      onDeny: config.proxy.authz.on_deny,
    },
    revocations: revocation?.check,
    headers,
    peers: new WeakMap(),
  };
  const { mode, decision } = config.proxy;
  const pipeline =
    mode === 'decision_only'
      ? createDecisionIngress(deps, decision.request_from)
      : createIngress(deps, () => latest() ?? deps);
  return { pipeline, deps, revocationsKnown: revocation?.known ?? [] };
}

function assembleRoute(
  config: SidecarConfig,
  route: SidecarConfig['proxy']['routes'][number],
  { parts, assembly }: { readonly parts: IngressParts; readonly assembly: Assembly },
): Route {
  const credential = parts.credentialOf(route);
  const counted = { by: config.proxy.rate_limit.by, path: route.path, methods: route.methods };
  return {
    path: route.path,
    ...(route.methods === undefined ? {} : { methods: route.methods }),
    upstream: parts.upstreamOf(route),
    ...(credential === undefined ? {} : { credential }),
    upstreamName: route.target ?? 'app',
    authRequired: config.proxy.auth.enabled && route.auth_required,
    authzRequired: route.authz_required,
    requiredScopes: route.required_scopes,
    websocket: route.websocket,
    ...(route.strip_prefix === undefined ? {} : { stripPrefix: route.strip_prefix }),
    ...(route.rewrite_prefix === undefined ? {} : { rewritePrefix: route.rewrite_prefix }),
    ...(route.rate_limit === undefined ? {} : { rateLimit: buckets(route.rate_limit, counted, assembly) }),
  };
}

function assembleRateLimits({ proxy }: SidecarConfig, assembly: Assembly): RateLimits {
  const { enabled, by, requests_per_second: perSecond, burst = perSecond } = proxy.rate_limit;
  return { by, general: enabled ? buckets({ perSecond, burst }, { by }, assembly) : undefined };
}

/** A new configuration that changes nothing here fills no bucket up. */
function buckets(rate: Rate, counted: object, { clock, components }: Assembly): TokenBuckets {
  return components.take('buckets', { rate, counted }, () => ({
    value: new TokenBuckets({ rate, monotonic: () => clock.monotonic() }),
    close: () => undefined,
  }));
}

function assembleCors({ proxy: { cors, mode } }: SidecarConfig): Cors | undefined {
  // A gateway that only asks answers its preflights itself.
  if (!cors.enabled || mode === 'decision_only') return undefined;
  return compileCors({
    origins: cors.allowed_origins,
    methods: cors.allowed_methods,
    requestHeaders: cors.allowed_headers,
    exposedHeaders: cors.exposed_headers,
    credentials: cors.allow_credentials,
    maxAgeSeconds: Math.floor(cors.max_age / 1000),
  });
}

function assembleIdentities({ identities }: SidecarConfig): Compiled<IdentityLookup> {
  return compileIdentities(
    new Map(
      Object.entries(identities).map(([identity, { client_id, issuer, may_forward }]) => {
        const mayForward = may_forward.map((other) => ({ clientId: other.client_id, issuer: other.issuer }));
        return [identity, { clientId: client_id, issuer, mayForward }];
      }),
    ),
  );
}

function compiled<T extends AllowedClients | IdentityLookup>(
  result: Compiled<T>,
  { findings }: Assembly,
): T | undefined {
  if (result.ok) return result.value;
  for (const { entry, message } of result.findings) {
    findings.push({ file: 'identities', severity: 'error', message: `${entry}: ${message}`, hint: '' });
  }
  return undefined;
}

function ingressHeaders({ proxy }: SidecarConfig): IngressHeaders {
  const { headers, auth } = proxy;
  const claims = [
    ...Object.entries(headers.inject_claims),
    ...named('sub', headers.inject_user_id),
    ...named('email', headers.inject_email),
    ...named('realm_access.roles', headers.inject_roles),
    ...named('groups', headers.inject_groups),
  ] as const;
  return {
    claims: claims.map(([claim, header]) => [claim, header, header.toLowerCase()]),
    passToken: headers.pass_token,
    tokenHeader: auth.header.toLowerCase(),
    tokenCookie: auth.cookie_name,
    preserveHost: headers.preserve_host,
    remove: new Set(headers.remove.map((name) => name.toLowerCase())),
    known: new WeakMap(),
    add: Object.entries(headers.add).map(([name, value]) => setField(name, value)),
  };
}

function named(claim: string, header: string | undefined): readonly (readonly [string, string])[] {
  return header === undefined ? [] : [[claim, header]];
}
