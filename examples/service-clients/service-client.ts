/** A client as a class that calls whichever service it is told: service-a of the second example, which has one registration for all. */
import { type JsonValue, type Runtime, systemRuntime } from '@sidegate/sdk';
import { type OAuthClient, oauthClient, serviceClient, type ServiceClient as TargetClient } from '@sidegate/sdk/client';
import type { Secret } from '@sidegate/sdk/settings';

export interface ServiceClientSettings {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Its token endpoint is `/token` below it. */
  readonly authServerUrl: string;
  /** PEM: the authorities of the services and of the auth server. */
  readonly ca?: string;
  /** The clock, timers and HTTP of the process by default. */
  readonly runtime?: Runtime;
}

export class ServiceClient {
  readonly #registration: OAuthClient;
  readonly #ca: { readonly ca?: string };
  readonly #services = new Map<string, TargetClient>();

  constructor({ clientId, clientSecret, authServerUrl, ca, runtime }: ServiceClientSettings) {
    this.#ca = ca === undefined ? {} : { ca };
    this.#registration = oauthClient({
      tokenUrl: `${authServerUrl}/token`,
      clientId,
      authentication: { method: 'client_secret_post', secret: clientSecret },
      runtime: runtime ?? systemRuntime(this.#ca),
    });
  }

  /** The token itself, for what is no HTTP call; calls get it by themselves. */
  async getToken(): Promise<string> {
    const request = { method: 'GET', url: new URL('https://nowhere.invalid'), headers: {}, body: undefined };
    try {
      const { authorization = '' } = await this.#registration.clientCredentials({ scopes: [] }).authorize(request);
      return authorization.replace(/^Bearer /, '');
    } catch (cause) {
      throw new Error('Failed to get service token', { cause });
    }
  }

  async callService(serviceUrl: string, endpoint: string): Promise<JsonValue> {
    await this.getToken();
    return await this.#serviceAt(serviceUrl).json(endpoint);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.close()));
    await this.#registration.close();
  }

  #serviceAt(serviceUrl: string): TargetClient {
    const known = this.#services.get(serviceUrl);
    if (known !== undefined) return known;
    const credentials = this.#registration.clientCredentials({ scopes: [] });
    const made = serviceClient({ target: serviceUrl, credentials, ...this.#ca });
    this.#services.set(serviceUrl, made);
    return made;
  }
}
