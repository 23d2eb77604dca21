/** `proxy`: what happens to a request that arrives at the `http` listener. */
import { z } from 'zod';
import { proxyHeadersSchema } from './proxy-headers.ts';
import { reading, refuse } from './rule.ts';
import { certificateIdentity, duration, headerName, method, origin, pathGlob, pathPrefix } from './scalars.ts';

const routeSchema = z
  .strictObject({
    path: pathGlob().describe('`*` is one segment; a final `**` is the rest, also none.'),
    methods: z.array(method()).min(1).optional().describe('Absent: every method.'),
    upstream: origin()
      .optional()
      .describe('Absent: `proxy.upstream.url`. The `url` of an egress target uses the TLS settings of that target.'),
    auth_required: z.boolean().default(true).describe('false lets a request pass without token.'),
    authz_required: z.boolean().default(true).describe('false does not ask the policy.'),
    strip_prefix: pathPrefix().optional().describe('Removed from the path before forwarding.'),
    rewrite_prefix: pathPrefix().optional().describe('Put before the path after stripping.'),
    timeout: duration('1ms', '1h').optional().describe('Absent: `proxy.upstream.timeout`.'),
  })
  .superRefine(
    (route, context) => {
      if (route.strip_prefix !== undefined && !startsWithSegments(route.path, route.strip_prefix)) {
        refuse(context, [{ path: ['strip_prefix'], message: 'is not how path begins' }]);
      }
    },
    reading('path', 'strip_prefix'),
  );

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
  upstream: z
    .strictObject({
      url: origin().prefault('http://127.0.0.1:3000').describe('The service behind this sidecar.'),
      timeout: duration('1ms', '1h').prefault('30s').describe('Until the response head has arrived.'),
    })
    .prefault({}),
  auth: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Require a valid token.'),
      header: headerName().default('Authorization').describe('Where the token is.'),
      scheme: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9-]{0,31}$/, 'is not an authentication scheme')
        .default('Bearer')
        .describe('The word before the token, in any case.'),
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
    })
    .prefault({}),
  mtls: mtlsSchema.prefault({}),
  headers: proxyHeadersSchema.prefault({}),
  routes: z
    .array(routeSchema)
    .default([])
    .describe('In order, the first match wins, no match is 404. Without routes everything goes to `upstream.url`.'),
});

/** Whether every path that matches the pattern begins with the prefix. */
function startsWithSegments(pattern: string, prefix: string): boolean {
  return `${pattern}/`.startsWith(`${prefix}/`);
}
