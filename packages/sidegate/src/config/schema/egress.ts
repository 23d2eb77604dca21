/** `egress`: the loopback listener that the local service calls, and the targets that it reaches. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { address, duration, filePath, method, name, origin, pathPrefix, routePrefix, secret, url } from './scalars.ts';

const scope = () =>
  z
    .string()
    .regex(/^[!#-[\]-~]+$/, 'is not a scope')
    .meta({ examples: ['data-service:read'] });

const clientCredentialsSchema = z.strictObject({
  type: z.literal('oauth2_client_credentials'),
  token_url: url().describe('Token endpoint of the identity provider.'),
  client_id: z.string().min(1).describe('This service at the identity provider.'),
  client_secret: secret().describe('Its secret: `${VAR}`, or a file named by `client_secret_file`.'),
  client_auth: z
    .enum(['client_secret_post', 'client_secret_basic'])
    .default('client_secret_post')
    .describe('How the token request carries the secret: in the body, or in `Authorization`.'),
  scopes: z.array(scope()).default([]).describe('Requested together, joined by spaces.'),
  refresh_before_expiry: duration('0s', '1h')
    .prefault('60s')
    .describe('A token is renewed that long before it expires.'),
  audience: z.string().min(1).optional().describe('Sent as `audience`.'),
  resource: url().optional().describe('Sent as `resource` (RFC 8707).'),
});

const targetTlsSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Use the files below; an https target is verified in any case.'),
    client_cert: filePath().optional().describe('Client certificate chain, PEM.'),
    client_key: filePath().optional().describe('Its private key, PEM, readable by its owner only.'),
    ca_cert: filePath().optional().describe('Only this CA is trusted for the target; absent: those of the system.'),
  })
  .superRefine(
    (tls, context) => {
      for (const [key, other] of [['client_cert', 'client_key'] as const, ['client_key', 'client_cert'] as const]) {
        if (tls[key] !== undefined || tls[other] === undefined) continue;
        refuse(context, [{ path: [key], message: 'is required', hint: `${other} is set`, code: 'missing_key' }]);
      }
    },
    reading('client_cert', 'client_key'),
  );

const targetSchema = z
  .strictObject({
    url: origin().describe('Scheme, host and port of the target.'),
    timeout: duration('1ms', '1h').prefault('30s').describe('Until the response head has arrived.'),
    auth: z
      .discriminatedUnion('type', [z.strictObject({ type: z.literal('none') }), clientCredentialsSchema])
      .prefault({ type: 'none' })
      .describe('`none` adds no token: the caller is known by its certificate and by headers.'),
    tls: targetTlsSchema.prefault({}),
  })
  .superRefine(
    ({ url, tls }, context) => {
      if (!tls.enabled || url.startsWith('https:')) return;
      refuse(context, [{ path: ['tls', 'enabled'], message: 'needs an https url' }]);
    },
    reading('url', 'tls'),
  );

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
    token_store: z
      .strictObject({ type: z.enum(['memory']).default('memory').describe('Where fetched tokens are kept.') })
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
