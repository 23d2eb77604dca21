/** payment-service, as this service uses it: one client for each operation, so that one that leaks can do one thing. */
import type { JsonValue } from '@sidegate/sdk';
import { operation, type ServiceClient } from '@sidegate/sdk/client';
import { type Receipt, readReceipt } from './receipt.ts';

/** What the handlers need; a fake has the same two methods. */
export interface Payments {
  charge(orderId: string, amountCents: number): Promise<Receipt>;
  refund(orderId: string, amountCents: number): Promise<Receipt>;
}

const CHARGE = operation({
  method: 'POST',
  path: '/charge',
  scopes: ['payment:charge'],
  movesMoney: true,
  read: (answer: JsonValue) => readReceipt(answer),
});
const REFUND = operation({
  method: 'POST',
  path: '/refund',
  scopes: ['payment:refund'],
  movesMoney: true,
  read: (answer: JsonValue) => readReceipt(answer),
});

export class PaymentChargeClient {
  readonly #service: ServiceClient<'payment:charge'>;

  constructor(service: ServiceClient<'payment:charge'>) {
    this.#service = service;
  }

  /** The order is the key: charged again, by whoever repeats it, it is charged once. */
  charge(orderId: string, amountCents: number): Promise<Receipt> {
    const body = { order_id: orderId, amount_cents: amountCents };
    return this.#service.call(CHARGE, { body, idempotencyKey: `charge-${orderId}` });
  }
}

export class PaymentRefundClient {
  readonly #service: ServiceClient<'payment:refund'>;

  constructor(service: ServiceClient<'payment:refund'>) {
    this.#service = service;
  }

  refund(orderId: string, amountCents: number): Promise<Receipt> {
    const body = { order_id: orderId, amount_cents: amountCents };
    return this.#service.call(REFUND, { body, idempotencyKey: `refund-${orderId}` });
  }
}

export class PaymentClient implements Payments {
  readonly #charging: PaymentChargeClient;
  readonly #refunding: PaymentRefundClient;

  constructor(charging: PaymentChargeClient, refunding: PaymentRefundClient) {
    this.#charging = charging;
    this.#refunding = refunding;
  }

  charge(orderId: string, amountCents: number): Promise<Receipt> {
    return this.#charging.charge(orderId, amountCents);
  }

  refund(orderId: string, amountCents: number): Promise<Receipt> {
    return this.#refunding.refund(orderId, amountCents);
  }
}
