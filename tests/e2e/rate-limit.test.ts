/** `proxy.rate_limit` and `proxy.routes[].rate_limit`: who is counted, when it is too much, and when there is room again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startOrderSidecar } from '../security/order-sidecar.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { type ManualTime, manualTime } from '../support/manual-time.ts';
import type { WireAnswer } from '../support/wire.ts';

const OPEN = '  authz: { enabled: false }';

async function start(proxy: string): Promise<{ ingress: Ingress; time: ManualTime } & AsyncDisposable> {
  const time = manualTime();
  const ingress = await startIngress({ proxy: `${OPEN}\n${proxy}`, clock: time.clock });
  return { ingress, time, [Symbol.asyncDispose]: () => ingress[Symbol.asyncDispose]() };
}

const as = (ingress: Ingress, changes: Readonly<Record<string, unknown>>, headers: readonly string[] = []) =>
  ingress.send({ headers: ['Authorization', `Bearer ${ingress.token(changes)}`, ...headers] });

/** How many of these get through, one after the other. */
async function served(times: number, send: (index: number) => Promise<WireAnswer>): Promise<number> {
  let passed = 0;
  for (let i = 0; i < times; i += 1) if ((await send(i)).status === 200) passed += 1;
  return passed;
}

async function limited(ingress: Ingress, step: () => Promise<WireAnswer>): Promise<string | undefined> {
  let answer: WireAnswer | undefined;
  await ingress.refused('rate_limited', async () => {
    answer = await step();
    return answer;
  });
  return answer?.headers['retry-after'];
}

describe('proxy.rate_limit', () => {
  const SLOW = '  rate_limit: { enabled: true, requests_per_second: 1, burst: 3 }';

  test('the request after the burst is 429 with Retry-After, reaches nobody, and there is room again in time', async () => {
    await using started = await start(SLOW);
    const { ingress, time } = started;
    assert.equal(await served(3, () => ingress.send()), 3);
    assert.equal(await limited(ingress, () => ingress.send()), '1');
    time.advance(999);
    assert.equal(await limited(ingress, () => ingress.send()), '1');
    time.advance(1);
    assert.equal(await served(2, () => ingress.send()), 1);
  });

  test('the wall clock does not matter', async () => {
    await using started = await start(SLOW);
    const { ingress, time } = started;
    assert.equal(await served(3, () => ingress.send()), 3);
    time.stepWallClock(60_000);
    await limited(ingress, () => ingress.send());
  });

  for (const disabled of ['', '  rate_limit: { enabled: false, requests_per_second: 1, burst: 3 }']) {
    test(`${disabled === '' ? 'without the key' : 'with enabled: false'} nobody is counted`, async () => {
      await using started = await start(disabled);
      assert.equal(await served(6, () => started.ingress.send()), 6);
    });
  }

  test('without burst, it is what may come in a second', async () => {
    await using started = await start('  rate_limit: { enabled: true, requests_per_second: 2 }');
    assert.equal(await served(4, () => started.ingress.send()), 2);
  });

  test('C-115 by: ip counts the address of the socket before any token is read; no header changes it', async () => {
    await using started = await start(`${SLOW.slice(0, -2)}, by: ip }`);
    const { ingress } = started;
    const forge = (i: number) => ['X-Forwarded-For', `192.0.2.${i}`, 'Forwarded', `for=192.0.2.${i}`];
    for (let i = 0; i < 3; i += 1) {
      await ingress.refused('token_missing', () =>
        ingress.send({ headers: ['Authorization', 'Basic x', ...forge(i)] }),
      );
    }
    await limited(ingress, () => as(ingress, { sub: 'another' }, forge(9)));
  });

  test('by: user counts all tokens of one user together, and others apart', async () => {
    await using started = await start(`${SLOW.slice(0, -2)}, by: user }`);
    const { ingress } = started;
    assert.equal(await served(5, (i) => as(ingress, { sub: 'alice', jti: `t-${i}`, azp: `app-${i}` })), 3);
    assert.equal(await served(5, () => as(ingress, { sub: 'bob' })), 3);
    await limited(ingress, () => as(ingress, { sub: 'alice' }));
  });

  test('by: user does not let one who is refused use up what another may ask', async () => {
    await using started = await start(`${SLOW.slice(0, -2)}, by: user }`);
    const { ingress } = started;
    for (let i = 0; i < 5; i += 1) {
      await ingress.refused('token_aud_mismatch', () => as(ingress, { sub: 'alice', aud: 'other' }));
    }
    assert.equal(await served(3, () => as(ingress, { sub: 'alice' })), 3);
  });

  test('by: token counts each token for itself, whatever its signature is', async () => {
    await using started = await start(`${SLOW.slice(0, -2)}, by: token }`);
    const { ingress } = started;
    assert.equal(await served(5, () => as(ingress, { jti: 'one' })), 3, 'one token, signed five times');
    assert.equal(await served(5, () => as(ingress, { jti: 'two' })), 3);
  });

  test('by: user, on a route without authentication who is nobody is counted by address', async () => {
    const route = '  routes: [{ path: /open, auth_required: false }, { path: /** }]';
    await using started = await start(`${SLOW.slice(0, -2)}, by: user }\n${route}`);
    const { ingress } = started;
    const anonymous = () => ingress.send({ target: '/open', headers: ['Authorization', 'Basic x'] });
    assert.equal(await served(5, anonymous), 3);
    assert.equal(await served(1, () => ingress.send()), 1);
  });

  test('by: peer counts the identity of the certificate, not the certificate', async () => {
    const time = manualTime(Date.now());
    await using order = await startOrderSidecar({ proxy: `${SLOW.slice(0, -2)}, by: peer }`, clock: time.clock });
    const renewed = order.zone.issue({
      subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
      uris: ['spiffe://example.org/zone1/api-gateway'],
    });
    const legacy = order.zone.issue({ subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }] });
    assert.equal(await served(4, (i) => order.send({}, i % 2 === 0 ? order.gateway : renewed)), 3);
    await order.refused('rate_limited', () => order.send({}, renewed));
    assert.equal(await served(1, () => order.send({}, legacy)), 1);
  });
});

describe('proxy.routes[].rate_limit', () => {
  const ROUTES = '  routes: [{ path: /login, rate_limit: 2/m }, { path: /** }]';
  const login = (ingress: Ingress) => ingress.send({ target: '/login' });

  test('counts its own route only, and fills up in its own time', async () => {
    await using started = await start(ROUTES);
    const { ingress, time } = started;
    assert.equal(await served(2, () => login(ingress)), 2);
    assert.equal(await limited(ingress, () => login(ingress)), '30');
    assert.equal(await served(9, () => ingress.send()), 9);
    time.advance(30_000);
    assert.equal(await served(2, () => login(ingress)), 1);
  });

  test('holds beside the general one, and is counted the same way', async () => {
    await using started = await start(`${ROUTES}\n  rate_limit: { enabled: true, requests_per_second: 3, by: user }`);
    const { ingress } = started;
    assert.equal(await served(4, () => login(ingress)), 2);
    const alice = ingress.token({ sub: 'alice' });
    assert.equal(
      await served(4, () => ingress.send({ target: '/login', headers: ['Authorization', `Bearer ${alice}`] })),
      2,
    );
  });
});
