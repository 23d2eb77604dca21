/** What the thirteen steps promise, as a table: one line a promise, compared as text so that both sides can be shown. */
import type { AuditLine } from './audit-feed.ts';
import { shortRule } from './hop.ts';
import { describe } from './running-lab.ts';
import { issuerOf, type Lab } from './topology.ts';
import { bodyOf, type Passage, rolesOf, type Walk } from './walk.ts';

interface WalkCheck {
  readonly id: string;
  readonly step?: number;
  readonly what: string;
  readonly expected: string | ((walk: Walk, lab: Lab) => string);
  readonly observe: (walk: Walk, lab: Lab) => string;
}

type Pick = (passage: Passage) => AuditLine | undefined;

const at =
  (service: string, direction: AuditLine['direction'], method?: string): Pick =>
  ({ lines }) =>
    lines.find(
      (line) =>
        line.service === service && line.direction === direction && (method === undefined || line.method === method),
    );

const gateway = at('api-gateway', 'ingress');
const orderIn = at('order-service', 'ingress');
const orderOut = at('order-service', 'egress', 'GET');
const dataRead = at('data-service', 'ingress', 'GET');
const dataWrite = at('data-service', 'ingress', 'POST');
const paymentIn = at('payment-service', 'ingress');
const users = (_: Walk, lab: Lab): string => issuerOf(lab, 'users');
const services = (lab: Lab): string => issuerOf(lab, 'services');

/** The values side by side; a line that was never written shows as such. */
function say(line: AuditLine | undefined, values: (line: AuditLine) => readonly unknown[]): string {
  return line === undefined ? 'no such line in the audit trail' : values(line).map(String).join(' ');
}

/** `order.rego`, wherever in it the rule stands. */
const policyOf = ({ rule }: AuditLine): string => shortRule(rule)?.split(':')[0] ?? 'no rule';

export const WALK_CHECKS: readonly WalkCheck[] = [
  {
    id: 'S3-085',
    step: 1,
    what: 'the password grant gives an access token',
    expected: '200 Bearer',
    observe: ({ buyer }) => `${describe(buyer.answer)} ${String(bodyOf(buyer.answer)['token_type'])}`,
  },
  {
    id: 'S3-086',
    step: 1,
    what: 'the token names the user, the mail address, the roles and an expiry',
    expected: 'user-123 john john@example.com customer,orders:create number',
    observe: ({ buyer: { claims } }) =>
      [claims['sub'], claims['preferred_username'], claims['email'], rolesOf(claims).join(), typeof claims['exp']].join(
        ' ',
      ),
  },
  {
    id: 'S3-093',
    step: 1,
    what: 'one token satisfies the gateway and both services behind it',
    expected: 'api-gateway order-service payment-service',
    observe: ({ buyer: { claims } }) => [claims['aud']].flat().map(String).sort().join(' '),
  },
  {
    id: 'S3-087',
    step: 2,
    what: 'the order is sent to the gateway',
    expected: 'POST /api/v1/orders PROD-123 2',
    observe: ({ order }) => {
      const { product_id, quantity } = bodyOf(order.answer);
      return say(gateway(order), ({ method, path }) => [method, path, product_id, quantity]);
    },
  },
  {
    id: 'S3-088',
    step: 3,
    what: 'the gateway takes the token from Authorization, over TLS without a client certificate',
    expected: 'web-app no certificate',
    observe: ({ order }) =>
      say(gateway(order), ({ token, peer }) => [token?.client_id, peer?.subject ?? 'no certificate']),
  },
  {
    id: 'S3-089',
    step: 3,
    what: "the signature is checked with the issuer's key that the token names",
    expected: ({ buyer }) => String(buyer.header['kid']),
    observe: ({ order }) => say(gateway(order), ({ token }) => [token?.kid]),
  },
  {
    id: 'S3-094',
    step: 3,
    what: 'data.gateway.allow is true for this method and path',
    expected: 'allow POST /api/v1/orders gateway.rego',
    observe: ({ order }) => say(gateway(order), (line) => [line.decision, line.method, line.path, policyOf(line)]),
  },
  {
    id: 'S3-095',
    step: 4,
    what: 'the route chooses order-service and its own path',
    expected: 'order-service /orders',
    observe: ({ order }) => say(gateway(order), ({ downstream, upstream_path }) => [downstream, upstream_path]),
  },
  {
    id: 'S3-096',
    step: 4,
    what: "the gateway shows its zone 2 certificate and passes the user's token on",
    expected: (walk) => `api-gateway-client web-app ${String(walk.buyer.header['kid'])}`,
    observe: ({ order }) =>
      say(orderIn(order), ({ mtls_client, token }) => [mtls_client, token?.client_id, token?.kid]),
  },
  {
    id: 'S3-097',
    step: 5,
    what: 'order-service finds the certificate among its allowed clients',
    expected: 'api-gateway-client api-gateway spiffe://example.org/zone1/api-gateway',
    observe: ({ order }) =>
      say(orderIn(order), ({ mtls_client, calling_service, peer }) => [mtls_client, calling_service, peer?.spiffe_id]),
  },
  {
    id: 'S3-098',
    step: 5,
    what: 'data.order.allow is true for this user',
    expected: 'allow user-123 order.rego',
    observe: ({ order }) => say(orderIn(order), (line) => [line.decision, line.user?.sub, policyOf(line)]),
  },
  {
    id: 'S3-062',
    step: 5,
    what: 'the app behind it knows the user from the sidecar',
    expected: 'user-123 user-123',
    observe: ({ order }) => [bodyOf(order.answer)['ordered_by'], bodyOf(order.answer)['for_user']].join(' '),
  },
  {
    id: 'S3-100',
    step: 6,
    what: 'the app asks its egress for the stock',
    expected: 'GET /data/inventory/PROD-123',
    observe: ({ order }) => say(orderOut(order), ({ method, path }) => [method, path]),
  },
  {
    id: 'S3-102',
    step: 7,
    what: 'two calls to data-service ask for one token, for five minutes',
    expected: '1 client_credentials 300',
    observe: ({ orderServiceTokens: { afterOrder, last } }) => [afterOrder, last?.grant, last?.expires_in].join(' '),
  },
  {
    id: 'S3-101',
    step: 7,
    what: 'a later call takes the token from the cache',
    expected: '1',
    observe: ({ orderServiceTokens }) => String(orderServiceTokens.atEnd),
  },
  {
    id: 'SD-14',
    what: 'the realm of the services has no password grant',
    expected: '400 unsupported_grant_type',
    observe: ({ passwordGrantOfServices }) => describe(passwordGrantOfServices),
  },
  {
    id: 'S3-103',
    step: 7,
    what: "the call leaves with the zone 3 certificate, the service's own token and the user context",
    expected: '/inventory/PROD-123 order-service-client order-service user-123',
    observe: ({ order }) =>
      say(dataRead(order), ({ path, mtls_client, token, user_context }) => [
        path,
        mtls_client,
        token?.client_id,
        user_context,
      ]),
  },
  {
    id: 'S3-104',
    step: 8,
    what: 'data-service accepts order-service by certificate, issuer and client',
    expected: (_, lab) => `order-service-client ${services(lab)} order-service`,
    observe: ({ order }) =>
      say(dataRead(order), ({ mtls_client, token, calling_service }) => [mtls_client, token?.issuer, calling_service]),
  },
  {
    id: 'S3-105',
    step: 8,
    what: 'read-inventory is required and held',
    expected: 'allow service order-service has permission read-inventory',
    observe: ({ order }) => say(dataRead(order), ({ decision, reasons }) => [decision, permission(reasons)]),
  },
  {
    id: 'S3-106',
    step: 8,
    what: 'the audit line says who did what for whom',
    expected: 'read inventory/PROD-123 user-123 allow',
    observe: ({ order }) =>
      say(dataRead(order), ({ policy_audit = {}, decision }) => [
        policy_audit['action'],
        policy_audit['resource'],
        policy_audit['user_context'],
        decision,
      ]),
  },
  {
    id: 'S3-107',
    step: 9,
    what: 'storing the order is checked against write-orders',
    expected: 'allow service order-service has permission write-orders',
    observe: ({ order }) => say(dataWrite(order), ({ decision, reasons }) => [decision, permission(reasons)]),
  },
  {
    id: 'S3-108',
    step: 13,
    what: 'the user gets the answer of the data zone',
    expected: '201 created',
    observe: ({ order }) => `${describe(order.answer)} ${String(bodyOf(order.answer)['status'])}`,
  },
  {
    id: 'S3-232',
    what: 'one correlation id runs through every hop',
    expected: 'api-gateway order-service order-service order-service data-service data-service',
    observe: ({ order }) =>
      order.lines
        .map(({ service }) => service)
        .sort(byZone)
        .join(' '),
  },
  {
    id: 'S3-068',
    what: 'the order can be looked at',
    expected: '200',
    observe: ({ reading }) => describe(reading.answer),
  },
  {
    id: 'S3-073',
    what: 'a user who may pay pays, through payment-service',
    expected: (walk) => `201 allow ${String(walk.payer.claims['sub'])} api-gateway payment.rego`,
    observe: ({ payment }) =>
      `${describe(payment.answer)} ${say(paymentIn(payment), (line) => [line.decision, line.user?.sub, line.calling_service, policyOf(line)])}`,
  },
  {
    id: 'S3-082',
    what: 'payment-service may read orders and write payments',
    expected:
      'service payment-service has permission read-orders, service payment-service has permission write-payments',
    observe: ({ payment }) =>
      [dataRead(payment), dataWrite(payment)]
        .map((line) => say(line, ({ reasons }) => [permission(reasons)]))
        .join(', '),
  },
  {
    id: 'S3-021',
    what: "the user's token comes from the realm users at every hop of zones 1 and 2",
    expected: (walk, lab) => [users(walk, lab), users(walk, lab)].join(' '),
    observe: ({ order }) =>
      [gateway(order), orderIn(order)].map((line) => say(line, ({ token }) => [token?.issuer])).join(' '),
  },
];

function permission(reasons: readonly string[]): string {
  return reasons.find((reason) => reason.includes('permission')) ?? 'no permission named';
}

function byZone(a: string, b: string): number {
  const zones = ['api-gateway', 'order-service', 'data-service'];
  return zones.indexOf(a) - zones.indexOf(b);
}
