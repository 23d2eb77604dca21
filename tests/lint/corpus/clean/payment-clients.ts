/** One client for each operation: none of them can do what it is not for. */
import { type OAuthClient, type ServiceClient, serviceClient } from '@sidegate/sdk/client';
import { settings } from './settings.js';

export class PaymentChargeClient {
  private readonly http: ServiceClient<'payment:charge'>;

  constructor(registration: OAuthClient) {
    const credentials = registration.clientCredentials({ scopes: ['payment:charge'], audience: 'payment-service' });
    this.http = serviceClient({ target: settings.paymentServiceUrl, credentials });
  }

  async charge(orderId: string, amountCents: number): Promise<void> {
    await this.http.json('/charge', { method: 'POST', body: JSON.stringify({ orderId, amountCents }) });
  }
}

export class PaymentRefundClient {
  private readonly http: ServiceClient<'payment:refund'>;

  constructor(registration: OAuthClient) {
    const credentials = registration.clientCredentials({ scopes: ['payment:refund'], audience: 'payment-service' });
    this.http = serviceClient({ target: settings.paymentServiceUrl, credentials });
  }

  async refund(orderId: string, amountCents: number): Promise<void> {
    await this.http.json('/refund', { method: 'POST', body: JSON.stringify({ orderId, amountCents }) });
  }
}
