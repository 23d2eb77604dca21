/**
 * Every way into a zone, tried the right way and the wrong ones. The rows of the seed's two matrices are generated
 * from the routes, the rest is a table. A refusal counts only when the service that had to refuse recorded it.
 */
import type { AuditLine } from './audit-feed.ts';
import type { Call, Outcome } from './caller.ts';
import { callService, callThroughEgress, describe, type RunningLab, serviceToken, tokenIn } from './running-lab.ts';
import { bodyOf, type Walk } from './walk.ts';

/** What the attacker holds. */
interface Loot {
  readonly walk: Walk;
  readonly orderToken: string;
  readonly paymentToken: string;
}

type Request = Omit<Call, 'url'> & { readonly path: string };

interface Attack {
  readonly ids: readonly string[];
  readonly what: string;
  /** Who has to decide. */
  readonly at: string;
  /** `handshake`, or the status and code, or the status alone for what must work. */
  readonly expected: string;
  readonly request: (loot: Loot) => Request;
  /** Whose client certificate; absent = none. */
  readonly certificateOf?: string;
  /** Through this service's egress, as its app. */
  readonly through?: string;
  /** More than the status: what the app behind must have seen. */
  readonly seen?: { readonly expected: string; readonly observe: (outcome: Outcome) => string };
}

const TRAIL_TIMEOUT_MS = 3_000;

export async function attack(running: RunningLab, walk: Walk): Promise<void> {
  const [orderToken, paymentToken] = await Promise.all([
    serviceToken(running, 'order-service', ['data-service:read', 'data-service:write']),
    serviceToken(running, 'payment-service', ['data-service:read', 'data-service:write-payments']),
  ]);
  const loot: Loot = { walk, orderToken: tokenIn(orderToken), paymentToken: tokenIn(paymentToken) };
  for (const row of [...ROUTES.flatMap(routeAttacks), ...ATTACKS]) await tryOne(running, loot, row);
}

async function tryOne(running: RunningLab, loot: Loot, row: Attack): Promise<void> {
  const correlationId = `attack-${running.randomHex(8)}`;
  const mark = running.feed.mark();
  const request = row.request(loot);
  const traced = { ...request, headers: { 'x-correlation-id': correlationId, ...request.headers } };
  const outcome =
    row.through === undefined
      ? await callService(running, row.at, traced, row)
      : await callThroughEgress(running, row.through, traced);

  // A failed handshake has no headers, so its line is the next one of that service.
  const ofThis = (line: AuditLine): boolean =>
    line.service === row.at && (outcome.kind === 'handshake' || line.correlation_id === correlationId);
  const [line] = await running.feed.collect(ofThis, { mark, count: 1, timeoutMs: TRAIL_TIMEOUT_MS });
  const works = row.expected.startsWith('2');
  const said = outcome.kind === 'handshake' ? 'handshake' : describe(outcome);
  const seen = row.seen?.observe(outcome);
  const ok = said === row.expected && seen === row.seen?.expected && line?.decision === (works ? 'allow' : 'deny');
  running.emit({
    event: 'attack',
    ids: row.ids,
    what: row.what,
    at: row.at,
    expected: [row.expected, row.seen?.expected].filter(Boolean).join(', '),
    observed: [said, seen].filter(Boolean).join(', '),
    reason:
      line === undefined
        ? 'nothing in the audit trail'
        : (line.reasons.at(-1) ?? `${line.decision} ${line.rule ?? ''}`),
    ok,
  });
}

/** One row of the matrices: who may call whom, with which certificate and whose token. */
interface RouteRow {
  readonly ids: readonly string[];
  readonly from: string;
  readonly to: string;
  /** Whose client certificate; absent for the user. */
  readonly certificateOf?: string;
  /** A service whose certificate is of another zone. */
  readonly strangerOf: string;
  readonly path: (loot: Loot) => string;
  readonly token: (loot: Loot) => string;
  /** Of the other realm. */
  readonly wrongToken: (loot: Loot) => string;
}

const userToken = ({ walk }: Loot): string => walk.buyer.token;
const payerToken = ({ walk }: Loot): string => walk.payer.token;
const orderToken = ({ orderToken: token }: Loot): string => token;
const paymentToken = ({ paymentToken: token }: Loot): string => token;
const orderPath = ({ walk }: Loot): string => `/orders/${walk.orderId}`;

const ROUTES: readonly RouteRow[] = [
  {
    ids: ['S3-110'],
    from: 'the user',
    to: 'api-gateway',
    strangerOf: 'order-service',
    path: (loot) => `/api/v1${orderPath(loot)}`,
    token: userToken,
    wrongToken: orderToken,
  },
  {
    ids: ['S3-111'],
    from: 'api-gateway',
    to: 'order-service',
    certificateOf: 'api-gateway',
    strangerOf: 'payment-service',
    path: orderPath,
    token: userToken,
    wrongToken: orderToken,
  },
  {
    ids: ['S3-112'],
    from: 'api-gateway',
    to: 'payment-service',
    certificateOf: 'api-gateway',
    strangerOf: 'order-service',
    path: ({ walk }) => `/payments/orders/${walk.orderId}`,
    token: payerToken,
    wrongToken: paymentToken,
  },
  {
    ids: ['S3-113'],
    from: 'order-service',
    to: 'data-service',
    certificateOf: 'order-service',
    strangerOf: 'api-gateway',
    path: () => '/inventory/PROD-123',
    token: orderToken,
    wrongToken: userToken,
  },
  {
    ids: ['S3-114'],
    from: 'payment-service',
    to: 'data-service',
    certificateOf: 'payment-service',
    strangerOf: 'api-gateway',
    path: orderPath,
    token: paymentToken,
    wrongToken: userToken,
  },
];

function routeAttacks(route: RouteRow): Attack[] {
  const { ids, from, to, certificateOf } = route;
  const row = (what: string, expected: string, rest: Partial<Attack> & Pick<Attack, 'request'>): Attack => ({
    ids,
    what: `${from} → ${to}: ${what}`,
    at: to,
    expected,
    ...(certificateOf === undefined ? {} : { certificateOf }),
    ...rest,
  });
  const get =
    (token?: (loot: Loot) => string) =>
    (loot: Loot): Request => ({
      method: 'GET',
      path: route.path(loot),
      ...(token === undefined ? {} : { token: token(loot) }),
    });
  const rows = [
    row('as it should be', '200', { request: get(route.token) }),
    row('without a token', '401 token_missing', { request: get() }),
    row('with a token of the other realm', '401 token_issuer_mismatch', { request: get(route.wrongToken) }),
  ];
  if (certificateOf === undefined) return rows;
  const { certificateOf: _, ...without } = row('without a certificate', 'handshake', { request: get(route.token) });
  return [
    ...rows,
    without,
    row(`with the certificate that ${route.strangerOf} has for another zone`, 'handshake', {
      request: get(route.token),
      certificateOf: route.strangerOf,
    }),
  ];
}

const ATTACKS: readonly Attack[] = [
  {
    ids: ['S3-016', 'SD-05'],
    what: "payment-service with order-service's stolen token",
    at: 'data-service',
    expected: '403 identity_token_mismatch',
    certificateOf: 'payment-service',
    request: (loot) => ({ method: 'POST', path: '/orders', token: loot.orderToken, body: ORDER }),
  },
  {
    ids: ['S3-016', 'SD-05'],
    what: "order-service with payment-service's stolen token",
    at: 'data-service',
    expected: '403 identity_token_mismatch',
    certificateOf: 'order-service',
    request: (loot) => ({ method: 'POST', path: '/payments', token: loot.paymentToken, body: {} }),
  },
  {
    ids: ['S3-083'],
    what: 'payment-service writes an order through its own egress',
    at: 'data-service',
    expected: '403 policy_denied',
    through: 'payment-service',
    request: () => ({ method: 'POST', path: '/data/orders', body: ORDER }),
  },
  {
    ids: ['S3-084'],
    what: 'payment-service reads the inventory through its own egress',
    at: 'data-service',
    expected: '403 policy_denied',
    through: 'payment-service',
    request: () => ({ method: 'GET', path: '/data/inventory/PROD-123' }),
  },
  {
    ids: ['S3-084'],
    what: 'order-service writes a payment through its own egress',
    at: 'data-service',
    expected: '403 policy_denied',
    through: 'order-service',
    request: () => ({ method: 'POST', path: '/data/payments', body: {} }),
  },
  {
    ids: ['S3-201', 'SD-08'],
    what: 'order-service reads /inventory-admin, which only looks like /inventory',
    at: 'data-service',
    expected: '403 policy_denied',
    through: 'order-service',
    request: () => ({ method: 'GET', path: '/data/inventory-admin' }),
  },
  {
    ids: ['S3-045'],
    what: 'order-service asks its egress for a path without a route',
    at: 'order-service',
    expected: '404 route_not_found',
    through: 'order-service',
    request: () => ({ method: 'GET', path: '/database/orders' }),
  },
  {
    ids: ['S3-070'],
    what: 'a user without payments:create pays',
    at: 'payment-service',
    expected: '403 policy_denied',
    certificateOf: 'api-gateway',
    request: ({ walk }) => ({
      method: 'POST',
      path: '/payments',
      token: walk.buyer.token,
      body: { order_id: walk.orderId, amount: 1 },
    }),
  },
  {
    ids: ['S3-058'],
    what: 'the user asks the gateway for a path without a route',
    at: 'api-gateway',
    expected: '404 route_not_found',
    request: ({ walk }) => ({ method: 'GET', path: '/api/v1/orders-admin', token: walk.buyer.token }),
  },
  {
    ids: ['S3-035'],
    what: 'the user orders under forged X-User headers: they are replaced',
    at: 'api-gateway',
    expected: '201',
    request: ({ walk }) => ({
      method: 'POST',
      path: '/api/v1/orders',
      token: walk.buyer.token,
      body: ORDER,
      headers: FORGED,
    }),
    seen: {
      expected: 'seen by the apps: user-123 user-123',
      observe: (outcome) =>
        `seen by the apps: ${String(bodyOf(outcome)['ordered_by'])} ${String(bodyOf(outcome)['for_user'])}`,
    },
  },
  {
    ids: ['S3-012'],
    what: 'the gateway orders without a user, naming one in X-User headers',
    at: 'order-service',
    expected: '401 token_missing',
    certificateOf: 'api-gateway',
    request: () => ({ method: 'POST', path: '/orders', body: ORDER, headers: FORGED }),
  },
];

const ORDER = { product_id: 'PROD-123', quantity: 1 };

const FORGED = {
  'X-User-ID': 'user-1',
  'X-Original-User': 'user-1',
  'X-User-Email': 'ceo@example.com',
  'X-User-Roles': 'admin,payments:create',
  'X-User-Context': 'user-1',
};
