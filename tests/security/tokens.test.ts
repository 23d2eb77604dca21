/** Corpus A, 1 to 62, over mutual TLS: every hostile token that fits into a header, against the real sidecar. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { bytes } from '../support/jwks-server.ts';
import { tokenCorpus } from '../support/token-corpus.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const USERS = 'https://keycloak.example.com/realms/users';
const SERVICES = 'https://keycloak.example.com/realms/services';
const JWT = `jwt:
  issuers:
    - { name: users, issuer: "${USERS}", audience: order-service, jwks_url: "\${JWKS}?users" }
    - { name: services, issuer: "${SERVICES}", audience: order-service, jwks_url: "\${JWKS}?services" }`;

/** Seconds; the sidecar's clock stands still there, so that rows at the edge of a limit stay at its edge. */
const NOW = Math.floor(Date.now() / 1000);

const corpus = tokenCorpus({
  users: USERS,
  services: SERVICES,
  audience: 'order-service',
  now: NOW,
});

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar({
    jwt: JWT,
    identities: `identities:
  spiffe://example.org/zone1/api-gateway: { client_id: api-gateway, issuer: "${USERS}", may_forward: [web-app] }`,
    clock: { now: () => NOW * 1000, monotonic: () => performance.now() },
    keys: (request, response) => {
      const set = request.url?.endsWith('services') === true ? corpus.keySets.services : corpus.keySets.users;
      bytes(set)(request, response);
    },
  });
});
after(() => order[Symbol.asyncDispose]());

const send = (token: string) => order.send({ headers: ['Authorization', `Bearer ${token}`] });

describe('hostile tokens', () => {
  /** A blank, a line end or a byte above ASCII ends the token before it is one; those rows are the verifier's own. */
  const sendable = corpus.rows.filter(([, , token]) => /^[\x21-\x7e]+$/.test(token));
  for (const [title, code, token] of sendable) {
    test(`${title} is refused as ${code}`, async () => {
      await order.refused(code, () => send(token), token.length < 100 ? [] : [token]);
    });
  }

  test('most rows can be sent, so the table above is the corpus and not a remnant of it', () => {
    assert.ok(sendable.length > corpus.rows.length * 0.85, `${sendable.length} of ${corpus.rows.length}`);
  });

  test('the base token passes, so every refusal above has its own reason', async () => {
    assert.equal((await send(corpus.valid)).status, 200);
  });
});

describe('hostile tokens that need more than one look', () => {
  test('C-009 jku and C-010 x5u open no connection', async () => {
    let connections = 0;
    await using server = net.createServer(() => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    for (const member of ['jku', 'x5u']) {
      const header = { [member]: `https://127.0.0.1:${port}/keys` };
      const forged = corpus.token({}, { key: corpus.keys.attacker, header });
      await order.refused('token_key_not_found', () => send(forged), [forged]);
      assert.equal((await send(corpus.header(header))).status, 200);
    }
    assert.equal(connections, 0);
  });

  test('C-017 a token without kid is refused when several keys fit', async () => {
    const [first, second] = [createSigningKey('ES256', 'a'), createSigningKey('ES256', 'b')];
    await using both = await startOrderSidecar({ keys: bytes(keySetBytes(first.jwk(), second.jwk())) });
    const token = mint(corpus.claims(), { key: first, header: { kid: undefined } });
    await both.refused('token_kid_required', () => both.send({ headers: ['Authorization', `Bearer ${token}`] }));
  });

  test('C-053 a token full of integer-like names is read like any other', async () => {
    const names = Array.from({ length: 650 }, (_, index) => `"${index * 7}":0`).join();
    const rawPayload = `{${names},${JSON.stringify(corpus.claims()).slice(1)}`;
    assert.equal((await send(corpus.token({}, { key: corpus.keys.ed, rawPayload }))).status, 200);
  });

  test('C-054 claims named like prototype members are inert', async () => {
    const token = corpus.rawClaims(
      '"__proto__":{"email":"admin@example.com"},"constructor":{"prototype":{"email":"x"}}',
    );
    assert.equal((await send(token)).status, 200);
    const seen = order.app.seen.at(-1);
    assert.ok(!seen?.rawHeaders.some((name) => name.toLowerCase() === 'x-user-email'));
  });

  test('C-061 a token of one issuer is worth nothing where another is configured, however often it was accepted', async () => {
    const elsewhere = createSigningKey('ES256', 'es');
    await using other = await startOrderSidecar({
      jwt: `jwt: { issuer: "${SERVICES}", audience: order-service, jwks_url: "\${JWKS}" }`,
      keys: bytes(keySetBytes(elsewhere.jwk())),
    });
    assert.equal((await send(corpus.valid)).status, 200);
    await other.refused(
      'token_issuer_mismatch',
      () => other.send({ headers: ['Authorization', `Bearer ${corpus.valid}`] }),
      [corpus.valid],
    );
  });
});
