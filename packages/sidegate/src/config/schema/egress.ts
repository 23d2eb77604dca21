/** `egress`: the loopback listener that the local service calls, and the targets that it reaches. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import { clientTlsSchema } from './client-tls.ts';
import { targetAuthSchema } from './egress-auth.ts';
import { trustDomainName } from './jwt-trust-domains.ts';
import { retrySchema } from './retry.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { address, duration, method, name, origin, pathPrefix, routePrefix } from './scalars.ts';
import { tokenStoreSchema } from './token-store.ts';

const targetFile = z.strictObject({
  url: origin().describe('Scheme, host and port of the target.'),
  timeout: duration('1ms', '1h').optional().describe('Absent: `egress.defaults.timeout`.'),
  auth: targetAuthSchema
    .prefault({ type: 'none' })
    .describe('`none` adds no token: the caller is known by its certificate, if any, and by headers.'),
  forward_transaction_token: z
    .boolean()
    .default(false)
    .describe(
      'Send on the transaction token (`Txn-Token`) that the local service shows, unchanged, to a target of the same trust domain. false: it is removed.',
    ),
  tls: clientTlsSchema.prefault({}),
  trust_domain: trustDomainName()
    .optional()
    .describe(
      'The trust domain that the target belongs to: its certificate must be an X.509-SVID of it, which its bundle verifies, as the source of our identity has that, and have the host name of `url`. Absent: our own, or whoever `tls.ca_cert` trusts.',
    ),
});

const targetSchema = targetFile
  .superRefine(
    ({ url, tls }, context) => {
      if (!tls.enabled || url.startsWith('https:')) return;
      refuse(context, [{ path: ['tls', 'enabled'], message: 'needs an https url' }]);
    },
    reading('url', 'tls'),
  )
  .superRefine((target, context) => refuse(context, missingCertificate(target)), reading('auth', 'tls'))
  .superRefine((target, context) => refuse(context, missingBundle(target)), reading('trust_domain', 'tls'));

const routeSchema = z
  .strictObject({
    path_prefix: routePrefix().describe('Whole segments: `/data` matches `/data/x`, not `/database`.'),
    methods: z.array(method()).min(1).optional().describe('Absent: every method.'),
    target: name().describe('Name of a target.'),
    strip_prefix: pathPrefix().optional().describe('Removed from the path before forwarding.'),
    rewrite_prefix: pathPrefix().optional().describe('Put before the path after stripping.'),
  })
  .superRefine(
    ({ path_prefix, strip_prefix }, context) => {
      if (strip_prefix === undefined || `${path_prefix}/`.startsWith(`${strip_prefix}/`)) return;
      refuse(context, [{ path: ['strip_prefix'], message: 'is not how path_prefix begins' }]);
    },
    reading('path_prefix', 'strip_prefix'),
  );

export const egressSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Serve the egress listener.'),
    addr: address()
      .refine(({ host }) => host !== undefined && isLoopback(host), { error: 'is not a loopback address' })
      .prefault('127.0.0.1:8080')
      .describe('Where the local service calls; loopback only, because whoever calls acts as this service.'),
    token_store: tokenStoreSchema.prefault({}),
    defaults: z
      .strictObject({
        timeout: duration('1ms', '1h').prefault('30s').describe('Until the response head of a target has arrived.'),
        retry: retrySchema.prefault({}),
      })
      .prefault({}),
    targets: z.record(name(), targetSchema).default({}).describe('Name → service that may be called.'),
    routes: z.array(routeSchema).default([]).describe('In order, the first match wins, no match is 404.'),
  })
  .superRefine((egress, context) => refuse(context, unknownTargets(egress)), reading('targets', 'routes'));

function* unknownTargets({ targets, routes }: z.output<typeof egressSchema>): Generator<Finding> {
  for (const [index, { target }] of routes.entries()) {
    if (Object.hasOwn(targets, target)) continue;
    const hint = `the targets are ${Object.keys(targets).join(', ') || 'none'}`;
    yield { path: ['routes', index, 'target'], message: 'no target has this name', hint };
  }
}

/** Where the certificate is the credential, a target without one would be called by nobody in particular. */
function* missingCertificate({ auth, tls }: z.output<typeof targetFile>): Generator<Finding> {
  const needed = auth.type === 'mtls' || ('client_auth' in auth && auth.client_auth === 'tls_client_auth');
  if (!needed) return;
  const why = auth.type === 'mtls' ? 'auth.type is mtls' : 'auth.client_auth is tls_client_auth';
  if (!tls.enabled) yield { path: ['tls', 'enabled'], message: 'must be true', hint: why };
  if (tls.client_cert === undefined && tls.source === 'files') {
    yield { path: ['tls', 'client_cert'], message: 'is required', hint: why, code: 'missing_key' };
  }
}

/** The bundle of another trust domain comes with our own identity. */
function* missingBundle({ trust_domain: trustDomain, tls }: z.output<typeof targetFile>): Generator<Finding> {
  if (trustDomain === undefined) return;
  const path = ['trust_domain'];
  if (!tls.enabled || tls.source === 'files') {
    yield { path, message: 'needs a bundle', hint: 'set tls.enabled, and tls.source to workload_api or authority' };
  } else if (tls.ca_cert !== undefined) {
    yield { path, message: 'is not used', hint: 'tls.ca_cert says who is trusted: remove one of both' };
  }
}
