/** What a handler does: it is given the clients, and knows neither tokens nor addresses. */
import type { Receipt } from './adapters/out/http/receipt.ts';
import type { Clients } from './clients.ts';

export interface Order {
  readonly orderId: string;
  readonly productId: string;
  readonly quantity: number;
}

export async function placeOrder({ products, inventory, payments }: Clients, order: Order): Promise<Receipt> {
  const { priceCents } = await products.getProduct(order.productId);
  await inventory.reserve(order.productId, order.quantity);
  return await payments.charge(order.orderId, priceCents * order.quantity);
}
