/** The rows of the seed's two security matrices, each tried as it should be and in every way it should not. */
import type { Attack, AttackRequest, Loot } from './attack.ts';

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
    (loot: Loot): AttackRequest => ({
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

export const ROUTE_ATTACKS: readonly Attack[] = ROUTES.flatMap(routeAttacks);
