/** Who calls whom in the three zones, with what: read from the audit trail that one whole run leaves behind. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import type { AuditLine } from '../../packages/sidegate/src/lab/audit-feed.ts';
import type { AttackEvent } from '../../packages/sidegate/src/lab/event.ts';
import { accessTrail, auditTrail, LAB, type LabRun, runLab } from '../support/lab-run.ts';

const run = runLab();
after(async () => {
  await using _ = await run;
});

const GATEWAY = 'spiffe://example.org/zone1/api-gateway';
const ORDER = 'spiffe://example.org/zone2/order-service';
const PAYMENT = 'spiffe://example.org/zone2/payment-service';
const USERS = 'https://keycloak.example.com/realms/users';
const SERVICES = 'https://keycloak.example.com/realms/services';

const allowed = (result: LabRun, service: string, direction: AuditLine['direction']): AuditLine[] =>
  auditTrail(result, service).filter((line) => line.decision === 'allow' && line.direction === direction);
const incoming = (result: LabRun, service: string): AuditLine[] => allowed(result, service, 'ingress');
const outgoing = (result: LabRun, service: string): AuditLine[] => allowed(result, service, 'egress');
const values = (lines: readonly AuditLine[], value: (line: AuditLine) => string | undefined): string[] =>
  [...new Set(lines.map((line) => value(line) ?? 'none'))].sort();

/** The lines of john's order, which is the first request of the walk-through. */
function ordering(result: LabRun): AuditLine[] {
  const [first] = auditTrail(result, 'api-gateway');
  return ['api-gateway', 'order-service', 'data-service']
    .flatMap((service) => auditTrail(result, service))
    .filter(({ correlation_id }) => correlation_id === first?.correlation_id);
}

const FLOWS: readonly (readonly [title: string, observe: (result: LabRun) => unknown, expected: unknown])[] = [
  [
    'S3-001 zone 1 sends to the two services of zone 2 only',
    (result) => values(incoming(result, 'api-gateway'), ({ downstream }) => downstream),
    ['order-service', 'payment-service'],
  ],
  [
    'S3-002 zone 1 takes plain TLS, and shows a certificate where it calls',
    (result) => [
      values(incoming(result, 'api-gateway'), ({ peer }) => peer?.spiffe_id),
      values(incoming(result, 'payment-service'), ({ peer }) => peer?.spiffe_id),
    ],
    [['none'], [GATEWAY]],
  ],
  [
    'S3-003 zone 2 is called by zone 1 and sends to zone 3 only',
    (result) => [
      values(
        ['order-service', 'payment-service'].flatMap((name) => incoming(result, name)),
        ({ peer }) => peer?.spiffe_id,
      ),
      values(
        ['order-service', 'payment-service'].flatMap((name) => outgoing(result, name)),
        ({ downstream }) => downstream,
      ),
    ],
    [[GATEWAY], ['data-service']],
  ],
  [
    'S3-004 zone 2 is called with a certificate and calls with one, whoever it is',
    (result) => [
      values(
        ['order-service', 'payment-service'].flatMap((name) => incoming(result, name)),
        ({ peer }) => peer && 'a certificate',
      ),
      values(incoming(result, 'data-service'), ({ peer }) => peer && 'a certificate'),
    ],
    [['a certificate'], ['a certificate']],
  ],
  [
    'S3-005 zone 3 is called by zone 2 and sends nowhere',
    (result) => [
      values(incoming(result, 'data-service'), ({ peer }) => peer?.spiffe_id),
      values(incoming(result, 'data-service'), ({ downstream }) => downstream),
      outgoing(result, 'data-service'),
    ],
    [[ORDER, PAYMENT], ['app'], []],
  ],
  [
    'S3-059 S3-069 order-service and payment-service serve the gateway only',
    (result) =>
      ['order-service', 'payment-service'].map((name) =>
        values(incoming(result, name), ({ mtls_client }) => mtls_client),
      ),
    [['api-gateway-client'], ['api-gateway-client']],
  ],
  [
    'S3-050 S3-060 zones 1 and 2 take tokens of the realm users only',
    (result) =>
      ['api-gateway', 'order-service', 'payment-service'].map((name) =>
        values(incoming(result, name), ({ token }) => token?.issuer),
      ),
    [[USERS], [USERS], [USERS]],
  ],
  [
    'S3-063 S3-078 zone 3 takes tokens of the realm services only, each from its own client',
    (result) =>
      values(
        incoming(result, 'data-service'),
        (line) => `${line.token?.issuer} ${line.token?.client_id} ${line.mtls_client}`,
      ),
    [`${SERVICES} order-service order-service-client`, `${SERVICES} payment-service payment-service-client`],
  ],
  [
    "S3-053 the gateway passes the user's own token on",
    (result) =>
      values(
        ordering(result).filter(({ token }) => token?.issuer === USERS),
        ({ service, token, user }) => `${service} ${token?.client_id} ${user?.sub}`,
      ),
    ['api-gateway web-app user-123', 'order-service web-app user-123'],
  ],
  [
    'S3-160 the route names a URL only, and the certificate of the egress target with that URL is shown',
    (result) => values(incoming(result, 'order-service'), ({ peer }) => peer?.subject?.split(',').sort().join()),
    ['CN=api-gateway-client,O=MyOrg'],
  ],
  [
    'S3-065 S3-213 both calls of the order carry the user and the correlation id',
    (result) =>
      ordering(result)
        .filter(({ service }) => service === 'data-service')
        .map(({ method, user_context, context_verified }) => [method, user_context, context_verified]),
    [
      ['GET', 'user-123', true],
      ['POST', 'user-123', true],
    ],
  ],
  [
    'S3-218 the user context is the subject at every hop',
    (result) =>
      values(
        ordering(result).filter(({ direction }) => direction === 'ingress'),
        ({ user_context }) => user_context,
      ),
    ['user-123'],
  ],
  [
    'S3-066 S3-067 S3-212 an order is a look at the stock and a stored order',
    (result) =>
      ordering(result)
        .filter(({ service, direction }) => service === 'order-service' && direction === 'egress')
        .map(({ method, path: asked, upstream_path, status }) => [method, asked, upstream_path, status]),
    [
      ['GET', '/data/inventory/PROD-123', '/inventory/PROD-123', 200],
      ['POST', '/data/orders', '/orders', 201],
    ],
  ],
  [
    'S3-033 every hop of an order leaves one line with its decision',
    (result) => ordering(result).map(({ service, direction, decision }) => `${service} ${direction} ${decision}`),
    [
      'api-gateway ingress allow',
      'order-service egress allow',
      'order-service egress allow',
      'order-service ingress allow',
      'data-service ingress allow',
      'data-service ingress allow',
    ],
  ],
  [
    'S3-080 S3-106 S3-233 each access of an order is recorded with its user, beside the request',
    (result) => {
      const requests = new Set(ordering(result).map(({ request_id }) => request_id));
      return accessTrail(result, 'data-service')
        .filter(({ request_id }) => requests.has(String(request_id)))
        .map(({ calling_service, user_context, action, resource, decision }) =>
          [calling_service, user_context, action, resource, decision].join(' '),
        );
    },
    ['order-service user-123 read inventory/PROD-123 allow', 'order-service user-123 write orders allow'],
  ],
  [
    'S3-074 S3-076 what was stored can be read: payment-service sees the order and stores the payment',
    (result) =>
      values(
        incoming(result, 'data-service').filter(({ mtls_client }) => mtls_client === 'payment-service-client'),
        ({ method, path: asked, status }) => `${method} ${asked?.split('/')[1]} ${status}`,
      ),
    ['GET orders 200', 'POST payments 201'],
  ],
  [
    'S3-072 S3-079 payment-service uses its two rights and has no other',
    (result) => permissions(result, 'payment-service'),
    ['has read-orders', 'has write-payments', 'lacks read-inventory', 'lacks write-orders'],
  ],
  [
    'S3-008 S3-081 order-service uses its three rights and has no other',
    (result) => permissions(result, 'order-service'),
    ['has read-inventory', 'has read-orders', 'has write-orders', 'lacks write-payments'],
  ],
  [
    'S3-009 whatever was let in, a rule of a policy decided',
    (result) =>
      values(
        ['api-gateway', 'order-service', 'payment-service', 'data-service'].flatMap((name) => incoming(result, name)),
        ({ rule }) => /(\w+\.rego):\d+$/.exec(rule ?? '')?.[1],
      ),
    ['dataservice.rego', 'gateway.rego', 'order.rego', 'payment.rego'],
  ],
  [
    'S3-140 both realms come from our own identity provider',
    ({ events }) => events.filter((event) => event.event === 'process' && event.name === 'keycloak').length,
    1,
  ],
];

for (const [title, observe, expected] of FLOWS) {
  test(title, async () => assert.deepEqual(observe(await run), expected));
}

/** Attempts, picked by who had to refuse them and what they lacked. */
const REFUSED: readonly (readonly [
  title: string,
  at: readonly string[],
  what: RegExp,
  observed: string,
  count: number,
])[] = [
  [
    'S3-006 a direct call to zone 3 from outside or from zone 1 fails',
    ['data-service'],
    /without a certificate|certificate that api-gateway has/,
    'handshake',
    4,
  ],
  [
    'S3-007 S3-015 a certificate without a token is nothing, also inside',
    ['order-service', 'payment-service', 'data-service'],
    /without a token/,
    '401 token_missing',
    4,
  ],
  [
    'S3-019 a client certificate of another authority is refused',
    ['order-service', 'payment-service', 'data-service'],
    /has for another zone/,
    'handshake',
    4,
  ],
  [
    'S3-025 the token of a user is refused in zone 3',
    ['data-service'],
    /token of the other realm/,
    '401 token_issuer_mismatch',
    2,
  ],
  [
    "S3-077 the gateway's certificate is refused in zone 3",
    ['data-service'],
    /certificate that api-gateway has/,
    'handshake',
    2,
  ],
  [
    'S3-146 a client without a certificate is refused where one is required',
    ['order-service', 'payment-service', 'data-service'],
    /without a certificate/,
    'handshake',
    4,
  ],
];

for (const [title, at, what, observed, count] of REFUSED) {
  test(title, async () => {
    const { events } = await run;
    const tried = events.filter(
      (event): event is AttackEvent => event.event === 'attack' && at.includes(event.at) && what.test(event.what),
    );
    assert.deepEqual(
      tried.map((attempt) => [attempt.observed, attempt.ok]),
      Array.from({ length: count }, () => [observed, true]),
    );
  });
}

test('S3-028 the apps hold no authentication code', () => {
  const apps = path.join(LAB, 'apps');
  for (const file of readdirSync(apps)) {
    const code = readFileSync(path.join(apps, file), 'utf8').replaceAll(/\/\*\*?[^]*?\*\/|\/\/.*/g, '');
    assert.doesNotMatch(code, /authorization|bearer|jwt|jose|token|certificate|https|tls/i, file);
  }
});

/** What the data policy said about a service: `has read-orders`, `lacks write-orders`. */
function permissions(result: LabRun, service: string): string[] {
  const reasons = auditTrail(result, 'data-service').flatMap((line) => line.reasons);
  return [
    ...new Set(
      reasons.flatMap(
        (reason) => new RegExp(`^service ${service} (\\w+) permission (\\S+)$`).exec(reason)?.slice(1).join(' ') ?? [],
      ),
    ),
  ].sort();
}
