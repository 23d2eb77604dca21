/** `proxy`: what happens to a request that arrives at the `http` listener. */
import { z } from 'zod';
import { clientTlsSchema } from './client-tls.ts';
import { proxyCorsSchema } from './proxy-cors.ts';
import { dpopSchema } from './proxy-dpop.ts';
import { proxyHeadersSchema } from './proxy-headers.ts';
import { retrySchema } from './retry.ts';
import { reading, refuse } from './rule.ts';
import {
  certificateIdentity,
  cookieName,
  duration,
  headerName,
  method,
  origin,
  pathGlob,
  pathPrefix,
  rate,
  scope,
} from './scalars.ts';

const routeSchema = z
  .strictObject({
    path: pathGlob().describe('`*` is one segment; a final `**` is the rest, also none.'),
    methods: z.array(method()).min(1).optional().describe('Absent: every method.'),
    upstream: origin()
      .optional()
      .describe(
        'Absent: `proxy.upstream.url`. The `url` of an egress target uses its TLS settings, and its `auth` where that is `token_exchange` or `transaction_token`: the verified token is traded for one that the upstream gets.',
      ),
    auth_required: z.boolean().default(true).describe('false lets a request pass without token.'),
    authz_required: z.boolean().default(true).describe('false does not ask the policy.'),
    required_scopes: z
      .array(scope())
      .default([])
      .describe('A token that lacks one of them, by its exact name, is answered 403 `insufficient_scope`.'),
    strip_prefix: pathPrefix().optional().describe('Removed from the path before forwarding.'),
    rewrite_prefix: pathPrefix().optional().describe('Put before the path after stripping.'),
    timeout: duration('1ms', '1h').optional().describe('Absent: `proxy.upstream.timeout`.'),
    websocket: z
      .boolean()
      .default(false)
      .describe(
        'Let WebSockets through, decided like any request; judged again every five seconds and closed when it would not be let in any more, and when nothing moves for `http.idle_timeout`.',
      ),
    rate_limit: rate()
      .optional()
      .describe('Besides `proxy.rate_limit`, for this route alone, counted by `proxy.rate_limit.by`.'),
  })
  .superRefine(
    (route, context) => {
      if (route.strip_prefix !== undefined && !startsWithSegments(route.path, route.strip_prefix)) {
        refuse(context, [{ path: ['strip_prefix'], message: 'is not how path begins' }]);
      }
    },
    reading('path', 'strip_prefix'),
  )
  .superRefine(
    ({ auth_required, required_scopes }, context) => {
      if (auth_required || required_scopes.length === 0) return;
      refuse(context, [{ path: ['required_scopes'], message: 'needs a token', hint: 'set auth_required to true' }]);
    },
    reading('auth_required', 'required_scopes'),
  );

const upstreamSchema = z
  .strictObject({
    url: origin().prefault('http://127.0.0.1:3000').describe('The service behind this sidecar.'),
    timeout: duration('1ms', '1h').prefault('30s').describe('Until the response head has arrived.'),
    max_idle_conns: z
      .int()
      .min(0)
      .max(128)
      .default(100)
      .describe('Connections to one upstream that wait for a request; the others are closed after their answer.'),
    idle_conn_timeout: duration('10ms', '1h').prefault('90s').describe('How long a connection waits for a request.'),
    tls: clientTlsSchema.prefault({}),
  })
  .superRefine(
    ({ url, tls }, context) => {
      if (!tls.enabled || url.startsWith('https:')) return;
      refuse(context, [{ path: ['tls', 'enabled'], message: 'needs an https url' }]);
    },
    reading('url', 'tls'),
  );

const rateLimitSchema = z.strictObject({
  enabled: z.boolean().default(false).describe('Answer 429 to a caller that asks more often than this.'),
  requests_per_second: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe('What one caller may ask in the long run; each process counts for itself.'),
  burst: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('What one caller may ask at once. Absent: `requests_per_second`.'),
  by: z
    .enum(['ip', 'user', 'token', 'peer'])
    .default('ip')
    .describe(
      'Who is one caller: an address (a /64 network of IPv6), the user, the token, or the client certificate; no header counts.',
    ),
});

const mtlsSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Only the clients below may call; needs `http.tls.client_auth: require`.'),
    allowed_clients: z
      .array(certificateIdentity())
      .default([])
      .describe('SPIFFE IDs or whole distinguished names; nobody else is served.'),
  })
  .superRefine(
    ({ enabled, allowed_clients }, context) => {
      if (!enabled || allowed_clients.length > 0) return;
      const hint = 'list the clients: with an empty list nobody could call';
      refuse(context, [{ path: ['allowed_clients'], message: 'is empty', hint, code: 'missing_key' }]);
    },
    reading('enabled', 'allowed_clients'),
  );

export const proxySchema = z.strictObject({
  enabled: z.boolean().default(false).describe('Serve the `http` listener.'),
  mode: z
    .enum(['reverse_proxy', 'decision_only'])
    .default('reverse_proxy')
    .describe(
      '`reverse_proxy` forwards what is allowed; `decision_only` answers 200 or the refusal, and forwards nothing.',
    ),
  decision: z
    .strictObject({
      request_from: z
        .enum(['request_line', 'x_forwarded', 'x_original'])
        .default('request_line')
        .describe(
          'With `decision_only`, where the request in question is: the one that is sent, `X-Forwarded-Method`, `-Uri` and `-Host`, or `X-Original-Method` and `-URI`.',
        ),
    })
    .prefault({}),
  upstream: upstreamSchema.prefault({}),
  auth: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Require a valid token.'),
      header: headerName().default('Authorization').describe('Where the token is.'),
      cookie_name: cookieName()
        .optional()
        .describe(
          'A cookie that may hold the token instead, for browsers; pages of other origins are refused unless CORS names them.',
        ),
      scheme: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9-]{0,31}$/, 'is not an authentication scheme')
        .default('Bearer')
        .describe('The word before the token, in any case.'),
      dpop: dpopSchema.prefault({}),
    })
    .prefault({}),
  authz: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Ask the policy.'),
      policy_query: z
        .string()
        .regex(/^data(\.[A-Za-z_][A-Za-z0-9_]*){2,}$/, 'is not `data.<package>.<rule>`')
        .optional()
        .meta({ examples: ['data.gateway.allow'] })
        .describe(
          '`data.<package>.<rule>`: true, or an object whose `allow` is true, lets the request pass. ' +
            'Absent: `policy.query`.',
        ),
      on_deny: z
        .enum(['reject', 'log_only'])
        .default('reject')
        .describe(
          '`log_only` forwards what the policy denies and records the denial with `shadow: true`; a policy that is undefined or fails still refuses.',
        ),
    })
    .prefault({}),
  mtls: mtlsSchema.prefault({}),
  headers: proxyHeadersSchema.prefault({}),
  public_paths: z
    .array(pathGlob())
    .default([])
    .describe(
      'Paths without token, binding and policy, patterns as in `routes`, which still say where they go; `mtls` still holds.',
    ),
  cors: proxyCorsSchema.prefault({}),
  rate_limit: rateLimitSchema.prefault({}),
  retry: retrySchema.prefault({}),
  routes: z
    .array(routeSchema)
    .default([])
    .describe('In order, the first match wins, no match is 404. Without routes everything goes to `upstream.url`.'),
});

/** Whether every path that matches the pattern begins with the prefix. */
function startsWithSegments(pattern: string, prefix: string): boolean {
  return `${pattern}/`.startsWith(`${prefix}/`);
}
