/**
 * SD-05 with two realms that give the same names to different clients: a binding names the issuer, so the token of a
 * namesake from the other realm is refused although its signature, audience and client id are right.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { bytes } from '../support/jwks-server.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const REALMS = {
  users: { issuer: 'https://keycloak.example.com/realms/users', key: createSigningKey('ES256', 'users-1') },
  services: { issuer: 'https://keycloak.example.com/realms/services', key: createSigningKey('ES256', 'services-1') },
};
type Realm = keyof typeof REALMS;

const JWT = `jwt:
  issuers:
    - { name: users, issuer: "${REALMS.users.issuer}", audience: order-service, jwks_url: "\${JWKS}?users" }
    - { name: services, issuer: "${REALMS.services.issuer}", audience: order-service, jwks_url: "\${JWKS}?services" }`;

const GATEWAY = 'spiffe://example.org/zone1/api-gateway';
const entry = (binding: string): string => `identities:\n  ${GATEWAY}: ${binding}`;

function start(identities: string): Promise<OrderSidecar> {
  return startOrderSidecar({
    jwt: JWT,
    identities,
    keys: (request, response) => {
      const realm: Realm = request.url?.endsWith('services') === true ? 'services' : 'users';
      bytes(keySetBytes(REALMS[realm].key.jwk()))(request, response);
    },
  });
}

let order: OrderSidecar;
before(async () => {
  const forwards = `[{ client_id: web-app, issuer: "${REALMS.users.issuer}" }, batch]`;
  order = await start(
    entry(`{ client_id: api-gateway, issuer: "${REALMS.services.issuer}", may_forward: ${forwards} }`),
  );
});
after(() => order[Symbol.asyncDispose]());

function tokenOf(realm: Realm, azp: string): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: REALMS[realm].issuer, aud: 'order-service', sub: 'someone', azp, iat, exp: iat + 300 };
  return mint(claims, { key: REALMS[realm].key });
}

const send = (realm: Realm, azp: string) => order.send({ headers: ['Authorization', `Bearer ${tokenOf(realm, azp)}`] });

describe('a namesake in the other realm', () => {
  const ROWS: readonly (readonly [title: string, realm: Realm, azp: string])[] = [
    ["C-060 SD-05 of the certificate's own client", 'users', 'api-gateway'],
    ['C-061 SD-05 of a client that may be forwarded', 'services', 'web-app'],
    ['SD-05 of a client that may be forwarded from the realm of the entry', 'users', 'batch'],
  ];
  for (const [title, realm, azp] of ROWS) {
    test(`${title} is refused as identity_token_mismatch`, async () => {
      const token = tokenOf(realm, azp);
      const request = { headers: ['Authorization', `Bearer ${token}`] };
      await order.refused('identity_token_mismatch', () => order.send(request), [token]);
    });
  }

  test('the right realm passes, so it is the issuer alone that is refused above', async () => {
    for (const [realm, azp] of [
      ['services', 'api-gateway'],
      ['users', 'web-app'],
      ['services', 'batch'],
    ] as const) {
      assert.equal((await send(realm, azp)).status, 200, `${realm} ${azp}`);
    }
  });
});
