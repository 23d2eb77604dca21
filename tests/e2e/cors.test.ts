/** `proxy.cors`: which pages of other origins may call, and what everybody else is told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHttpApp } from '../support/http-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import type { WireAnswer } from '../support/wire.ts';

const APP = 'https://app.example.com';
const OPEN = '  authz: { enabled: false }';
const CORS = `${OPEN}
  routes: [{ path: /orders, methods: [GET, PUT] }]
  cors:
    enabled: true
    allowed_origins: [${APP}, "http://localhost:5173"]
    allowed_methods: [GET, PUT]
    allowed_headers: [Authorization, X-Request-ID]
    exposed_headers: [X-Correlation-ID]
    max_age: 5m`;

function preflight(ingress: Ingress, origin: readonly string[], method = 'PUT', target = '/orders') {
  const asks = ['Access-Control-Request-Method', method, 'Access-Control-Request-Headers', 'authorization'];
  const headers = ['Authorization', 'Basic x', ...origin.flatMap((one) => ['Origin', one]), ...asks];
  return ingress.send({ method: 'OPTIONS', target, headers });
}

/** Every header about CORS, in lower case. */
function corsOf({ headers }: WireAnswer): Record<string, string> {
  const about = Object.entries(headers).filter(([name]) => name === 'vary' || name.startsWith('access-control-'));
  return Object.fromEntries(about);
}

describe('a preflight', () => {
  const REFUSED: readonly (readonly [title: string, origins: readonly string[]])[] = [
    ['of another origin', ['https://evil.example']],
    ['of an origin that ends like an allowed one', ['https://evil-app.example.com']],
    ['of an origin that begins like one', [`${APP}.evil.example`]],
    ['of an allowed host over http', ['http://app.example.com']],
    ['of an allowed host on another port', [`${APP}:8443`]],
    ['in another case', ['https://APP.example.com']],
    ['of null', ['null']],
    ['of no origin', []],
    ['of two origins', [APP, APP]],
  ];
  for (const [title, origins] of REFUSED) {
    test(`${title} is a request like any: 401, and no word that it may`, async () => {
      await using ingress = await startIngress({ proxy: CORS.replace('[GET, PUT] }]', '[GET, PUT, OPTIONS] }]') });
      let answer: WireAnswer | undefined;
      await ingress.refused('token_missing', async () => {
        answer = await preflight(ingress, origins);
        return answer;
      });
      assert.deepEqual(answer && corsOf(answer), { vary: 'Origin' });
    });
  }

  test('of an allowed origin is answered without a token, by us, and recorded', async () => {
    await using ingress = await startIngress({ proxy: CORS });
    const answer = await preflight(ingress, [APP]);
    assert.equal(answer.status, 204);
    assert.deepEqual(corsOf(answer), {
      vary: 'Origin',
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'Authorization, X-Request-ID',
      'access-control-expose-headers': 'X-Correlation-ID',
      'access-control-max-age': '300',
    });
    assert.equal(ingress.app.seen.length, 0);
    const [record = {}] = ingress.sidecar.audit;
    assert.deepEqual(
      [record['decision'], record['status'], record['reasons']],
      ['allow', 204, ['a preflight of an allowed origin']],
    );
    assert.equal(answer.headers['x-sidegate-decision'], record['request_id']);
  });

  test('asks about a route and its methods, and leaves nothing else to be found', async () => {
    await using ingress = await startIngress({ proxy: CORS });
    await ingress.refused('method_not_allowed', () => preflight(ingress, [APP], 'DELETE'));
    await ingress.refused('route_not_found', () => preflight(ingress, [APP], 'GET', '/unknown'));
    await ingress.refused('path_ambiguous', () => preflight(ingress, [APP], 'GET', '/x/../orders'));
  });

  test('an OPTIONS request that asks for no method, or has a body, is none', async () => {
    await using ingress = await startIngress({ proxy: CORS.replace('[GET, PUT] }]', '[OPTIONS] }]') });
    const headers = ['Authorization', 'Basic x', 'Origin', APP];
    await ingress.refused('token_missing', () => ingress.send({ method: 'OPTIONS', target: '/orders', headers }));
    const asks = [...headers, 'Access-Control-Request-Method', 'OPTIONS'];
    await ingress.refused('token_missing', () =>
      ingress.send({ method: 'OPTIONS', target: '/orders', headers: asks, body: 'x' }),
    );
  });

  for (const [title, proxy] of [
    ['enabled: false', CORS.replace('enabled: true', 'enabled: false')],
    ['no cors at all', OPEN],
  ] as const) {
    test(`with ${title} it goes to the service like any request, which says what it likes`, async () => {
      await using app = await startHttpApp((_request, response) => {
        response.writeHead(204, { 'Access-Control-Allow-Origin': '*' }).end();
      });
      await using ingress = await startIngress({
        proxy: proxy.replace('[GET, PUT] }]', '[GET, PUT, OPTIONS] }]'),
        upstreamPort: app.port,
      });
      await ingress.refused('token_missing', () => preflight(ingress, [APP]));
      const headers = ['Origin', APP, 'Access-Control-Request-Method', 'GET'];
      const answer = await ingress.send({ method: 'OPTIONS', target: '/orders', headers });
      assert.deepEqual([answer.status, corsOf(answer)], [204, { 'access-control-allow-origin': '*' }]);
      assert.equal(app.seen.length, 1);
    });
  }
});

describe('the answer to a request', () => {
  const TALKATIVE = {
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Credentials': 'true',
    Vary: 'Accept-Encoding',
  };
  const startTalkative = () => startHttpApp((_request, response) => void response.writeHead(200, TALKATIVE).end('{}'));

  test('says nothing to another origin, whatever the service says', async () => {
    await using app = await startTalkative();
    await using ingress = await startIngress({ proxy: CORS, upstreamPort: app.port });
    const answer = await ingress.send({ target: '/orders', headers: ['Origin', 'https://evil.example'] });
    assert.equal(answer.status, 200);
    assert.ok(!/access-control/i.test(answer.raw), answer.raw);
  });

  test('lets an allowed origin read it, once, and keeps caches apart', async () => {
    await using app = await startTalkative();
    await using ingress = await startIngress({ proxy: CORS, upstreamPort: app.port });
    const answer = await ingress.send({ target: '/orders', headers: ['Origin', APP] });
    const lines = answer.raw.split('\r\n').filter((line) => /^(?:vary|access-control)/i.test(line));
    assert.deepEqual(lines.sort(), [
      `Access-Control-Allow-Origin: ${APP}`,
      'Access-Control-Expose-Headers: X-Correlation-ID',
      'Vary: Accept-Encoding',
      'Vary: Origin',
    ]);
  });

  test('a refusal can be read by an allowed origin too', async () => {
    await using ingress = await startIngress({ proxy: CORS });
    const answer = await ingress.send({ target: '/orders', headers: ['Authorization', 'Basic x', 'Origin', APP] });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [401, APP]);
  });

  for (const [value, expected] of [
    ['true', 'true'],
    ['false', undefined],
  ] as const) {
    test(`allow_credentials: ${value} ${expected === undefined ? 'does not say' : 'says'} that credentials may be sent`, async () => {
      await using ingress = await startIngress({ proxy: `${CORS}\n    allow_credentials: ${value}` });
      const answer = await ingress.send({ target: '/orders', headers: ['Origin', APP] });
      assert.equal(answer.headers['access-control-allow-credentials'], expected);
    });
  }

  test('every origin is one answer for all, without credentials', async () => {
    const proxy = `${OPEN}\n  cors: { enabled: true, allowed_origins: ["*"] }`;
    await using ingress = await startIngress({ proxy });
    const answer = await ingress.send({ headers: ['Origin', 'https://anywhere.example'] });
    assert.deepEqual(corsOf(answer), { 'access-control-allow-origin': '*' });
    assert.equal((await preflight(ingress, ['https://anywhere.example'], 'DELETE')).status, 204);
  });
});
