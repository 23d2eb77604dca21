import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ManualTime, manualTime } from '../../../../tests/support/manual-time.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../../../../tests/support/token-endpoint.ts';
import type { Problem } from '../problem.ts';
import { AccessToken } from './access-token.ts';
import { type ClientCredentialsGrant, obtainToken } from './client-credentials.ts';
import { createTokenSource, type TokenSource, type TokenSourceOptions } from './token-source.ts';

const SECOND = 1000;

interface Bench {
  readonly source: TokenSource;
  readonly time: ManualTime;
  readonly outcomes: (Problem | undefined)[];
  /** Waits until the endpoint's latest answers have arrived. */
  readonly settled: (count: number) => Promise<void>;
}

function bench(endpoint: TokenEndpoint, options: Partial<TokenSourceOptions> = {}): Bench {
  const time = manualTime();
  const { clock } = time;
  const outcomes: (Problem | undefined)[] = [];
  let wake = (): void => undefined;
  const grant: ClientCredentialsGrant = {
    tokenUrl: endpoint.url,
    clientId: 'order-service',
    authentication: { method: 'client_secret_post', secret: { reveal: () => 'secret' } },
    scopes: ['data-service:read'],
  };
  const source = createTokenSource({
    obtain: () => obtainToken(grant, { http: endpoint.http, clock }),
    clock,
    random: () => 0,
    onRefresh: (failure) => {
      outcomes.push(failure);
      wake();
    },
    ...options,
  });
  const settled = async (count: number): Promise<void> => {
    while (outcomes.length < count) await new Promise<void>((resolve) => (wake = resolve));
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { source, time, outcomes, settled };
}

/** An endpoint that issues token-1, token-2, … */
const issuing = (expiresIn: number | undefined = 300): Promise<TokenEndpoint> => {
  let count = 0;
  return startTokenEndpoint(() => ({
    body: { access_token: `token-${++count}`, token_type: 'bearer', expires_in: expiresIn },
  }));
};

const synchronous = (token: AccessToken | Promise<AccessToken>): string => {
  assert.ok(token instanceof AccessToken, 'the token is there at once');
  return token.reveal();
};

describe('a token source fails closed', () => {
  it('nothing is given out after the expiry, and the endpoint is asked at most every five seconds', async () => {
    await using endpoint = await issuing();
    const { source, time } = bench(endpoint);
    await source.token();
    endpoint.answer = () => ({ status: 503, body: '' });
    time.advance(300 * SECOND);
    await assert.rejects(async () => source.token(), { code: 'idp_unavailable' });
    for (let second = 0; second < 4; second++) {
      time.advance(1 * SECOND);
      await assert.rejects(async () => source.token(), { code: 'idp_unavailable', retryAfterSeconds: 4 - second });
    }
    assert.equal(endpoint.requests.length, 2);
    time.advance(1 * SECOND);
    await assert.rejects(async () => source.token(), { code: 'idp_unavailable' });
    assert.equal(endpoint.requests.length, 3);
  });

  it('the pause grows while the endpoint fails, and ends with its first success', async () => {
    await using endpoint = await startTokenEndpoint(() => 'reset');
    const { source, time } = bench(endpoint);
    for (const pause of [5, 10, 20, 30, 30]) {
      const before = endpoint.requests.length;
      await assert.rejects(async () => source.token(), { code: 'idp_unavailable' });
      assert.equal(endpoint.requests.length, before + 1);
      time.advance((pause - 0.001) * SECOND);
      await assert.rejects(async () => source.token(), { code: 'idp_unavailable', retryAfterSeconds: 1 });
      assert.equal(endpoint.requests.length, before + 1);
      time.advance(0.001 * SECOND);
    }
    endpoint.answer = () => ({ body: { access_token: 'back', token_type: 'Bearer', expires_in: 10 } });
    assert.equal((await source.token()).reveal(), 'back');
    endpoint.answer = () => 'reset';
    time.advance(10 * SECOND);
    await assert.rejects(async () => source.token());
    time.advance(5 * SECOND);
    const before = endpoint.requests.length;
    await assert.rejects(async () => source.token());
    assert.equal(endpoint.requests.length, before + 1, 'five seconds again');
  });

  it('the endpoint may ask for a longer pause', async () => {
    await using endpoint = await startTokenEndpoint(() => ({
      status: 429,
      headers: { 'retry-after': '40' },
      body: '',
    }));
    const { source, time } = bench(endpoint);
    await assert.rejects(async () => source.token(), { code: 'idp_unavailable', retryAfterSeconds: 40 });
    time.advance(39 * SECOND);
    await assert.rejects(async () => source.token(), { retryAfterSeconds: 1 });
    assert.equal(endpoint.requests.length, 1);
  });

  it('a refusal keeps its code while the source waits', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ status: 401, body: { error: 'invalid_client' } }));
    const { source, time } = bench(endpoint);
    await assert.rejects(async () => source.token(), { code: 'idp_bad_response', message: /invalid_client/ });
    time.advance(1 * SECOND);
    await assert.rejects(async () => source.token(), { code: 'idp_bad_response', message: /invalid_client/ });
    assert.equal(endpoint.requests.length, 1);
  });

  it('a wall clock set back prolongs nothing, one set forward expires', async () => {
    await using endpoint = await issuing();
    const { source, time } = bench(endpoint);
    await source.token();
    time.stepWallClock(-3600 * SECOND);
    time.advance(300 * SECOND);
    assert.equal((await source.token()).reveal(), 'token-2');
    time.stepWallClock(301 * SECOND);
    assert.equal((await source.token()).reveal(), 'token-3');
  });

  it('a closed source gives out nothing and asks for nothing', async () => {
    await using endpoint = await issuing();
    const { source } = bench(endpoint);
    await source.token();
    source.close();
    await assert.rejects(async () => source.token(), { code: 'not_ready' });
    assert.equal(endpoint.requests.length, 1);
  });
});

describe('a token source', () => {
  it('S3-102 asks once, and answers at once from then on', async () => {
    await using endpoint = await issuing();
    const { source, time } = bench(endpoint);
    const first = source.token();
    assert.ok(first instanceof Promise);
    assert.equal((await first).reveal(), 'token-1');
    time.advance(239 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    assert.equal(endpoint.requests.length, 1);
  });

  it('asks once for a thousand callers', async () => {
    await using endpoint = await issuing();
    const { source } = bench(endpoint);
    const tokens = await Promise.all(Array.from({ length: 1000 }, async () => source.token()));
    assert.deepEqual([...new Set(tokens.map((token) => token.reveal()))], ['token-1']);
    assert.equal(endpoint.requests.length, 1);
  });

  it('asks once for a thousand callers when the endpoint fails', async () => {
    await using endpoint = await startTokenEndpoint(() => 'reset');
    const { source } = bench(endpoint);
    const results = await Promise.allSettled(Array.from({ length: 1000 }, async () => source.token()));
    assert.ok(results.every(({ status }) => status === 'rejected'));
    assert.equal(endpoint.requests.length, 1);
  });

  it('S3-180 renews sixty seconds before the expiry, while the old token serves', async () => {
    await using endpoint = await issuing();
    const { source, time, settled } = bench(endpoint);
    await source.token();
    time.advance(240 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    assert.equal(synchronous(source.token()), 'token-1');
    await settled(2);
    assert.equal(synchronous(source.token()), 'token-2');
    assert.equal(endpoint.requests.length, 2, 'one renewal');
  });

  it('S3-180 renews as early as it is told, but never before half of the life', async () => {
    await using endpoint = await issuing(100);
    const { source, time, settled } = bench(endpoint, { refreshBeforeExpirySeconds: 90 });
    await source.token();
    time.advance(49 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    time.advance(1 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    await settled(2);
    assert.equal(synchronous(source.token()), 'token-2');
    assert.equal(endpoint.requests.length, 2);
  });

  it('adds chance to both pauses, so that replicas do not ask in step', async () => {
    await using endpoint = await issuing();
    const { source, time, settled } = bench(endpoint, { random: () => 1 });
    await source.token();
    endpoint.answer = () => 'reset';
    time.advance((300 - 72) * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    await settled(2);
    time.advance(7.4 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    assert.equal(endpoint.requests.length, 2);
    time.advance(0.1 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    await settled(3);
    assert.equal(endpoint.requests.length, 3);
  });

  it('keeps the old token until its expiry when a renewal fails, and tells of the failure', async () => {
    await using endpoint = await issuing();
    const { source, time, outcomes, settled } = bench(endpoint);
    await source.token();
    const issue = endpoint.answer;
    endpoint.answer = () => ({ status: 500, body: '' });
    time.advance(240 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    await settled(2);
    assert.equal(outcomes[1]?.code, 'idp_unavailable');
    time.advance(4 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    assert.equal(endpoint.requests.length, 2, 'not before five seconds have passed');
    endpoint.answer = issue;
    time.advance(1 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    await settled(3);
    assert.equal(synchronous(source.token()), 'token-2');
  });

  it('lets those wait for a renewal under way whose token has expired meanwhile', async () => {
    await using endpoint = await issuing();
    const { source, time } = bench(endpoint);
    await source.token();
    time.advance(299 * SECOND);
    assert.equal(synchronous(source.token()), 'token-1');
    time.advance(1 * SECOND);
    assert.equal((await source.token()).reveal(), 'token-2');
    assert.equal(endpoint.requests.length, 2);
  });
});
