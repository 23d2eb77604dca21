/** `proxy.auth.cookie_name`: the token of a browser, and the pages that may use it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { valuesOf } from '../support/http-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { sendRequest, type WireAnswer } from '../support/wire.ts';

const OPEN = '  authz: { enabled: false }';
const AUTH = `${OPEN}\n  auth: { cookie_name: session }`;
const PAGES = `${AUTH}
  cors: { enabled: true, allowed_origins: ["https://app.example.com"], allow_credentials: true }`;

const send = (ingress: Ingress, headers: readonly string[], method = 'GET'): Promise<WireAnswer> =>
  sendRequest(ingress.wire, { method, headers });

const cookie = (ingress: Ingress, name = 'session') => ['Cookie', `a=1; ${name}=${ingress.token()}; b=2`];

describe('refused', () => {
  const ROWS: readonly (readonly [
    title: string,
    code: ProblemCode,
    headers: (i: Ingress) => readonly string[],
    method?: string,
  ])[] = [
    ['C-077 a cookie of another name', 'token_missing', (i) => cookie(i, 'sessions')],
    ['a cookie in another case', 'token_missing', (i) => cookie(i, 'Session')],
    ['a token that is none', 'token_malformed', () => ['Cookie', 'session=abc']],
    [
      'S3-092 a token for another service',
      'token_aud_mismatch',
      (i) => ['Cookie', `session=${i.token({ aud: 'other' })}`],
    ],
    [
      'C-073 a token in the cookie beside one in the header',
      'invalid_request',
      (i) => [...cookie(i), 'Authorization', `Bearer ${i.token()}`],
    ],
    [
      'C-074 the cookie twice in one header',
      'duplicate_header',
      (i) => ['Cookie', `session=${i.token()}; session=${i.token()}`],
    ],
    ['C-074 the cookie in two headers', 'duplicate_header', (i) => [...cookie(i), ...cookie(i)]],
    ['a page of another origin', 'cross_site_request', (i) => [...cookie(i), 'Origin', 'https://evil.example']],
    [
      'a page of another origin, whose request is simple',
      'cross_site_request',
      (i) => [...cookie(i), 'Origin', 'https://evil.example'],
      'POST',
    ],
    ['a page without an origin', 'cross_site_request', (i) => [...cookie(i), 'Origin', 'null']],
    ['a page of two origins', 'cross_site_request', (i) => [...cookie(i), 'Origin', 'http://a', 'Origin', 'http://b']],
    ['a change that no page has signed', 'cross_site_request', (i) => cookie(i), 'POST'],
    ['a page of another port', 'cross_site_request', (i) => [...cookie(i), 'Host', 'a:1', 'Origin', 'http://a:2']],
  ];
  for (const [title, code, headers, method] of ROWS) {
    test(`${title} is ${code}`, async () => {
      await using ingress = await startIngress({ proxy: AUTH });
      const sent = headers(ingress);
      const secrets = sent.flatMap((text) => text.match(/ey[\w.-]{40,}/g) ?? []);
      await ingress.refused(code, () => send(ingress, sent, method), secrets);
    });
  }

  test("C-077 without the key a token in a cookie is ignored, and the cookie is the service's own", async () => {
    await using ingress = await startIngress({ proxy: OPEN });
    await ingress.refused('token_missing', () => send(ingress, cookie(ingress)));
    await ingress.send({ headers: ['Cookie', 'session=1; b=2'] });
    assert.deepEqual(valuesOf(ingress.app.seen.at(-1)?.rawHeaders ?? [], 'cookie'), ['session=1; b=2']);
  });

  test('CORS without credentials lets no page use the cookie', async () => {
    await using ingress = await startIngress({ proxy: PAGES.replace(', allow_credentials: true', '') });
    await ingress.refused('cross_site_request', () =>
      send(ingress, [...cookie(ingress), 'Origin', 'https://app.example.com']),
    );
  });
});

describe('accepted', () => {
  const ROWS: readonly (readonly [title: string, headers: readonly string[], method: string])[] = [
    ['a read without an origin', [], 'GET'],
    ['a read by our own page', ['Host', 'Shop.example', 'Origin', 'https://shop.example'], 'GET'],
    ['a change by our own page', ['Host', 'shop.example:8443', 'Origin', 'https://shop.example:8443'], 'POST'],
    ['a change by a page that CORS names', ['Origin', 'https://app.example.com'], 'DELETE'],
  ];
  for (const [title, headers, method] of ROWS) {
    test(`${title}, and the service gets the other cookies only`, async () => {
      await using ingress = await startIngress({ proxy: PAGES });
      assert.equal((await send(ingress, [...cookie(ingress), ...headers], method)).status, 200);
      assert.deepEqual(valuesOf(ingress.app.seen.at(-1)?.rawHeaders ?? [], 'cookie'), ['a=1; b=2']);
      assert.equal(ingress.sidecar.audit.at(-1)?.['user_id'], 'user-123');
    });
  }

  test('a cookie that was the only one leaves none behind', async () => {
    await using ingress = await startIngress({ proxy: AUTH });
    await send(ingress, ['Cookie', `session=${ingress.token()}`]);
    assert.deepEqual(valuesOf(ingress.app.seen.at(-1)?.rawHeaders ?? [], 'cookie'), []);
  });

  test('pass_token: true leaves the verified cookie where it is', async () => {
    await using ingress = await startIngress({ proxy: `${AUTH}\n  headers: { pass_token: true }` });
    const sent = cookie(ingress);
    assert.equal((await send(ingress, sent)).status, 200);
    assert.deepEqual(valuesOf(ingress.app.seen.at(-1)?.rawHeaders ?? [], 'cookie'), [sent[1]]);
  });

  test('the header still works, and takes no origin', async () => {
    await using ingress = await startIngress({ proxy: AUTH });
    assert.equal((await ingress.send({ method: 'POST' })).status, 200);
  });

  test('a public path takes the cookie away without reading it', async () => {
    await using ingress = await startIngress({
      proxy: `${AUTH}\n  headers: { pass_token: true }\n  public_paths: [/]`,
    });
    assert.equal((await send(ingress, ['Cookie', 'session=abc; b=2'])).status, 200);
    assert.deepEqual(valuesOf(ingress.app.seen.at(-1)?.rawHeaders ?? [], 'cookie'), ['b=2']);
  });
});
