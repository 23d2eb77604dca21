/** Corpus B, 71: keys that a discovery document names, RFC 8414 section 3.3: one issuer must not speak for another. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSigningKey, keySetBytes } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const GOOD = createSigningKey('ES256', 'users-1');
const attacker = createSigningKey('ES256', 'attacker');
const ATTACKERS_SET = keySetBytes(attacker.jwk());

const sendWith = (order: OrderSidecar, token: string) => order.send({ headers: ['Authorization', `Bearer ${token}`] });

describe('keys by discovery', () => {
  /** Serves the document that is made for its own origin, and behind it the keys: ours, or the attacker's. */
  async function start(
    document: (issuer: string) => unknown,
    ready = false,
  ): Promise<OrderSidecar & { asked: string[] }> {
    const asked: string[] = [];
    const order = await startOrderSidecar({
      jwt: 'jwt: { issuer: "${JWKS}", audience: order-service, jwks_refresh_interval: 1s }',
      ready,
      keys: ({ url = '', headers }, response) => {
        asked.push(url);
        const issuer = `http://${headers.host}/certs`;
        const set = url.includes('attacker') ? ATTACKERS_SET : keySetBytes(GOOD.jwk());
        response.end(url.endsWith('/.well-known/openid-configuration') ? JSON.stringify(document(issuer)) : set);
      },
    });
    return Object.assign(order, { asked });
  }
  const DOCUMENT_PATH = '/certs/.well-known/openid-configuration';
  const keysOf = (issuer: string, name: string): string => `${new URL(issuer).origin}/${name}`;

  const WRONG: readonly (readonly [title: string, document: (issuer: string) => unknown])[] = [
    ['of another issuer', () => ({ issuer: 'https://evil.example' })],
    ['of an issuer with a slash behind', (issuer) => ({ issuer: `${issuer}/` })],
    ['of an issuer in capitals', (issuer) => ({ issuer: issuer.replace('http', 'HTTP') })],
    ['of an issuer whose name begins like ours', (issuer) => ({ issuer: `${issuer}.evil` })],
    ['of our issuer without its path', (issuer) => ({ issuer: new URL(issuer).origin })],
    ['of a list of issuers', (issuer) => ({ issuer: [issuer] })],
    ['of an issuer that is null', () => ({ issuer: null })],
    ['of nobody', () => ({})],
  ];
  for (const [title, document] of WRONG) {
    test(`C-071 a document ${title} is refused: jwks_unavailable, and its keys are not asked for`, async () => {
      await using order = await start((issuer) => ({
        jwks_uri: keysOf(issuer, 'attacker'),
        ...(document(issuer) as object),
      }));
      for (const key of [attacker, GOOD]) {
        const token = order.userToken({ iss: `${order.jwks.origin}/certs` }, { key });
        await order.refused('jwks_unavailable', () => sendWith(order, token), [token]);
      }
      assert.deepEqual([...new Set(order.asked)], [DOCUMENT_PATH]);
      assert.match(order.sidecar.log(), /does not name the issuer/);
    });
  }

  for (const [title, jwksUri] of [
    ['on a host without TLS', 'http://169.254.169.254/keys'],
    ['with a password', 'https://user:canary-secret@idp.example.com/keys'],
    ['in a file', 'file:///etc/passwd'],
    ['that is a number', 1],
    ['that is missing', undefined],
  ] as const) {
    test(`C-071 a document with keys ${title} is refused: jwks_unavailable`, async () => {
      await using order = await start((issuer) => ({ issuer, jwks_uri: jwksUri }));
      const token = order.userToken({ iss: `${order.jwks.origin}/certs` }, { key: GOOD });
      await order.refused('jwks_unavailable', () => sendWith(order, token), [token, 'canary-secret']);
      assert.deepEqual([...new Set(order.asked)], [DOCUMENT_PATH]);
    });
  }

  test("C-071 a document that becomes another issuer's leaves the keys as they are", async () => {
    let evil = false;
    await using order = await start((issuer) => {
      const name = evil ? 'attacker' : 'keys';
      return { issuer: evil ? 'https://evil.example' : issuer, jwks_uri: keysOf(issuer, name) };
    }, true);
    const tokenOf = (key = GOOD) => order.userToken({ iss: `${order.jwks.origin}/certs` }, { key });
    assert.equal((await sendWith(order, tokenOf())).status, 200);
    evil = true;
    await until(() => /does not name the issuer/.test(order.sidecar.log()));
    assert.equal((await sendWith(order, tokenOf())).status, 200);
    await order.refused('token_key_not_found', () => sendWith(order, tokenOf(attacker)));
    assert.ok(!order.asked.includes('/attacker'));
  });
});
