/** product-service, as this service uses it. */
import { isJsonObject, type JsonValue } from '@sidegate/sdk';
import { operation, type ServiceClient } from '@sidegate/sdk/client';

export interface Product {
  readonly productId: string;
  readonly priceCents: number;
}

export interface Products {
  getProduct(productId: string): Promise<Product>;
}

const GET_PRODUCT = operation({
  method: 'GET',
  path: '/products/{productId}',
  scopes: ['product:read'],
  read: readProduct,
});

export class ProductClient implements Products {
  readonly #service: ServiceClient<'product:read'>;

  constructor(service: ServiceClient<'product:read'>) {
    this.#service = service;
  }

  getProduct(productId: string): Promise<Product> {
    return this.#service.call(GET_PRODUCT, { params: { productId } });
  }
}

function readProduct(answer: JsonValue): Product {
  const { product_id: productId, price_cents: priceCents } = isJsonObject(answer) ? answer : {};
  if (typeof productId !== 'string' || typeof priceCents !== 'number') {
    throw new TypeError('product-service answered with something that is no product');
  }
  return { productId, priceCents };
}
