/** One client for each operation: none of them can do what it is not for. */
import { clientCredentials, serviceClient } from '@sidegate/sdk/client';
import { settings } from './settings.js';

interface Registration {
  readonly clientId: string;
  readonly clientSecret: string;
}

export class PaymentChargeClient {
  private readonly http;

  constructor(registration: Registration) {
    const credentials = clientCredentials({ ...registration, audience: 'payment-service', scope: 'payment:charge' });
    this.http = serviceClient({ target: settings.paymentServiceUrl, credentials });
  }

  async charge(orderId: string, amountCents: number): Promise<void> {
    await this.http.fetch('/charge', { method: 'POST', body: JSON.stringify({ orderId, amountCents }) });
  }
}

export class PaymentRefundClient {
  private readonly http;

  constructor(registration: Registration) {
    const credentials = clientCredentials({ ...registration, audience: 'payment-service', scope: 'payment:refund' });
    this.http = serviceClient({ target: settings.paymentServiceUrl, credentials });
  }

  async refund(orderId: string, amountCents: number): Promise<void> {
    await this.http.fetch('/refund', { method: 'POST', body: JSON.stringify({ orderId, amountCents }) });
  }
}
