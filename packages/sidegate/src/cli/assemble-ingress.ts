/** Config → the ingress pipeline: files read, keys sourced, policy compiled, routes resolved. */
import {
  type AllowedClients,
  type Compiled,
  cacheTokens,
  compileAllowedClients,
  compileIdentities,
  createFetchedJwks,
  createTokenVerifier,
  discoveryJwksLoader,
  httpJwksLoader,
  type IdentityLookup,
  type JwksSource,
} from '@sidegate/sdk';
import type { IssuerState } from '../admin/health.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { BadTokens } from '../ingress/bad-tokens.ts';
import { type Cors, compileCors } from '../ingress/cors.ts';
import { createDecisionIngress, createIngress, type IngressDeps } from '../ingress/ingress.ts';
import type { RateLimits } from '../ingress/limit-rate.ts';
import { compilePublicPaths } from '../ingress/public-paths.ts';
import { compileRoutes, type Route } from '../ingress/route.ts';
import type { IngressHeaders } from '../ingress/shape-headers.ts';
import type { TokenCookie } from '../ingress/token-cookie.ts';
import type { TokenOptions } from '../ingress/verify-token.ts';
import { createHttpClient } from '../net/http-client.ts';
import { DEFAULT_TARGET_LIMITS } from '../net/request-target.ts';
import { type Rate, TokenBuckets } from '../net/token-buckets.ts';
import type { Upstream } from '../net/upstream.ts';
import type { PolicyEngine } from '../policy/decision.ts';
import { setField } from '../proxy/headers.ts';
import { IdentityHeaders } from '../proxy/identity-headers.ts';
import type { Pipeline } from '../proxy/serve.ts';
import type { Meters } from './assemble-metrics.ts';
import { assembleProofs } from './assemble-proofs.ts';
import { assembleRevocation, type IssuerKeySource } from './assemble-revocation.ts';
import type { Assembly } from './assembly.ts';

export interface AssembledIngress {
  readonly pipeline: Pipeline;
  /** What it judges by. */
  readonly deps: IngressDeps;
  /** One for each issuer, resolved when its first usable key set is there. */
  readonly keysLoaded: readonly Promise<void>[];
  /** One for each source of revocations that must be known. */
  readonly revocationsKnown: readonly Promise<void>[];
  readonly issuers: readonly IssuerState[];
}

interface IngressParts {
  readonly upstreamOf: (route: SidecarConfig['proxy']['routes'][number]) => Upstream;
  /** Undefined: authorization is switched off. */
  readonly policy: PolicyEngine | undefined;
  /** What the ingress decides by when it is asked. */
  readonly latest: () => IngressDeps | undefined;
}

export function assembleIngress(
  config: SidecarConfig,
  { upstreamOf, policy, latest }: IngressParts,
  assembly: Assembly,
  meters: Meters | undefined,
): AssembledIngress {
  const { clock } = assembly;
  const headers = ingressHeaders(config);
  const { tokens, keysLoaded, issuers, sources } = assembleTokens(config, assembly, meters);
  const revocation = assembleRevocation(config, sources, assembly);
  const identities =
    Object.keys(config.identities).length > 0 ? compiled(assembleIdentities(config), assembly) : undefined;
  const allowed = config.proxy.mtls.enabled
    ? compiled(compileAllowedClients(config.proxy.mtls.allowed_clients), assembly)
    : undefined;
  const deps: IngressDeps = {
    accept: {
      limits: DEFAULT_TARGET_LIMITS,
      routes: compileRoutes(
        config.proxy.routes.map((route) => assembleRoute(config, route, { upstream: upstreamOf(route), assembly })),
      ),
      publicPaths: compilePublicPaths(config.proxy.public_paths),
      cors: assembleCors(config),
      identityHeaders: new IdentityHeaders(headers.claims.map(([, , lowerHeader]) => lowerHeader)),
    },
    trust: {
      required: config.http.tls.client_auth === 'require',
      allowed,
      identities,
      now: () => clock.now(),
    },
    limits: assembleRateLimits(config, assembly),
    tokens,
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
  return { pipeline, deps, keysLoaded, revocationsKnown: revocation?.known ?? [], issuers };
}

function assembleRoute(
  config: SidecarConfig,
  route: SidecarConfig['proxy']['routes'][number],
  { upstream, assembly }: { readonly upstream: Upstream; readonly assembly: Assembly },
): Route {
  const counted = { by: config.proxy.rate_limit.by, path: route.path, methods: route.methods };
  return {
    path: route.path,
    ...(route.methods === undefined ? {} : { methods: route.methods }),
    upstream,
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

function assembleTokens(
  config: SidecarConfig,
  assembly: Assembly,
  meters: Meters | undefined,
): Pick<AssembledIngress, 'keysLoaded' | 'issuers'> & {
  readonly tokens: TokenOptions | undefined;
  readonly sources: readonly IssuerKeySource[];
} {
  const { jwt, proxy } = config;
  if (jwt.issuers.length === 0) return { tokens: undefined, keysLoaded: [], issuers: [], sources: [] };
  const { clock, components } = assembly;
  const issuers = jwt.issuers.map((issuer) => ({ ...issuer, ...assembleKeys(issuer, assembly, meters) }));
  const verifier = components.take('verifier', jwt, () => {
    const made = createTokenVerifier({
      issuers: issuers.map(({ name, issuer, audience, keys, algorithms }) => ({
        name,
        issuer,
        audiences: audience,
        keys,
        ...(algorithms === undefined ? {} : { algorithms }),
      })),
      clock,
      clockSkewSeconds: jwt.validation.clock_skew / 1000,
      maxLifetimeSeconds: jwt.validation.max_lifetime / 1000,
      singleAudience: jwt.validation.single_audience,
    });
    // Its keys are parts of their own, which the next configuration may still use.
    return { value: cacheTokens(made, { clock }), close: () => undefined };
  });
  return {
    tokens: {
      header: proxy.auth.header.toLowerCase(),
      scheme: proxy.auth.scheme,
      cookie: tokenCookie(proxy),
      proofs: assembleProofs(config, assembly),
      verifier: meters?.tokens(verifier) ?? verifier,
      bad: components.take('bad tokens', undefined, () => ({
        value: new BadTokens(() => clock.monotonic()),
        close: () => undefined,
      })),
    },
    sources: issuers,
    keysLoaded: issuers.map(({ loaded }) => loaded),
    issuers: issuers.map(({ name, keys }) => ({ name, keys: () => keys.state() })),
  };
}

function tokenCookie({ auth, cors }: SidecarConfig['proxy']): TokenCookie | undefined {
  if (auth.cookie_name === undefined) return undefined;
  const origins = new Set(cors.enabled && cors.allow_credentials ? cors.allowed_origins : []);
  return { name: auth.cookie_name, allowsOrigin: (origin) => origins.has(origin) };
}

interface IssuerKeys {
  readonly keys: JwksSource;
  /** Resolves when the first usable set is there. */
  readonly loaded: Promise<void>;
}

function assembleKeys(
  { name, issuer, jwks_url: url, jwks_refresh_interval: intervalMs }: SidecarConfig['jwt']['issuers'][number],
  { clock, random, schedule, connectTo, logger, components }: Assembly,
  meters: Meters | undefined,
): IssuerKeys {
  return components.take('keys', { name, issuer, url, intervalMs }, () => {
    const http = createHttpClient({ connectTo });
    const { promise: loaded, resolve } = Promise.withResolvers<void>();
    const keys = createFetchedJwks({
      load: url === undefined ? discoveryJwksLoader(http.send, issuer) : httpJwksLoader(http.send, url),
      clock,
      random,
      schedule,
      refreshIntervalSeconds: intervalMs / 1000,
      onAttempt: (state) => {
        const { keySet, failure, findings } = state;
        meters?.keysLoaded(name, state);
        if (failure !== undefined) logger.warn({ issuer, reason: failure }, 'keys could not be loaded');
        for (const finding of findings) logger.warn({ issuer, ...finding }, 'a key is not used');
        if (keySet !== undefined) resolve();
      },
    });
    const close = async (): Promise<void> => {
      keys.close();
      await http.close();
    };
    return { value: { keys, loaded }, close };
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
