/** One HTTP client for everything that is not ours. */
import got from 'got';

export class HttpGateway { // finds: one-client-per-domain
  constructor(private readonly tokens: { get(scope: string): Promise<string> }) {}

  private async headers(scope: string) {
    return { authorization: `Bearer ${await this.tokens.get(scope)}` };
  }

  async charge(orderId: string) {
    return got.post('http://payment-service/charge', {
      json: { orderId },
      headers: await this.headers('payment:charge'),
    });
  }

  async reserve(sku: string, count: number) {
    return got.post('http://inventory-service/reservations', {
      json: { sku, count },
      headers: await this.headers('inventory:reserve'),
    });
  }

  async ship(orderId: string) {
    return got.post('http://shipping-service/shipments', { json: { orderId } }); // finds: no-anonymous-service-call
  }
}
