/** The forbidden client, corrected: it cannot be made without a way to prove who calls. */
import { type Credentials, serviceClient } from '@sidegate/sdk/client';

export interface Product {
  readonly id: string;
  readonly name: string;
}

export class ProductClient {
  readonly #client;

  constructor(target: string, credentials: Credentials) {
    this.#client = serviceClient({ target, credentials });
  }

  async getProduct(productId: string): Promise<Product> {
    const response = await this.#client.fetch(`/products/${encodeURIComponent(productId)}`);
    if (!response.ok) throw new Error(`product-service answered ${response.status}`);
    return (await response.json()) as Product;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
