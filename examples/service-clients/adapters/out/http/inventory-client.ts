/** inventory-service, as this service uses it. */
import { operation, type ServiceClient } from '@sidegate/sdk/client';

export interface Inventory {
  reserve(productId: string, quantity: number): Promise<void>;
}

const RESERVE = operation({
  method: 'POST',
  path: '/reservations',
  scopes: ['inventory:reserve'],
  read: () => undefined,
});

export class InventoryClient implements Inventory {
  readonly #service: ServiceClient<'inventory:reserve'>;

  constructor(service: ServiceClient<'inventory:reserve'>) {
    this.#service = service;
  }

  async reserve(productId: string, quantity: number): Promise<void> {
    await this.#service.call(RESERVE, { body: { product_id: productId, quantity } });
  }
}
