/** What the sidecar does while others are down, keys change and time passes: it denies, and recovers by itself. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { describe, test } from 'node:test';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import { type Ingress, ONE_TARGET, startIngress } from '../support/ingress.ts';
import { bytes, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { manualTime } from '../support/manual-time.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { createSigningKey, keySetBytes } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest, type WireAnswer } from '../support/wire.ts';

const HOUR_MS = 3_600_000;
const DOWN: JwksServer['answer'] = (incoming) => incoming.socket.destroy();

function codeOf(answer: WireAnswer): string | undefined {
  return answer.status === 200 ? undefined : (JSON.parse(answer.body) as { code: string }).code;
}

/** Sends with this token until the outcome is there, or four seconds have gone. */
async function eventually(ingress: Ingress, token: string, code: string | undefined): Promise<WireAnswer> {
  const end = performance.now() + 4_000;
  for (;;) {
    const answer = await sendWith(ingress, token);
    if (codeOf(answer) === code || performance.now() > end) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const sendWith = (ingress: Ingress, token: string) => ingress.send({ headers: ['Authorization', `Bearer ${token}`] });

describe('the identity provider is down at the start', () => {
  test('C-064 S3-037 everything is 503 jwks_unavailable with Retry-After in whole seconds, and denied', async () => {
    await using keys = await startJwksServer(DOWN);
    await using ingress = await startIngress({ jwksUrl: `${keys.origin}/certs` });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      let answer: WireAnswer | undefined;
      await ingress.refused('jwks_unavailable', async () => {
        answer = await ingress.send();
        return answer;
      });
      assert.match(answer?.headers['retry-after'] ?? '', /^[1-9]\d?$/);
    }
    assert.ok(ingress.sidecar.audit.every(({ decision }) => decision === 'deny'));
    assert.match(ingress.sidecar.log(), /keys could not be loaded/);
  });

  test('S3-037 S3-089 it comes up, and requests are served without a restart', async () => {
    await using keys = await startJwksServer(DOWN);
    await using ingress = await startIngress({ jwksUrl: `${keys.origin}/certs` });
    await ingress.refused('jwks_unavailable', () => ingress.send());
    keys.answer = bytes(keySetBytes(ingress.issuerKey.jwk()));
    assert.equal((await eventually(ingress, ingress.token(), undefined)).status, 200);
    await ingress.sidecar.ready;
  });
});

describe('S3-150 the keys change, read again every second', { concurrency: true }, () => {
  const start = () => startIngress({ jwt: '  jwks_refresh_interval: 1s' });
  const next = createSigningKey('ES256', 'users-2');

  test('C-062 C-069 a removed key takes its tokens along, cached or not', async () => {
    await using ingress = await start();
    const cached = ingress.token();
    const fresh = ingress.token({ sub: 'user-456' });
    assert.equal((await sendWith(ingress, cached)).status, 200);
    ingress.jwks.answer = bytes(keySetBytes(next.jwk()));
    assert.equal(codeOf(await eventually(ingress, cached, 'token_key_not_found')), 'token_key_not_found');
    await ingress.refused('token_key_not_found', () => sendWith(ingress, fresh), [fresh]);
    assert.equal((await sendWith(ingress, ingress.token({}, { key: next }))).status, 200);
  });

  test('old and new key side by side: no request fails', async () => {
    await using ingress = await start();
    const [old, renewed] = [ingress.token(), ingress.token({}, { key: next })];
    assert.equal((await sendWith(ingress, old)).status, 200);
    ingress.jwks.answer = bytes(keySetBytes(ingress.issuerKey.jwk(), next.jwk()));
    const before = ingress.jwks.requests.length;
    do {
      for (const token of [renewed, old]) assert.equal((await sendWith(ingress, token)).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 20));
    } while (ingress.jwks.requests.length < before + 2);
  });

  const UNUSABLE: readonly (readonly [title: string, answer: JwksServer['answer']])[] = [
    ['no connection', DOWN],
    ['500', bytes('down', 'text/plain', 500)],
    ['HTML', bytes('<html>', 'text/html')],
    ['no keys', bytes('{"keys":[]}')],
  ];
  for (const [title, answer] of UNUSABLE) {
    test(`C-065 ${title}: the last good keys stay`, async () => {
      await using ingress = await start();
      const before = ingress.jwks.requests.length;
      ingress.jwks.answer = answer;
      await until(
        () => ingress.jwks.requests.length > before && /keys could not be loaded/.test(ingress.sidecar.log()),
      );
      assert.match(ingress.sidecar.log(), /keys could not be loaded/);
      assert.equal((await ingress.send()).status, 200);
    });
  }
});

describe('time passes', () => {
  test('C-062 S3-090 a token that was accepted is refused after its exp', async () => {
    const time = manualTime();
    await using ingress = await startIngress({ clock: time.clock });
    const token = ingress.token();
    assert.equal((await sendWith(ingress, token)).status, 200);
    time.advance(304_000);
    assert.equal((await sendWith(ingress, token)).status, 200, 'within the skew');
    time.advance(2_000);
    await ingress.refused('token_expired', () => sendWith(ingress, token), [token]);
  });

  test('C-062 it stays refused when the clock is set back', async () => {
    const time = manualTime();
    await using ingress = await startIngress({ clock: time.clock });
    const token = ingress.token();
    assert.equal((await sendWith(ingress, token)).status, 200);
    time.advance(310_000);
    time.stepWallClock(-310_000);
    await ingress.refused('token_expired', () => sendWith(ingress, token), [token]);
  });

  test('a client certificate that expires while its connection is open is 403 peer_certificate_expired', async () => {
    const time = manualTime(Date.now());
    await using order = await startOrderSidecar({ clock: time.clock });
    using agent = keptAlive(order);
    const ask = () => get(agent.agent, order);
    assert.deepEqual(await ask(), { status: 200, code: undefined, reused: false });
    time.advance(25 * HOUR_MS);
    assert.deepEqual(await ask(), { status: 403, code: 'peer_certificate_expired', reused: true });
    assert.deepEqual(await ask(), { status: 403, code: 'peer_certificate_expired', reused: true });
    assert.deepEqual(
      order.sidecar.audit.map(({ decision }) => decision),
      ['allow', 'deny', 'deny'],
    );
  });
});

function keptAlive(order: OrderSidecar) {
  const { certPem: cert, keyPem: key } = order.gateway;
  const options = { keepAlive: true, maxSockets: 1, ca: order.zone.certPem, cert, key, servername: 'localhost' };
  const agent = new https.Agent(options);
  return { agent, [Symbol.dispose]: () => agent.destroy() };
}

function get(agent: https.Agent, order: OrderSidecar): Promise<object> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${order.userToken()}` };
    const request = https.get({ port: order.sidecar.ingressPort, agent, headers }, (response) => {
      void response.toArray().then((chunks) => {
        const { code } = JSON.parse(chunks.join('')) as { code?: string };
        resolve({ status: response.statusCode, code, reused: request.reusedSocket });
      }, reject);
    });
    request.on('error', reject);
  });
}

describe('the token endpoint is down', () => {
  test('S3-037 local calls are 503 idp_unavailable and nothing is sent; it comes back, and they are served', async () => {
    const time = manualTime();
    await using issuer = await startTokenEndpoint(() => 'reset');
    await using target = await startIngress();
    await using ingress = await startIngress({
      clock: time.clock,
      env: { TARGET: `http://127.0.0.1:${target.app.port}`, TOKEN_URL: issuer.url, SECRET: 'canary-secret' },
      chapters: ONE_TARGET,
    });
    const call = () => sendRequest({ port: ingress.sidecar.egressPort }, { target: '/data/x' });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const answer = await call();
      assert.deepEqual([answer.status, codeOf(answer)], [503, 'idp_unavailable']);
      assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d?$/);
    }
    assert.equal(issuer.requests.length, 1, 'an endpoint that is down is left alone for a while');
    assert.deepEqual(target.app.seen, []);
    issuer.answer = () => ({ body: { access_token: 'a.b.c', token_type: 'Bearer', expires_in: 300 } });
    time.advance(10_000);
    assert.equal((await call()).status, 200);
    assert.deepEqual(
      ingress.sidecar.audit.map(({ decision }) => decision),
      ['deny', 'deny', 'deny', 'allow'],
    );
    assert.ok(!`${ingress.sidecar.log()}${JSON.stringify(ingress.sidecar.audit)}`.includes('canary-secret'));
  });
});
