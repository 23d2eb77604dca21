/** Which requests the token endpoint of a running issuer refuses to read, whoever asks for what. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { ISSUER_REALMS, ORDER_SECRET } from '../support/realms.ts';
import { orderService } from '../support/token-request.ts';
import { startAskedIssuer } from './asked-issuer.ts';
import { assertRefused, describeRefused, FORM, type RefusedRow } from './refused-token-requests.ts';

const REFUSED: readonly RefusedRow[] = [
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
];

const issuer = await startAskedIssuer(ISSUER_REALMS);
after(() => issuer[Symbol.asyncDispose]());

const TOKEN = '/realms/services/protocol/openid-connect/token';

describeRefused(issuer, REFUSED);

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

test('C-205 tokens and refusals stay out of caches, and no output holds a secret', async () => {
  const body = `grant_type=client_credentials&${orderService}`;
  const { status, headers } = await issuer.send({ headers: { 'content-type': FORM }, body });
  assert.deepEqual([status, headers['cache-control'], headers.pragma], [200, 'no-store', 'no-cache']);
  assert.doesNotMatch(issuer.output(), /canary|eyJ/);
});
