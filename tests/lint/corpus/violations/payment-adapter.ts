import { Agent, request } from 'undici';
import { settings } from './settings.js';

interface TokenResponse {
  access_token: string;
  expires_in: number;
}

/** Fetches a token, keeps it until it is about to expire. */
export class PaymentAdapter {
  private token: string | undefined;
  private expiresAt = 0;
  private readonly dispatcher = new Agent({
    connect: { rejectUnauthorized: false, timeout: 2_000 }, // finds: no-disabled-tls-verification
  });

  async charge(orderId: string, amountCents: number): Promise<{ id: string }> {
    const { body } = await request(`${settings.paymentServiceUrl}/charge`, {
      method: 'POST',
      dispatcher: this.dispatcher,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await this.accessToken()}`,
      },
      body: JSON.stringify({ order_id: orderId, amount_cents: amountCents }),
    });
    return (await body.json()) as { id: string };
  }

  async status(chargeId: string): Promise<string> {
    const { body } = await request(`${settings.paymentServiceUrl}/charges/${chargeId}`, { dispatcher: this.dispatcher }); // finds: no-anonymous-service-call
    const answer = (await body.json()) as { status: string };
    return answer.status;
  }

  private async accessToken(): Promise<string> {
    if (this.token !== undefined && Date.now() < this.expiresAt) return this.token;
    const { body } = await request(settings.idpTokenUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: settings.paymentClientId,
        client_secret: settings.paymentClientSecret,
        scope: 'service', // finds: no-broad-scope
      }).toString(),
    });
    const answer = (await body.json()) as TokenResponse;
    this.token = answer.access_token; // finds: no-manual-token-cache
    this.expiresAt = Date.now() + answer.expires_in * 1000;
    return this.token;
  }
}
