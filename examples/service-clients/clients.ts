/** The clients of order-service: made once at its start, shared by all requests, closed at its end. */
import { readFileSync } from 'node:fs';
import { type OAuthClient, oauthClient, type ServiceClient, serviceClient } from '@sidegate/sdk/client';
import type { Secret, SettingValues } from '@sidegate/sdk/settings';
import { type Inventory, InventoryClient } from './adapters/out/http/inventory-client.ts';
import {
  PaymentChargeClient,
  PaymentClient,
  PaymentRefundClient,
  type Payments,
} from './adapters/out/http/payment-client.ts';
import { ProductClient, type Products } from './adapters/out/http/product-client.ts';
import type { SETTINGS } from './settings.ts';

export interface Clients {
  readonly payments: Payments;
  readonly inventory: Inventory;
  readonly products: Products;
}

export interface OpenClients extends Clients, AsyncDisposable {}

interface Registered<Scope extends string> {
  readonly target: string;
  readonly id: string;
  readonly secret: Secret;
  readonly scope: Scope;
}

export function openClients(settings: SettingValues<typeof SETTINGS>): OpenClients {
  const closing: { close(): unknown }[] = [];
  const ca = settings.internal_ca_file === '' ? {} : { ca: readFileSync(settings.internal_ca_file, 'utf8') };
  const timeoutMs = settings.call_timeout;

  /** One registration with one scope for one target: what leaks with it is that and no more. */
  const client = <Scope extends string>({ target, id, secret, scope }: Registered<Scope>): ServiceClient<Scope> => {
    if (settings.service_mesh) {
      return kept(serviceClient({ target, mesh: true, scopes: [scope], timeoutMs }));
    }
    const registration = oauthClient({
      tokenUrl: settings.idp_token_url,
      clientId: id,
      authentication: { method: 'client_secret_post', secret },
    });
    const credentials = kept(registration).clientCredentials({ scopes: [scope] });
    return kept(serviceClient({ target, credentials, timeoutMs, ...ca }));
  };
  const kept = <Each extends ServiceClient | OAuthClient>(each: Each): Each => {
    closing.push(each);
    return each;
  };

  const charging = client({
    target: settings.payment_service_url,
    id: settings.payment_client_id,
    secret: settings.payment_client_secret,
    scope: 'payment:charge',
  });
  const refunding = client({
    target: settings.payment_service_url,
    id: settings.payment_refund_client_id,
    secret: settings.payment_refund_client_secret,
    scope: 'payment:refund',
  });
  const reserving = client({
    target: settings.inventory_service_url,
    id: settings.inventory_client_id,
    secret: settings.inventory_client_secret,
    scope: 'inventory:reserve',
  });
  const reading = client({
    target: settings.product_service_url,
    id: settings.product_client_id,
    secret: settings.product_client_secret,
    scope: 'product:read',
  });
  return {
    payments: new PaymentClient(new PaymentChargeClient(charging), new PaymentRefundClient(refunding)),
    inventory: new InventoryClient(reserving),
    products: new ProductClient(reading),
    async [Symbol.asyncDispose]() {
      await Promise.all(closing.map((each) => each.close()));
    },
  };
}
