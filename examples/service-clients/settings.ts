/** What order-service must be told before it starts: where the others are, and which registration calls each of them. */
import { boolean, duration, secret, string, url } from '@sidegate/sdk/settings';

/** Variables carry the same names in capitals: `PAYMENT_SERVICE_URL`. */
export const SETTINGS = {
  payment_service_url: url(),
  inventory_service_url: url(),
  product_service_url: url(),
  idp_token_url: url(),
  /** May charge, and nothing else. */
  payment_client_id: string(),
  payment_client_secret: secret(),
  /** May refund, and nothing else. */
  payment_refund_client_id: string(),
  payment_refund_client_secret: secret(),
  inventory_client_id: string(),
  inventory_client_secret: secret(),
  product_client_id: string(),
  product_client_secret: secret(),
  /** The authorities of internal services, PEM; empty: those that Node trusts. */
  internal_ca_file: string({ default: '' }),
  call_timeout: duration({ default: 5_000 }),
  /** Whether a sidecar shows the identity and encrypts: then there are no tokens here. */
  service_mesh: boolean({ default: false }),
};
