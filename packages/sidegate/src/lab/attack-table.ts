/** Wrong calls beside the matrices: stolen and forged tokens, other services' rights, forged headers. */
import type { Attack } from './attack.ts';
import { bodyOf } from './walk.ts';

export const ATTACKS: readonly Attack[] = [
  ...forged('S3-090', 'that has expired', '401 token_expired', { iat: 1, nbf: 1, exp: 300 }),
  ...forged('S3-034', 'without an expiry', '401 token_exp_missing', { exp: undefined }),
  ...forged('SD-08', 'whose expiry is a string', '401 token_claim_type', { exp: '9999999999' }),
  ...forged('S3-091', 'of another issuer', '401 token_issuer_mismatch', {
    iss: 'https://keycloak.example.com/realms/other',
  }),
  ...forged('S3-092', 'for another audience', '401 token_aud_mismatch', { aud: ['order-service', 'payment-service'] }),
  {
    ids: ['S3-014', 'SD-05'],
    what: "payment-service with order-service's stolen token that is bound to its certificate",
    at: 'data-service',
    expected: '401 token_binding_mismatch',
    certificateOf: 'payment-service',
    request: (loot) => ({ method: 'POST', path: '/orders', token: loot.boundOrderToken, body: ORDER }),
  },
  {
    ids: ['S3-014'],
    what: 'order-service with its own token that is bound to its certificate',
    at: 'data-service',
    expected: '200',
    certificateOf: 'order-service',
    request: (loot) => ({ method: 'GET', path: '/inventory/PROD-123', token: loot.boundOrderToken }),
  },
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
    ids: ['S3-070', 'S3-099'],
    what: 'a user without payments:create pays, and the app hears nothing of it',
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

/** Tokens of the user with one claim wrong, signed with the realm's own key. */
function forged(id: string, what: string, expected: string, changes: Readonly<Record<string, unknown>>): Attack[] {
  return [
    {
      ids: [id],
      what: `the user with a token ${what}`,
      at: 'api-gateway',
      expected,
      request: ({ forge }) => ({ method: 'POST', path: '/api/v1/orders', token: forge(changes), body: ORDER }),
    },
  ];
}
