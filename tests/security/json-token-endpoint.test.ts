/** A realm for clients that send JSON: what it refuses, and that what it takes is worth no more than by a form. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { ORDER_SECRET, servicesRealm } from '../support/realms.ts';
import { type IssuerAnswer, startAskedIssuer } from './asked-issuer.ts';

const realm = servicesRealm();
const OLD = { 'sidegate.json_token_endpoint': 'true', 'sidegate.long_lived_tokens': 'true' };
const issuer = await startAskedIssuer([
  { ...realm, accessTokenLifespan: 3600, attributes: OLD },
  { ...realm, realm: 'strict' },
]);
after(() => issuer[Symbol.asyncDispose]());

const JSON_TYPE = 'application/json';
const GOOD = { grant_type: 'client_credentials', client_id: 'order-service', client_secret: ORDER_SECRET };

function send(
  body: unknown,
  contentType = JSON_TYPE,
  more: Readonly<Record<string, string>> = {},
): Promise<IssuerAnswer> {
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return issuer.send({ headers: { 'content-type': contentType, ...more }, body: bytes });
}

describe('C-205 what is not one object of texts is refused', () => {
  const text = JSON.stringify(GOOD);
  const ROWS: readonly (readonly [title: string, body: unknown, contentType?: string])[] = [
    ['nothing', ''],
    ['null', null],
    ['a list', [GOOD]],
    ['a text', text.slice(1, -1)],
    ['a number where a text is due', { ...GOOD, client_secret: 7 }],
    ['true where a text is due', { ...GOOD, client_secret: true }],
    ['a list where a text is due', { ...GOOD, client_secret: [ORDER_SECRET] }],
    ['an object where a text is due', { ...GOOD, client_secret: { $ne: '' } }],
    ['a member twice', `${text.slice(0, -1)},"client_id":"order-service"}`],
    ['a member twice, once escaped', `${text.slice(0, -1)},"client\\u005fid":"order-service"}`],
    ['a control character', { ...GOOD, scope: 'data-service:read\u0000' }],
    ['a control character in a name', { ...GOOD, 'a\nb': 'c' }],
    ['more than 32 members', { ...GOOD, ...Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`p${n}`, 'x'])) }],
    ['something behind it', `${text}{}`],
    ['a byte order mark', `\u{feff}${text}`],
    ['bytes that are no UTF-8', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')])],
    ['a comment', `/* */${text}`],
    ['deep nesting', '['.repeat(30_000)],
    ['a form that says it is JSON', new URLSearchParams(GOOD).toString()],
    ['JSON that says it is a form', text, 'application/x-www-form-urlencoded'],
    ['JSON in another character set', text, 'application/json; charset=utf-16'],
    ['another kind of JSON', text, 'application/problem+json'],
    ['JSON without a type', text, ''],
    ['no grant_type', { ...GOOD, grant_type: '' }],
  ];
  for (const [title, body, contentType] of ROWS) {
    test(title, async () => {
      const { status, text: answer, headers } = await send(body, contentType);
      assert.deepEqual([status, (JSON.parse(answer) as { error: string }).error], [400, 'invalid_request']);
      assert.equal(headers['cache-control'], 'no-store');
    });
  }

  test('more than 64 KiB', async () => assert.equal((await send({ ...GOOD, x: 'x'.repeat(65_536) })).status, 413));

  test('the client twice, in the header and in the body', async () => {
    const basic = `Basic ${Buffer.from(`order-service:${ORDER_SECRET}`).toString('base64')}`;
    assert.equal((await send(GOOD, JSON_TYPE, { authorization: basic })).status, 400);
  });
});

test('C-205 SD-17 a realm beside it takes no JSON', async () => {
  const headers = { 'content-type': JSON_TYPE };
  const path = '/realms/strict/protocol/openid-connect/token';
  assert.equal((await issuer.send({ path, headers, body: JSON.stringify(GOOD) })).status, 400);
});

test('C-193 by JSON, too, an unknown client and a wrong secret get the same bytes', async () => {
  const wrong = ['nobody', 'order-service', 'constructor', '__proto__'].map(async (id) => {
    const { status, text } = await send(`{"grant_type":"client_credentials","client_id":"${id}","client_secret":"x"}`);
    return `${status} ${text}`;
  });
  const answers = new Set(await Promise.all(wrong));
  assert.deepEqual([...answers], ['401 {"error":"invalid_client","error_description":"Invalid credentials"}']);
});

test('another grant is 400, and its description says so', async () => {
  const { status, text } = await send({ ...GOOD, grant_type: 'password' });
  const expected = { error: 'unsupported_grant_type', error_description: 'Invalid grant type' };
  assert.deepEqual([status, JSON.parse(text)], [400, expected]);
});

test('the start warns of it', () => {
  assert.match(issuer.output(), /sidegate\.json_token_endpoint.*token requests may be JSON, which no standard knows/);
});

interface Issued {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in: number;
}

test('S2-32 S2-36 a token for JSON, and for a form: 200, bearer, 3600', async () => {
  for (const answer of [
    await send(GOOD),
    await send(GOOD, 'Application/JSON; charset=UTF-8'),
    await send(new URLSearchParams(GOOD).toString(), 'application/x-www-form-urlencoded'),
  ]) {
    assert.equal(answer.status, 200, answer.text);
    const { token_type, expires_in } = JSON.parse(answer.text) as Issued;
    assert.deepEqual({ token_type, expires_in }, { token_type: 'bearer', expires_in: 3600 });
  }
});

test('S2-37 the token says that it is a client, and which; it ends when the answer says', async () => {
  const { access_token, expires_in } = JSON.parse((await send(GOOD)).text) as Issued;
  const claims = decodeJwt(access_token);
  assert.deepEqual([claims.sub, claims['client']], ['order-service', true]);
  assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), expires_in);
});

test('a token of a realm without that has neither', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const path = '/realms/strict/protocol/openid-connect/token';
  const { text } = await issuer.send({ path, headers, body: new URLSearchParams(GOOD).toString() });
  const { access_token, token_type } = JSON.parse(text) as Issued;
  const claims = decodeJwt(access_token);
  assert.deepEqual([token_type, claims.sub, claims['client']], ['Bearer', 'id-of-order-service', undefined]);
});
