/** Corpus A, 1 to 57, over mutual TLS: every hostile token against the real sidecar. What is bound to whom is in `binding.test.ts`. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { bytes } from '../support/jwks-server.ts';
import { tokenCorpus } from '../support/token-corpus.ts';
import { createSigningKey, hmac, keySetBytes, mint } from '../support/tokens.ts';
import { sendRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const USERS = 'https://keycloak.example.com/realms/users';
const SERVICES = 'https://keycloak.example.com/realms/services';
const JWT = `jwt:
  issuers:
    - { name: users, issuer: "${USERS}", audience: order-service, jwks_url: "\${JWKS}?users" }
    - { name: services, issuer: "${SERVICES}", audience: order-service, jwks_url: "\${JWKS}?services" }`;

/** Seconds; the sidecar's clock stands still there, so that rows at the edge of a limit stay at its edge. */
const NOW = Math.floor(Date.now() / 1000);
const clock = { now: () => NOW * 1000, monotonic: () => performance.now() };

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
    chapters: 'admin: { addr: "127.0.0.1:0" }',
    clock,
    keys: (request, response) => {
      const set = request.url?.endsWith('services') === true ? corpus.keySets.services : corpus.keySets.users;
      bytes(set)(request, response);
    },
  });
});
after(() => order[Symbol.asyncDispose]());

const send = (token: string) => order.send({ headers: ['Authorization', `Bearer ${token}`] });
/** What of a token must be seen nowhere; short ones are words that anything may hold. */
const secretsOf = (token: string): readonly string[] => (token.length < 100 ? [] : [token, token.slice(-60)]);

describe('hostile tokens', () => {
  /** What else a field value cannot hold, or ends it, is in the next table. */
  const sendable = corpus.rows.filter(([, , token]) => /^(?! )[\x20-\x7e]+(?<! )$/.test(token));
  for (const [title, code, token] of sendable) {
    test(`${title} is refused as ${code}`, async () => {
      await order.refused(code, () => send(token), secretsOf(token));
    });
  }

  test('most rows can be sent, so the table above is the corpus and not a remnant of it', () => {
    assert.ok(sendable.length > corpus.rows.length * 0.94, `${sendable.length} of ${corpus.rows.length}`);
  });

  test('the base token passes, so every refusal above has its own reason', async () => {
    assert.equal((await send(corpus.valid)).status, 200);
  });

  test('no token of the table is in the metrics', async () => {
    const { body } = await sendRequest({ port: order.sidecar.adminPort }, { target: '/metrics' });
    assert.match(body, /authz_requests_total/);
    for (const [, , token] of sendable) for (const secret of secretsOf(token)) assert.ok(!body.includes(secret));
  });
});

describe('hostile tokens that the message itself does not survive', () => {
  const [head = '', payload = '', signature = ''] = corpus.valid.split('.');
  const ROWS: readonly (readonly [title: string, code: ProblemCode, token: string])[] = [
    ['C-024 no segment at all', 'authorization_malformed', ''],
    ['C-025 a comma inside', 'authorization_malformed', `${head}.,${payload}.${signature}`],
    ['C-025 a tab inside', 'authorization_malformed', `${head}\t.${payload}.${signature}`],
    ['C-025 an accent inside', 'authorization_malformed', `${head}\xe9.${payload}.${signature}`],
    ['C-025 an accent in UTF-8 inside', 'authorization_malformed', `${head}.${payload}.\xc3\xa9${signature}`],
    ['C-025 a no-break space inside', 'authorization_malformed', `${head}.\xa0${payload}.${signature}`],
    ['C-025 a line feed inside', 'framing_invalid', `${head}.\n${payload}.${signature}`],
    ['C-025 a carriage return inside', 'framing_invalid', `${head}.\r${payload}.${signature}`],
    ['C-025 a line end inside', 'framing_invalid', `${head}.\r\n${payload}.${signature}`],
    ['C-025 a line that is folded inside', 'framing_invalid', `${head}.\r\n ${payload}.${signature}`],
    ['C-025 NUL inside', 'framing_invalid', `${head}.${payload}\0.${signature}`],
    ['C-025 a vertical tab behind', 'framing_invalid', `${corpus.valid}\x0b`],
    ['C-016 a kid of 64 KB', 'too_many_headers', corpus.header({ kid: 'k'.repeat(64 * 1024) })],
    ['C-050 a token of 64 KiB', 'too_many_headers', 'a'.repeat(64 * 1024)],
    ['C-052 claims 100,000 deep', 'too_many_headers', corpus.token({}, { rawPayload: '['.repeat(100_000) })],
  ];
  for (const [title, code, token] of ROWS) {
    test(`${title} is refused as ${code}`, async () => {
      await order.refused(code, () => send(token), secretsOf(token));
    });
  }
});

describe('hostile tokens that need more than one look', () => {
  test('C-009 jku and C-010 x5u open no connection', async () => {
    let connections = 0;
    await using server = net.createServer(() => (connections += 1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    for (const scheme of ['https', 'http', 'ftp']) {
      for (const member of ['jku', 'x5u', 'JKU', 'jwks_uri']) {
        const header = { [member]: `${scheme}://127.0.0.1:${port}/keys` };
        const forged = corpus.token({}, { key: corpus.keys.attacker, header });
        await order.refused('token_key_not_found', () => send(forged), [forged]);
        const underOurs = corpus.token({}, { key: corpus.keys.attacker, header: { ...header, kid: 'es' } });
        await order.refused('token_signature_invalid', () => send(underOurs), [underOurs]);
        assert.equal((await send(corpus.header(header))).status, 200);
      }
    }
    assert.equal(connections, 0);
  });

  test('C-012 a kid that is a path opens no file, whatever the token is signed with', async () => {
    using opened = watchedFiles();
    for (const kid of ['../../../dev/null', '/dev/null', order.sidecar.root, import.meta.filename]) {
      const forged = corpus.header({ alg: 'HS256', kid }, { sign: hmac('sha256', '') });
      await order.refused('token_key_not_found', () => send(forged), [forged]);
      await order.refused('token_key_not_found', () => send(corpus.header({ kid })));
    }
    assert.equal(opened.paths.length, 0, opened.paths.join());
    fs.readFileSync(import.meta.filename);
    assert.ok(opened.paths.includes(import.meta.filename), 'the watch sees what it is for');
  });

  for (const kid of ['k'.repeat(256), '"\\'.repeat(120), '\u202e\u200b\ufeffes', '\u{e0001}es', '<script>']) {
    test(`C-016 a kid that no key has is in the record escaped and short: ${JSON.stringify(kid).slice(0, 20)}`, async () => {
      const record = await order.refused('token_key_not_found', () => send(corpus.header({ kid })));
      const [reason = ''] = record['reasons'] as string[];
      assert.match(reason, /^[\x20-\x7e\u2026]+$/);
      const { length } = reason.replace(/^issuer users has no key "/, '').replaceAll(/\\u[0-9a-f]{4}|\\./g, '.');
      assert.ok(length <= 128 + 2, reason);
    });
  }

  test('C-017 a token without kid is refused when several keys fit', async () => {
    const [first, second] = [createSigningKey('ES256', 'a'), createSigningKey('ES256', 'b')];
    for (const jwks of [
      [first.jwk(), second.jwk()],
      [first.jwk({ alg: undefined }), second.jwk({ alg: undefined })],
      [first.jwk({ kid: undefined }), second.jwk()],
      [first.jwk({ kid: undefined }), second.jwk({ kid: undefined })],
    ]) {
      await using both = await startOrderSidecar({ keys: bytes(keySetBytes(...jwks)) });
      const token = mint(corpus.claims(), { key: first, header: { kid: undefined } });
      const headers = ['Authorization', `Bearer ${token}`];
      await both.refused('token_kid_required', () => both.send({ headers }), [token]);
    }
  });

  test('C-044 several audiences are refused where one is required', async () => {
    await using single = await startOrderSidecar({
      jwt: `jwt: { issuer: "${USERS}", audience: order-service, jwks_url: "\${JWKS}", validation: { single_audience: true } }`,
    });
    for (const aud of [
      ['order-service', 'payment-service'],
      ['payment-service', 'order-service'],
      ['order-service', 'order-service'],
      ['order-service', ''],
    ]) {
      const headers = ['Authorization', `Bearer ${single.userToken({ aud })}`];
      await single.refused('token_aud_multiple', () => single.send({ headers }));
    }
    for (const aud of ['order-service', ['order-service']]) {
      const headers = ['Authorization', `Bearer ${single.userToken({ aud })}`];
      assert.equal((await single.send({ headers })).status, 200);
    }
    const both = ['Authorization', `Bearer ${corpus.token({ aud: ['order-service', 'payment-service'] })}`];
    assert.equal((await order.send({ headers: both })).status, 200, 'elsewhere they are usual');
  });

  test('C-053 as many integer-like names as a token can hold cost less than a millisecond', async () => {
    const withNames = (names: number, first: number, key = corpus.keys.ed): string => {
      const members = Array.from({ length: names }, (_, index) => `"${index * 7 + first}":0,`).join('');
      return corpus.token({}, { key, rawPayload: `{${members}${JSON.stringify(corpus.claims()).slice(1)}` });
    };
    assert.equal((await send(withNames(650, 0))).status, 200);
    // Forged, so that the refusal comes behind the claims and before everything else.
    const durationMs = async (names: number): Promise<number> => {
      let best = Infinity;
      for (let round = 0; round < 12; round += 1) {
        const forged = withNames(names, round, { ...corpus.keys.attacker, kid: 'es' });
        const record = await order.refused('token_signature_invalid', () => send(forged), [forged]);
        best = Math.min(best, record['duration_ms'] as number);
      }
      return best;
    };
    const [few, many] = [await durationMs(1), await durationMs(650)];
    assert.ok(many - few < 1, `${many} ms instead of ${few} ms`);
  });

  test('C-054 claims named like prototype members are inert', async () => {
    for (const text of [
      '"__proto__":{"email":"admin@example.com"},"constructor":{"prototype":{"email":"x"}}',
      '"\\u005f_proto__":{"email":"admin@example.com"}',
      '"realm_access":{"__proto__":{"roles":["admin"]}},"toString":{"email":"x"},"hasOwnProperty":1,"valueOf":null',
    ]) {
      assert.equal((await send(corpus.rawClaims(text))).status, 200);
      const names = order.app.seen.at(-1)?.rawHeaders.map((name) => name.toLowerCase()) ?? [];
      assert.ok(!names.includes('x-user-email') && !names.includes('x-user-roles'));
      assert.ok(!('email' in {}) && !('roles' in {}));
    }
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

/** Every way of node:fs to look at a file, written down while it is watched. */
function watchedFiles() {
  const paths: string[] = [];
  const originals = { ...fs };
  const names = ['open', 'openSync', 'readFile', 'readFileSync', 'createReadStream', 'stat', 'statSync'] as const;
  const promised = ['open', 'readFile', 'stat'] as const;
  const promises = { ...fs.promises };
  const noting = (call: (...args: never[]) => unknown) =>
    function noted(this: unknown, ...args: never[]): unknown {
      paths.push(String(args[0]));
      return call.apply(this, args);
    };
  for (const name of names) Object.assign(fs, { [name]: noting(originals[name]) });
  for (const name of promised) Object.assign(fs.promises, { [name]: noting(promises[name]) });
  syncBuiltinESMExports();
  return {
    paths,
    [Symbol.dispose]() {
      for (const name of names) Object.assign(fs, { [name]: originals[name] });
      for (const name of promised) Object.assign(fs.promises, { [name]: promises[name] });
      syncBuiltinESMExports();
    },
  };
}
