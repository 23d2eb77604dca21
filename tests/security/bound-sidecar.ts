/** The order sidecar with callers of every kind: each has a certificate that the listener lets in. */
import type { TestCertificate } from '../support/certificates.ts';
import type { WireAnswer } from '../support/wire.ts';
import { type OrderSidecar, type OrderSidecarOptions, startOrderSidecar } from './order-sidecar.ts';

const ID = 'spiffe://example.org';
/** Certificates that the listener lets in: whom each stands for is written in the table, or nowhere. */
export const CERTIFICATES = {
  gateway: { uris: [`${ID}/zone1/api-gateway`], subject: [{ CN: 'api-gateway-client' }] },
  order: { uris: [`${ID}/zone2/order-service`], subject: [{ CN: 'order-service-client' }] },
  payment: { uris: [`${ID}/zone2/payment-service`], subject: [{ CN: 'payment-service-client' }] },
  unlisted: { uris: [`${ID}/zone2/report-service`], subject: [{ CN: 'report-service-client' }] },
  subjectOnly: { subject: [{ O: 'MyOrg' }, { CN: 'legacy-client' }] },
  twice: { uris: [`${ID}/zone2/stock`], subject: [{ CN: 'stock-client' }, { O: 'MyOrg' }] },
  contradicting: { uris: [`${ID}/zone2/ledger`], subject: [{ CN: 'billing-client' }, { O: 'MyOrg' }] },
} as const;
export type Holder = keyof typeof CERTIFICATES;

const ALLOWED = [
  ...Object.values(CERTIFICATES).flatMap((one) => ('uris' in one ? one.uris : [])),
  '"CN=legacy-client,O=MyOrg"',
];
export const IDENTITIES = `identities:
  ${ID}/zone1/api-gateway: { client_id: api-gateway, may_forward: [web-app] }
  ${ID}/zone2/order-service: order-service
  ${ID}/zone2/payment-service: payment-service
  "CN=legacy-client,O=MyOrg": legacy
  ${ID}/zone2/stock: stock
  "CN=stock-client,O=MyOrg": stock
  ${ID}/zone2/ledger: ledger
  "CN=billing-client,O=MyOrg": billing`;
const ROUTES = '[{ path: /public, auth_required: false, authz_required: false }, { path: /** }]';

export interface Bound extends AsyncDisposable {
  readonly order: OrderSidecar;
  readonly certificates: Readonly<Record<Holder, TestCertificate>>;
  /** Shows the holder's certificate and a token with these claims. */
  send(holder: Holder, token: string | undefined, headers?: readonly string[], target?: string): Promise<WireAnswer>;
}

/**
 * @param identities YAML of the chapter; empty = none
 * @param options more of the sidecar
 */
export async function startBound(identities: string, options: OrderSidecarOptions = {}): Promise<Bound> {
  const order = await startOrderSidecar({ allowedClients: ALLOWED, identities, routes: ROUTES, ...options });
  const issued = Object.entries(CERTIFICATES).map(([holder, options]) => [holder, order.zone.issue(options)] as const);
  const certificates = Object.fromEntries(issued) as Record<Holder, TestCertificate>;
  return {
    order,
    certificates,
    send: (holder, token, headers = [], target = '/orders') => {
      const credential = token === undefined ? [] : ['Authorization', `Bearer ${token}`];
      return order.send({ target, headers: [...credential, ...headers] }, certificates[holder]);
    },
    [Symbol.asyncDispose]: () => order[Symbol.asyncDispose](),
  };
}
