/** The whole configuration of one sidecar: the source of types, defaults, JSON Schema and reference. */
import { z } from 'zod';
import { adminSchema } from './admin.ts';
import { auditSchema } from './audit.ts';
import { authorityIdentitySchema } from './authority-identity.ts';
import { cacheSchema } from './cache.ts';
import { egressSchema } from './egress.ts';
import { httpSchema } from './http.ts';
import { identitiesSchema, identityFindings, resolveIdentities } from './identities.ts';
import { issuersOf, jwtSchema } from './jwt.ts';
import { observabilitySchema } from './observability.ts';
import { policySchema } from './policy.ts';
import { proxySchema } from './proxy.ts';
import { revocationSchema, unknownSources } from './revocation.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { name } from './scalars.ts';
import { serverSchema } from './server.ts';
import { identitySourceFindings, workloadApiSchema } from './workload-api.ts';

const chapters = z.strictObject({
  service: z
    .strictObject({ name: name().optional().describe('This service in audit records; absent: its audience.') })
    .prefault({}),
  http: httpSchema.prefault({}),
  jwt: jwtSchema.prefault({}),
  proxy: proxySchema.prefault({}),
  identities: identitiesSchema
    .default({})
    .describe('Certificate identity → client of an issuer: binds the token to the peer that presents it.'),
  revocation: revocationSchema.prefault({}),
  egress: egressSchema.prefault({}),
  policy: policySchema.prefault({}),
  cache: cacheSchema.prefault({}),
  audit: auditSchema.prefault({}),
  admin: adminSchema.optional(),
  observability: observabilitySchema.prefault({}),
  server: serverSchema.prefault({}),
  workload_api: workloadApiSchema.optional(),
  authority: authorityIdentitySchema.optional(),
});

const fileSchema = chapters
  .superRefine((file, context) => refuse(context, clientCertificates(file)), reading('http', 'proxy', 'identities'))
  .superRefine((file, context) => refuse(context, missingIssuer(file)), reading('jwt', 'proxy'))
  .superRefine((file, context) => refuse(context, tokenInRecords(file)), reading('audit', 'proxy'))
  .superRefine(
    ({ identities, jwt }, context) => refuse(context, identityFindings(identities, issuersOf(jwt))),
    reading('jwt', 'identities'),
  )
  .superRefine(
    ({ revocation, jwt }, context) =>
      refuse(
        context,
        unknownSources(
          revocation,
          issuersOf(jwt).map(({ issuer }) => issuer),
        ),
      ),
    reading('jwt', 'revocation'),
  )
  .superRefine((file, context) => refuse(context, nobodyJudges(file)), reading('proxy', 'server'))
  .superRefine((file, context) => refuse(context, queryFindings(file)), reading('policy', 'proxy'))
  .superRefine((file, context) => refuse(context, unreadTransactions(file)), reading('jwt', 'egress'))
  .superRefine((file, context) => refuse(context, missingWorkloadApi(file)), reading('workload_api', 'egress', 'jwt'))
  .superRefine((file, context) => refuse(context, missingName(file)), reading('jwt', 'service'))
  .superRefine((file, context) => refuse(context, ambiguousUpstreams(file)), reading('egress', 'proxy'))
  .superRefine((file, context) => refuse(context, unknownCallers(file)), reading('http', 'proxy'))
  .superRefine(
    (file, context) => refuse(context, identitySourceFindings(file, tlsBlocks(file))),
    reading('http', 'proxy', 'egress', 'audit', 'observability', 'workload_api', 'authority'),
  );

type SidecarFile = z.output<typeof chapters>;

/**
 * A complete sidecar configuration: every default is filled in, durations are milliseconds, and routes are resolved, so
 * that nothing later asks "and if it is absent?".
 */
export const sidecarSchema = fileSchema.transform(({ policy: { query, ...policy }, ...file }) => ({
  ...file,
  policy,
  // without either the rule above has refused the file
  service: { name: file.service.name ?? firstAudience(file) ?? '' },
  jwt: {
    issuers: issuersOf(file.jwt),
    trust_domains: file.jwt.trust_domains,
    transaction_tokens: file.jwt.transaction_tokens,
    validation: file.jwt.validation,
  },
  identities: resolveIdentities(file.identities, issuersOf(file.jwt)),
  proxy: {
    ...file.proxy,
    authz: { ...file.proxy.authz, policy_query: file.proxy.authz.policy_query ?? query ?? DEFAULT_QUERY },
    routes: resolveRoutes(file),
  },
  egress: { ...file.egress, targets: resolveTargets(file) },
}));

const DEFAULT_QUERY = 'data.authz.allow';

export type SidecarConfig = z.output<typeof sidecarSchema>;

/** Whoever writes these expects certificates to be looked at; without them nothing would be bound to anything. */
function* clientCertificates({ http, proxy, identities }: SidecarFile): Generator<Finding> {
  if (http.tls.client_auth === 'require') return;
  const finding = { message: 'needs client certificates', hint: 'set http.tls.client_auth to require' };
  if (proxy.mtls.enabled) yield { path: ['proxy', 'mtls', 'enabled'], ...finding };
  if (Object.keys(identities).length > 0) yield { path: ['identities'], ...finding };
}

function* missingIssuer({ jwt, proxy }: SidecarFile): Generator<Finding> {
  if (!proxy.enabled || !proxy.auth.enabled || issuersOf(jwt).length + jwt.trust_domains.length > 0) return;
  const hint = 'proxy.auth.enabled is true: set issuer and audience';
  yield { path: ['jwt', 'issuer'], message: 'is required', hint, code: 'missing_key' };
}

/** What Envoy asks is judged as the ingress would. */
function* nobodyJudges({ proxy, server }: SidecarFile): Generator<Finding> {
  if (!server.grpc.enabled || proxy.enabled) return;
  const hint = 'set proxy.enabled to true, with proxy.mode decision_only where nothing is to be forwarded';
  yield { path: ['server', 'grpc', 'enabled'], message: 'has nobody who judges', hint };
}

/** Both keys name the one rule that decides. */
function* queryFindings({ proxy: { authz }, policy }: SidecarFile): Generator<Finding> {
  const path = ['proxy', 'authz', 'policy_query'];
  if (authz.policy_query === undefined) return;
  if (policy.query !== undefined && policy.query !== authz.policy_query) {
    yield { path, message: 'is not what policy.query says', hint: 'keep one of them' };
  }
  if (policy.engine === 'builtin') {
    yield { path, message: 'is not used by the engine builtin', hint: 'remove it, or choose another engine' };
  }
}

/** What this sidecar cannot verify it does not send on. */
function* unreadTransactions({ jwt, egress }: SidecarFile): Generator<Finding> {
  if (jwt.transaction_tokens !== undefined) return;
  for (const [name, { forward_transaction_token }] of Object.entries(egress.targets)) {
    if (!forward_transaction_token) continue;
    const path = ['egress', 'targets', name, 'forward_transaction_token'];
    yield { path, message: 'needs to verify them', hint: 'set jwt.transaction_tokens' };
  }
}

/** A JWT-SVID comes from nowhere else, and what says that it is its source. */
function* missingWorkloadApi({ workload_api, egress, jwt }: SidecarFile): Generator<Finding> {
  if (workload_api !== undefined) return;
  for (const [index, { source }] of jwt.trust_domains.entries()) {
    if (source === undefined) continue;
    const path = ['jwt', 'trust_domains', index, 'source'];
    yield { path, message: 'needs workload_api', hint: 'set workload_api.socket' };
  }
  for (const [name, { auth }] of Object.entries(egress.targets)) {
    const key =
      auth.type === 'spiffe_jwt' ? 'type' : 'client_auth' in auth && auth.client_auth === 'spiffe_jwt' && 'client_auth';
    if (key === false) continue;
    const path = ['egress', 'targets', name, 'auth', key];
    yield { path, message: 'needs workload_api', hint: 'set workload_api.socket' };
  }
}

function* tokenInRecords({ audit, proxy }: SidecarFile): Generator<Finding> {
  for (const [index, name] of audit.enrichment.include_headers.entries()) {
    if (name.toLowerCase() !== proxy.auth.header.toLowerCase()) continue;
    const hint = 'a record never has a credential';
    yield { path: ['audit', 'enrichment', 'include_headers', index], message: 'is the header of the token', hint };
  }
}

function* missingName(file: SidecarFile): Generator<Finding> {
  if (file.service.name !== undefined || firstAudience(file) !== undefined) return;
  const hint = 'without jwt.audience the audit trail needs a name';
  yield { path: ['service', 'name'], message: 'is required', hint, code: 'missing_key' };
}

/** Two targets with one URL may have two client certificates: guessing one would be wrong half the time. */
function* ambiguousUpstreams({ proxy, egress }: SidecarFile): Generator<Finding> {
  const lender = Object.keys(egress.targets).find((target) => egress.targets[target]?.url === proxy.upstream.url);
  if (lender !== undefined && proxy.upstream.tls.enabled) {
    const hint = `remove one of it and egress.targets.${lender}.tls`;
    yield { path: ['proxy', 'upstream', 'tls'], message: 'is a second TLS setting for one url', hint };
  }
  const upstreams: [url: string | undefined, path: (string | number)[]][] = [
    [proxy.upstream.url, ['proxy', 'upstream', 'url']],
    ...proxy.routes.map(({ upstream }, index): [string | undefined, (string | number)[]] => [
      upstream,
      ['proxy', 'routes', index, 'upstream'],
    ]),
  ];
  for (const [url, path] of upstreams) {
    const named = Object.keys(egress.targets).filter((target) => egress.targets[target]?.url === url);
    if (named.length < 2) continue;
    yield { path, message: 'is the url of several egress targets', hint: `keep one of ${named.join(', ')}` };
  }
}

/** Counted by what no request has, all of them would be counted by address, which nobody asked for. */
function* unknownCallers({ http, proxy }: SidecarFile): Generator<Finding> {
  const { enabled, by } = proxy.rate_limit;
  if (!enabled && proxy.routes.every(({ rate_limit }) => rate_limit === undefined)) return;
  const path = ['proxy', 'rate_limit', 'by'];
  if (by === 'peer' && http.tls.client_auth !== 'require') {
    yield { path, message: 'needs client certificates', hint: 'set http.tls.client_auth to require' };
  }
  if ((by === 'user' || by === 'token') && !proxy.auth.enabled) {
    yield { path, message: 'needs tokens', hint: 'set proxy.auth.enabled to true' };
  }
}

function tlsBlocks({ http, proxy, egress, audit, observability }: SidecarFile) {
  return [
    [['http', 'tls'], http.tls.source],
    [['proxy', 'upstream', 'tls'], proxy.upstream.tls.source],
    [['audit', 'export', 'otlp', 'tls'], audit.export.otlp.tls.source],
    [['observability', 'tracing', 'tls'], observability.tracing.tls.source],
    ...Object.entries(egress.targets).map(
      ([name, { tls }]) => [['egress', 'targets', name, 'tls'], tls.source] as const,
    ),
  ] as const;
}

function firstAudience({ jwt }: Pick<SidecarFile, 'jwt'>): string | undefined {
  return issuersOf(jwt)[0]?.audience[0] ?? jwt.trust_domains[0]?.audience[0];
}

function resolveTargets({ egress: { defaults, targets } }: Pick<SidecarFile, 'egress'>) {
  return Object.fromEntries(
    Object.entries(targets).map(([name, target]) => [name, { ...target, timeout: target.timeout ?? defaults.timeout }]),
  );
}

function resolveRoutes({ proxy, egress }: Pick<SidecarFile, 'proxy' | 'egress'>) {
  const asked = { auth_required: true, authz_required: true, required_scopes: [] };
  const everything = { path: '/**', ...asked, websocket: false };
  const routes: SidecarFile['proxy']['routes'] = proxy.routes.length > 0 ? proxy.routes : [everything];
  return routes.map((route) => {
    const upstream = route.upstream ?? proxy.upstream.url;
    return {
      ...route,
      upstream,
      timeout: route.timeout ?? proxy.upstream.timeout,
      /** Name of the egress target with this URL: its TLS settings reach the upstream. */
      target: Object.keys(egress.targets).find((target) => egress.targets[target]?.url === upstream),
    };
  });
}
