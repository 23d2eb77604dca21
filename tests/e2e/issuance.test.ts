/** What every token of the authority says, and what it is worth to whom. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import type { KeycloakClient } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { type AuthorityFolder, authorityFolder } from '../support/authority.ts';
import { freePort } from '../support/free-port.ts';
import { startHttpApp } from '../support/http-app.ts';
import type { IssuerProcess } from '../support/issuer-process.ts';
import { audienceMapper } from '../support/realms.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { sendRequest } from '../support/wire.ts';

const service = (clientId: string, ...audiences: string[]): KeycloakClient => ({
  clientId,
  serviceAccountsEnabled: true,
  secret: `secret-of-${clientId}`,
  protocolMappers: audiences.map(audienceMapper),
});

describe('a token of the authority', () => {
  const started = new AsyncDisposableStack();
  let folder: AuthorityFolder;
  let authority: IssuerProcess;
  let issuer = '';
  before(async () => {
    const port = await freePort();
    issuer = `http://127.0.0.1:${port}/realms/services`;
    folder = started.use(
      await authorityFolder({
        baseUrl: `http://127.0.0.1:${port}`,
        signing: 'algorithms: [RS256]',
        realms: [
          {
            realm: 'services',
            clients: [
              service('checkout-service', 'order-service'),
              service('order-service', 'inventory-service'),
              service('lost-service'),
            ],
          },
        ],
      }),
    );
    authority = started.use(await folder.start('--addr', `127.0.0.1:${port}`));
  });
  after(() => started.disposeAsync());

  const request = (client: string, form: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${authority.url}/realms/services/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client,
        client_secret: `secret-of-${client}`,
        ...form,
      }),
    });
  const tokenOf = async (client: string): Promise<string> => {
    const { access_token: token } = (await (await request(client)).json()) as { access_token: string };
    return token;
  };

  test('S4-071 is never without an audience: who has none is refused, and so is one that is not configured', async () => {
    for (const [client, form] of [
      ['lost-service', {}],
      ['checkout-service', { audience: 'inventory-service' }],
    ] as const) {
      const response = await request(client, form);
      const { error } = (await response.json()) as { error: string };
      assert.deepEqual([response.status, error], [400, 'invalid_target']);
    }
  });

  test('S4-049 names who asked for it, whomever else the request names', async () => {
    const borrowed = await request('order-service', { client_secret: 'secret-of-checkout-service' });
    assert.equal(borrowed.status, 401);
    const asked = await request('order-service', {
      iss: 'checkout-service',
      sub: 'checkout-service',
      azp: 'checkout-service',
    });
    const { access_token: token } = (await asked.json()) as { access_token: string };
    const { iss, azp, client_id: client } = decodeJwt(token);
    assert.deepEqual([iss, azp, client], [issuer, 'order-service', 'order-service']);
  });

  test('S4-037 S4-040 S4-095 is signed by RS256 with a kid, and the published key alone verifies it', async () => {
    const token = await tokenOf('checkout-service');
    const keys = (await (
      await fetch(`${authority.url}/realms/services/protocol/openid-connect/certs`)
    ).json()) as JSONWebKeySet;
    const { alg, kid } = decodeProtectedHeader(token);
    assert.equal(alg, 'RS256');
    const [key, ...others] = keys.keys;
    assert.deepEqual(
      [key?.kid, key?.kty, key?.['use'], key?.alg, key?.['e'], others.length],
      [kid, 'RSA', 'sig', 'RS256', 'AQAB', 0],
    );
    assert.deepEqual(
      Object.keys(key ?? {}).filter((member) => ['d', 'p', 'q', 'dp', 'dq', 'qi'].includes(member)),
      [],
    );
    await jwtVerify(token, createLocalJWKSet(keys), { issuer, audience: 'order-service' });
  });

  test('S4-038 S4-043 S4-044 S4-045 S4-046 is for one service, for 300 seconds, and is no other token', async () => {
    const now = Math.floor(Date.now() / 1000);
    const tokens: JWTPayload[] = (await Promise.all(Array.from({ length: 20 }, () => tokenOf('checkout-service')))).map(
      (token) => decodeJwt(token),
    );
    for (const { aud, iat = 0, exp = 0 } of tokens) {
      assert.deepEqual([aud, exp - iat], ['order-service', 300]);
      assert.ok(iat >= now && iat <= Math.floor(Date.now() / 1000));
    }
    assert.equal(new Set(tokens.map(({ jti }) => jti)).size, 20);
    assert.ok(tokens.every(({ jti = '' }) => Buffer.from(jti, 'base64url').length >= 16));
  });

  describe('at a sidecar of another service', () => {
    let inventory: TestSidecar;
    before(async () => {
      const app = started.use(await startHttpApp());
      inventory = started.use(
        await startTestSidecar({
          files: {},
          yaml: `
http: { addr: 127.0.0.1:0 }
jwt: { issuer: "${issuer}", audience: inventory-service }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${app.port}" }
  authz: { enabled: false }
`,
        }),
      );
      await inventory.ready;
    });

    const status = async (token: string): Promise<string> => {
      const answer = await sendRequest(
        { port: inventory.ingressPort },
        { target: '/stock', headers: ['Authorization', `Bearer ${token}`] },
      );
      return `${answer.status} ${/"code":"(\w+)"/.exec(answer.body)?.[1] ?? ''}`.trim();
    };

    test('S4-069 S4-070 S4-072 is worth nothing: what was issued for order-service is refused, its own is served', async () => {
      assert.equal(await status(await tokenOf('checkout-service')), '401 token_aud_mismatch');
      assert.equal(await status(await tokenOf('order-service')), '200');
    });
  });
});
