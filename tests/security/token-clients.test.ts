/** Whom the token endpoint of a running issuer refuses: clients that it cannot tell, and those who guess. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ISSUER_REALMS, ORDER_SECRET } from '../support/realms.ts';
import { basic, johnLogin, orderBasic, orderService } from '../support/token-request.ts';
import { startAskedIssuer } from './asked-issuer.ts';
import { assertRefused, describeRefused, FORM, type RefusedRow } from './refused-token-requests.ts';

const REFUSED: readonly RefusedRow[] = [
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
];

const issuer = await startAskedIssuer(ISSUER_REALMS);
after(() => issuer[Symbol.asyncDispose]());

describeRefused(issuer, REFUSED);

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

test('no output of the issuer holds a secret', () => {
  assert.doesNotMatch(issuer.output(), /canary|eyJ/);
});
