/** Token requests as bytes, for the rows of the token endpoint's tables. */

import { endpointUrl, type TestIdentityProvider } from './identity-provider.ts';
import { JOHN_PASSWORD, ORDER_SECRET } from './realms.ts';

export interface TokenRequestRow {
  readonly title: string;
  /** Default: `services`. */
  readonly realm?: 'users' | 'services';
  readonly body: string | Buffer;
  readonly authorization?: string;
  /** Default: the form encoding. */
  readonly contentType?: string;
  readonly query?: string;
}

export const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
/** In the body. */
export const orderService = `client_id=order-service&client_secret=${ORDER_SECRET}`;
export const orderBasic = basic('order-service', ORDER_SECRET);
/** A login, in the body. */
export const johnLogin = `grant_type=password&client_id=web-app&username=john&password=${JOHN_PASSWORD}`;

export function sendTokenRequest(
  provider: TestIdentityProvider,
  {
    realm = 'services',
    body,
    authorization,
    contentType = 'application/x-www-form-urlencoded',
    query = '',
  }: TokenRequestRow,
): Promise<Response> {
  return fetch(`${endpointUrl(provider, realm, 'token')}${query}`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...(authorization === undefined ? {} : { authorization }) },
    body,
  });
}
