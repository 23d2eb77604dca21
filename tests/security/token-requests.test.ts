/** What the token endpoint of a running issuer refuses, whoever asks. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ISSUER_REALMS, JOHN_PASSWORD, ORDER_SECRET } from '../support/realms.ts';
import { basic, johnLogin, orderBasic, orderService, type TokenRequestRow } from '../support/token-request.ts';
import { type IssuerAnswer, startAskedIssuer } from './asked-issuer.ts';

interface RefusedRow extends TokenRequestRow {
  readonly refused: readonly [status: number, error: string];
}

const REFUSED: readonly RefusedRow[] = [
  // the request
  { title: 'no grant_type', body: orderService, refused: [400, 'invalid_request'] },
  { title: 'an empty body', body: '', refused: [400, 'invalid_request'] },
  {
    title: 'C-205 a JSON body (SD-17)',
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: 'order-service', client_secret: ORDER_SECRET }),
    contentType: 'application/json',
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-205 a body of more than 64 KiB',
    body: `grant_type=client_credentials&${orderService}&x=${'x'.repeat(65_536)}`,
    refused: [413, 'invalid_request'],
  },
  {
    title: 'C-191 client credentials in the URI',
    query: `?${orderService}`,
    body: 'grant_type=client_credentials',
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-191 the client id in the URI',
    query: '?client_id=order-service',
    body: `grant_type=client_credentials&client_secret=${ORDER_SECRET}`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-191 the whole request in the URI',
    query: `?grant_type=client_credentials&${orderService}`,
    body: '',
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-191 the grant in the URI',
    query: '?grant_type=client_credentials',
    body: orderService,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-191 credentials in the URI beside good ones',
    query: `?${orderService}`,
    body: `grant_type=client_credentials&${orderService}`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-191 an empty query',
    query: '?',
    body: `grant_type=client_credentials&${orderService}`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read&scope=data-service:read`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter whose name is encoded',
    body: `grant_type=client_credentials&${orderService}&%67rant_type=client_credentials`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter without a value',
    body: `grant_type=client_credentials&${orderService}&scope=&scope`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated client_id',
    body: `grant_type=client_credentials&${orderService}&client_id=order-service`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated client_secret',
    body: `grant_type=client_credentials&${orderService}&client_secret=x`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter that nobody knows',
    body: `grant_type=client_credentials&${orderService}&x=1&x=2`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated resource, although RFC 8707 knows several',
    body: `grant_type=client_credentials&${orderService}&resource=urn:a&resource=urn:b`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-194 a repeated parameter whose name is encoded twice over',
    body: `grant_type=client_credentials&${orderService}&s%63ope=a&sco%70e=a`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'bad percent-encoding',
    body: `grant_type=client_credentials&${orderService}&scope=%zz`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'bad UTF-8',
    body: `grant_type=client_credentials&${orderService}&scope=%ff`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'raw bytes beyond ASCII',
    body: Buffer.from(`grant_type=client_credentials&${orderService}&scope=\xff`, 'latin1'),
    refused: [400, 'invalid_request'],
  },
  {
    title: 'an encoded line break',
    body: `grant_type=client_credentials&${orderService}&scope=a%0d%0ab`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'more parameters than any grant has',
    body: `grant_type=client_credentials&${orderService}${Array.from({ length: 40 }, (_, i) => `&p${i}=1`).join('')}`,
    refused: [400, 'invalid_request'],
  },

  // the client
  {
    title: 'C-192 Basic and body credentials at once',
    authorization: orderBasic,
    body: `grant_type=client_credentials&${orderService}`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-192 Basic and a wrong secret in the body',
    authorization: orderBasic,
    body: 'grant_type=client_credentials&client_secret=x',
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-192 a wrong Basic and good body credentials',
    authorization: basic('order-service', 'x'),
    body: `grant_type=client_credentials&${orderService}`,
    refused: [400, 'invalid_request'],
  },
  {
    title: 'C-192 Basic and body credentials of two clients',
    authorization: orderBasic,
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting',
    refused: [400, 'invalid_request'],
  },
  {
    title: 'a client_id beside another Basic client',
    authorization: orderBasic,
    body: 'grant_type=client_credentials&client_id=api-gateway',
    refused: [400, 'invalid_request'],
  },
  { title: 'no client at all', body: 'grant_type=client_credentials', refused: [401, 'invalid_client'] },
  {
    title: 'a client without its secret',
    body: 'grant_type=client_credentials&client_id=order-service',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 an unknown client',
    body: 'grant_type=client_credentials&client_id=nobody&client_secret=x',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 a wrong secret',
    body: 'grant_type=client_credentials&client_id=order-service&client_secret=x',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 the secret of another client',
    body: 'grant_type=client_credentials&client_id=order-service&client_secret=canary-reporting',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 a secret with a space behind it',
    body: `grant_type=client_credentials&${orderService}+`,
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 a secret in capitals',
    body: `grant_type=client_credentials&client_id=order-service&client_secret=${ORDER_SECRET.toUpperCase()}`,
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 a client id in capitals',
    body: `grant_type=client_credentials&client_id=ORDER-SERVICE&client_secret=${ORDER_SECRET}`,
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-193 a client whose name every object has',
    body: 'grant_type=client_credentials&client_id=__proto__&client_secret=x',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a disabled client',
    body: 'grant_type=client_credentials&client_id=retired&client_secret=canary-retired',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a bearer-only client with a secret and a service account',
    body: 'grant_type=client_credentials&client_id=called&client_secret=canary-called&audience=data-service',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a client that is only a resource',
    body: 'grant_type=client_credentials&client_id=data-service&client_secret=',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a wrong secret by Basic',
    authorization: basic('order-service', 'x'),
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'Basic that is not Base64',
    authorization: 'Basic !!!',
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'Basic without a colon',
    authorization: `Basic ${Buffer.from('order-service').toString('base64')}`,
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'another scheme than Basic',
    authorization: `Bearer ${ORDER_SECRET}`,
    body: 'grant_type=client_credentials',
    refused: [401, 'invalid_client'],
  },
  {
    title: 'C-201 an unsigned assertion beside a valid secret',
    body: `grant_type=client_credentials&${orderService}&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=e30.e30.`,
    refused: [401, 'invalid_client'],
  },
  {
    title: 'a public client with a secret',
    realm: 'users',
    body: `${johnLogin}&client_secret=x`,
    refused: [401, 'invalid_client'],
  },

  // the grant
  {
    title: 'C-195 grant_type=password outside a lab realm',
    body: 'grant_type=password&client_id=login-only&client_secret=canary-login&username=john&password=x',
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'C-195 grant_type=password of a client that may use it nowhere',
    body: `grant_type=password&${orderService}&username=john&password=x`,
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'C-195 grant_type=password in capitals in a lab realm',
    realm: 'users',
    body: johnLogin.replace('=password', '=PASSWORD'),
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'C-195 grant_type=password with a space in a lab realm',
    realm: 'users',
    body: johnLogin.replace('=password', '=password+'),
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'an unknown grant',
    body: `grant_type=authorization_code&${orderService}&code=x`,
    refused: [400, 'unsupported_grant_type'],
  },
  {
    title: 'client_credentials for a client without service account',
    body: 'grant_type=client_credentials&client_id=login-only&client_secret=canary-login',
    refused: [400, 'unauthorized_client'],
  },
  {
    title: 'client_credentials for a public client',
    realm: 'users',
    body: 'grant_type=client_credentials&client_id=web-app',
    refused: [400, 'unauthorized_client'],
  },
  {
    title: 'a password through a client without direct access',
    realm: 'users',
    body: `grant_type=password&client_id=batch&client_secret=canary-batch&username=john&password=${JOHN_PASSWORD}`,
    refused: [400, 'unauthorized_client'],
  },
  {
    title: 'a wrong password',
    realm: 'users',
    body: 'grant_type=password&client_id=web-app&username=john&password=x',
    refused: [400, 'invalid_grant'],
  },
  {
    title: 'an unknown user',
    realm: 'users',
    body: `grant_type=password&client_id=web-app&username=jane&password=${JOHN_PASSWORD}`,
    refused: [400, 'invalid_grant'],
  },
  {
    title: 'a login without password',
    realm: 'users',
    body: 'grant_type=password&client_id=web-app&username=john&password=',
    refused: [400, 'invalid_request'],
  },

  // scope and audience
  {
    title: 'C-196 a scope that the client does not have',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:write-payments`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a granted scope beside an ungranted one',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read+data-service:write-payments`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 the scope *',
    body: `grant_type=client_credentials&${orderService}&scope=*`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 S4-113 the scope * beside a granted one',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read+*`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 S4-113 a scope with a wildcard',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:*`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a granted scope in capitals',
    body: `grant_type=client_credentials&${orderService}&scope=DATA-SERVICE:READ`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 two spaces between granted scopes',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read++data-service:write`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 granted scopes joined by a comma',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:read,data-service:write`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a scope whose name every object has',
    body: `grant_type=client_credentials&${orderService}&scope=constructor`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-196 a scope that is never named',
    body: 'grant_type=client_credentials&client_id=quiet&client_secret=canary-quiet&scope=silent',
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'a scope of spaces',
    body: `grant_type=client_credentials&${orderService}&scope=+`,
    refused: [400, 'invalid_scope'],
  },
  {
    title: 'C-197 an unknown audience',
    body: `grant_type=client_credentials&${orderService}&audience=payment-service`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 an audience in capitals',
    body: `grant_type=client_credentials&${orderService}&audience=DATA-SERVICE`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 two audiences in one parameter',
    body: `grant_type=client_credentials&${orderService}&audience=data-service+payment-service`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a known audience beside an unknown resource',
    body: `grant_type=client_credentials&${orderService}&audience=data-service&resource=urn:x`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 an unknown resource',
    body: `grant_type=client_credentials&${orderService}&resource=https://data-service.zone3.local`,
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a resource that is no absolute URI',
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting&resource=data-service',
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a resource with a fragment',
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting&resource=https://reports.example.com/api%23x',
    refused: [400, 'invalid_target'],
  },
  {
    title: 'C-197 a client without any audience',
    body: 'grant_type=client_credentials&client_id=api-gateway&client_secret=canary-gateway',
    refused: [400, 'invalid_target'],
  },
];

const issuer = await startAskedIssuer(ISSUER_REALMS);
after(() => issuer[Symbol.asyncDispose]());

const FORM = 'application/x-www-form-urlencoded';
const TOKEN = '/realms/services/protocol/openid-connect/token';

describe('the token endpoint refuses', () => {
  for (const row of REFUSED) {
    const { realm = 'services', body, authorization, contentType = FORM, query = '' } = row;
    const [status, error] = row.refused;
    test(`${row.title} with ${status} ${error}`, async () => {
      const answer = await issuer.send({
        path: `/realms/${realm}/protocol/openid-connect/token${query}`,
        headers: { 'content-type': contentType, ...(authorization === undefined ? {} : { authorization }) },
        body,
      });
      assertRefused(answer, status, error);
      const lines = await issuer.logged(answer.caller);
      assert.deepEqual(
        lines.map(({ decision, error }) => [decision, error]),
        [['refused', error]],
      );
      assert.doesNotMatch(JSON.stringify(lines), /canary/);
    });
  }
});

for (const [title, headers] of [
  ['two Authorization headers', { authorization: [orderBasic, orderBasic] }],
  ['two Authorization headers of two clients', { authorization: [orderBasic, basic('reporting', 'canary-reporting')] }],
] as const) {
  test(`C-192 ${title} are 400 invalid_request`, async () => {
    const answer = await issuer.send({
      headers: { 'content-type': FORM, ...headers },
      body: 'grant_type=client_credentials',
    });
    assertRefused(answer, 400, 'invalid_request');
  });
}

for (const contentType of [
  'application/json; charset=utf-8',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded2',
  '',
  undefined,
]) {
  test(`C-205 a body of type ${contentType ?? 'nothing'} is 400`, async () => {
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    const body = `grant_type=client_credentials&${orderService}`;
    assertRefused(await issuer.send({ headers, body }), 400, 'invalid_request');
  });
}

test('C-205 a body of more than 64 KiB is 413, announced or not, and one of exactly 64 KiB is read', async () => {
  const form = `grant_type=client_credentials&${orderService}&x=`;
  const padded = (bytes: number) => form.padEnd(bytes, 'x');
  const headers = { 'content-type': FORM };
  const large = Buffer.from(padded(65_537));
  for (const body of [large, [large.subarray(0, 40_000), large.subarray(40_000)]]) {
    assertRefused(await issuer.send({ headers, body }), 413, 'invalid_request');
  }
  const { status, text } = await issuer.send({ headers, body: padded(65_536) });
  assert.equal(status, 200, text);
});

for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
  test(`C-205 ${method} is 405, also with everything in the URI`, async () => {
    for (const query of ['', `?grant_type=client_credentials&${orderService}`]) {
      const { status, headers, text } = await issuer.send({ method, path: TOKEN + query });
      assert.deepEqual([status, headers.allow, headers['cache-control']], [405, 'POST', 'no-store']);
      assert.doesNotMatch(text, /canary/);
    }
  });
}

test('C-205 the 21st failure of a caller within a minute is 429, and so is the right secret then', async () => {
  const attempt = (secret: string, caller: string) =>
    issuer.send({
      headers: { 'content-type': FORM },
      body: `grant_type=client_credentials&client_id=order-service&client_secret=${secret}`,
      caller,
    });
  for (let failure = 0; failure < 20; failure += 1) assert.equal((await attempt('x', '127.8.0.1')).status, 401);
  for (const secret of ['x', ORDER_SECRET]) {
    const answer = await attempt(secret, '127.8.0.1');
    assertRefused(answer, 429, 'temporarily_unavailable');
    assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d?$/);
  }
  assert.equal((await attempt(ORDER_SECRET, '127.8.0.2')).status, 200, 'another caller is not affected');
});

test('S2-33 another grant than the realm offers is 400, and its description says so', async () => {
  for (const grant of [
    'authorization_code',
    'password',
    'refresh_token',
    'CLIENT_CREDENTIALS',
    'client_credentials ',
  ]) {
    const body = `${new URLSearchParams({ grant_type: grant }).toString()}&${orderService}`;
    const { status, text } = await issuer.send({ headers: { 'content-type': FORM }, body });
    const expected = { error: 'unsupported_grant_type', error_description: 'Invalid grant type' };
    assert.deepEqual([status, JSON.parse(text)], [400, expected], grant);
  }
});

const UNKNOWN_OR_WRONG = ['nobody', 'order-service', 'retired', 'data-service', 'web-app', 'constructor'];

test('C-193 S2-34 an unknown client and a wrong secret get the same bytes', async () => {
  const answers = [];
  for (const id of UNKNOWN_OR_WRONG) {
    const body = `grant_type=client_credentials&client_id=${id}&client_secret=x`;
    const { status, headers, text } = await issuer.send({ headers: { 'content-type': FORM }, body });
    answers.push(JSON.stringify([status, { ...headers, date: '' }, text]));
  }
  assert.deepEqual([...new Set(answers)], answers.slice(0, 1));
  const [status, , text] = JSON.parse(answers[0] ?? '') as [number, unknown, string];
  assert.equal(status, 401);
  assert.deepEqual(JSON.parse(text), { error: 'invalid_client', error_description: 'Invalid credentials' });
});

test('C-193 S2-34 an unknown client and a wrong secret take about the same time', async () => {
  const times: Record<string, number[]> = { nobody: [], 'order-service': [] };
  for (let round = 0; round < 150; round += 1) {
    for (const [id, taken] of Object.entries(times)) {
      const body = `grant_type=client_credentials&client_id=${id}&client_secret=${'x'.repeat(40)}`;
      const start = performance.now();
      await issuer.send({ headers: { 'content-type': FORM }, body });
      taken.push(performance.now() - start);
    }
  }
  const [unknown = 0, wrong = 0] = Object.values(times).map((taken) => taken.sort((a, b) => a - b)[75]);
  // a machine that does other things meanwhile must not fail this; a secret that is stretched for known clients would
  assert.ok(unknown / wrong > 0.4 && unknown / wrong < 2.5, `medians ${unknown} ms and ${wrong} ms`);
});

test('C-205 tokens and refusals stay out of caches, and no output holds a secret', async () => {
  const body = `grant_type=client_credentials&${orderService}`;
  const { status, headers } = await issuer.send({ headers: { 'content-type': FORM }, body });
  assert.deepEqual([status, headers['cache-control'], headers.pragma], [200, 'no-store', 'no-cache']);
  assert.doesNotMatch(issuer.output(), /canary|eyJ/);
});

function assertRefused({ status, headers, text }: IssuerAnswer, expected: number, error: string): void {
  assert.deepEqual([status, JSON.parse(text).error], [expected, error], text);
  assert.deepEqual(Object.keys(JSON.parse(text)), ['error', 'error_description']);
  assert.equal(headers['content-type'], 'application/json');
  assert.deepEqual([headers['cache-control'], headers.pragma], ['no-store', 'no-cache']);
  assert.equal(headers['www-authenticate']?.startsWith('Basic '), expected === 401 ? true : undefined);
  assert.doesNotMatch(text, /canary|order-service/);
}
