/** Key sets over real loopback HTTP, with time in our hands: the JWKS section of the adversarial corpus. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { bytes, type JwksServer, plainHttp, startJwksServer } from '../../../../tests/support/jwks-server.ts';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { Problem } from '../problem.ts';
import { createFetchedJwks } from './fetched-jwks.ts';
import { discoveryJwksLoader, httpJwksLoader, type JwksLoader } from './jwks-loader.ts';
import type { JwksState } from './jwks-source.ts';
import { cacheTokens } from './token-cache.ts';
import { createTokenVerifier, type VerifiedToken } from './verify.ts';

const ISSUER = 'https://idp.example.com/realms/users';
const old = createSigningKey('ES256', 'old');
const fresh = createSigningKey('ES256', 'fresh');
const OLD_SET = keySetBytes(old.jwk());
const BOTH_SETS = keySetBytes(old.jwk(), fresh.jwk());
const FRESH_SET = keySetBytes(fresh.jwk());

/** A source over a loader, a verifier with a cache over the source, and a way to await the next attempt. */
function open(load: JwksLoader, refreshIntervalSeconds = 3600) {
  const time = manualTime();
  const waiting: ((state: JwksState) => void)[] = [];
  const keys = createFetchedJwks({
    load,
    clock: time.clock,
    schedule: time.schedule,
    random: () => 0,
    refreshIntervalSeconds,
    onAttempt: (state) => waiting.splice(0).forEach((resolve) => resolve(state)),
  });
  const verifier = createTokenVerifier({
    issuers: [{ name: 'users', issuer: ISSUER, audiences: ['order-service'], keys }],
    clock: time.clock,
  });
  return {
    time,
    keys,
    verifier: cacheTokens(verifier, { clock: time.clock }),
    attempt: () => new Promise<JwksState>((resolve) => waiting.push(resolve)),
    token(key = old, kid = key.kid) {
      const now = Math.floor(time.clock.now() / 1000);
      return mint({ iss: ISSUER, aud: 'order-service', sub: 'u', iat: now, exp: now + 3600 }, { key, header: { kid } });
    },
    [Symbol.dispose]: () => verifier.close(),
  };
}

function fromServer(server: JwksServer): JwksLoader {
  return httpJwksLoader(plainHttp, `${server.origin}/certs`);
}

function synchronous(result: VerifiedToken | Promise<VerifiedToken>): VerifiedToken {
  assert.ok(!(result instanceof Promise), 'the answer must not wait for a fetch');
  return result;
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof Problem && error.code === code;
}

test('C-063 ten thousand invented kids in ten seconds cost one fetch', async () => {
  await using server = await startJwksServer(bytes(OLD_SET));
  using lab = open(fromServer(server));
  await lab.attempt();
  const atStart = server.requests.length;
  for (let index = 0; index < 10_000; index += 1) {
    await assert.rejects(
      async () => lab.verifier.verify(lab.token(old, `kid-${index}`)),
      hasCode('token_key_not_found'),
    );
    lab.time.advance(1);
  }
  assert.equal(server.requests.length - atStart, 1);
  lab.time.advance(20_000);
  await assert.rejects(async () => lab.verifier.verify(lab.token(old, 'later')), hasCode('token_key_not_found'));
  assert.equal(server.requests.length - atStart, 2, 'after the cooldown the issuer is asked once more');
});

test('C-063 tokens with known keys are never delayed by unknown ones', async () => {
  await using server = await startJwksServer(bytes(OLD_SET));
  using lab = open(fromServer(server));
  await lab.attempt();
  server.answer = () => {};
  const stuck = Promise.resolve(lab.verifier.verify(lab.token(old, 'unknown'))).catch(() => undefined);
  assert.equal(synchronous(lab.verifier.verify(lab.token())).keyId, 'old');
  await server[Symbol.asyncDispose]();
  await stuck;
});

test('C-064 without any key the answer is 503 with the time of the next attempt, and recovery needs no one', async () => {
  await using server = await startJwksServer(bytes('', 'text/plain', 500));
  using lab = open(fromServer(server));
  await assert.rejects(async () => lab.verifier.verify(lab.token()), hasCode('jwks_unavailable'));
  assert.throws(
    () => lab.verifier.verify(lab.token()),
    (error) => error instanceof Problem && error.row.status === 503 && error.retryAfterSeconds === 1,
  );
  assert.equal(server.requests.length, 1, 'a request does not fetch while a retry is planned');
  for (const delay of [250, 500, 1000, 2000, 4000, 4000]) {
    assert.deepEqual(lab.time.pending(), [delay]);
    const attempt = lab.attempt();
    lab.time.advance(delay);
    assert.match((await attempt).failure ?? '', /answered 500/);
  }
  assert.throws(
    () => lab.verifier.verify(lab.token()),
    (error) => error instanceof Problem && error.retryAfterSeconds === 4,
  );
  server.answer = bytes(OLD_SET);
  const attempt = lab.attempt();
  lab.time.advance(4000);
  assert.equal((await attempt).failure, undefined);
  assert.equal(synchronous(lab.verifier.verify(lab.token())).subject, 'u');
});

test('C-064 an issuer that is not there at all is no crash', async () => {
  const server = await startJwksServer(bytes(OLD_SET));
  const load = fromServer(server);
  await server[Symbol.asyncDispose]();
  using lab = open(load);
  assert.match((await lab.attempt()).failure ?? '', /ECONNREFUSED/);
  assert.equal(lab.keys.current(), undefined);
});

test('a thousand cold requests share one fetch and all succeed', async () => {
  await using server = await startJwksServer(bytes(OLD_SET));
  using lab = open(fromServer(server));
  const verified = await Promise.all(Array.from({ length: 1000 }, async () => lab.verifier.verify(lab.token())));
  assert.equal(verified.length, 1000);
  assert.equal(server.requests.length, 1);
});

const BAD_ANSWERS: readonly (readonly [string, JwksServer['answer']])[] = [
  ['500', bytes('{}', 'application/json', 500)],
  ['204', bytes('', 'application/json', 204)],
  ['HTML', bytes('<html>maintenance</html>', 'text/html')],
  ['an empty set', bytes('{"keys":[]}')],
  ['keys that are no array', bytes('{"keys":{}}')],
  ['null', bytes('null')],
  ['an empty body', bytes('')],
  ['a truncated set', bytes(FRESH_SET.subarray(0, -5))],
  ['a set with a duplicate member', bytes(FRESH_SET.toString().replace('{"keys"', '{"keys":[],"keys"'))],
  ['a set of only encryption keys', bytes(keySetBytes(fresh.jwk({ use: 'enc' })))],
  ['more than 1 MiB', bytes(Buffer.concat([FRESH_SET, Buffer.alloc(1024 * 1024, ' ')]))],
  [
    'a gzip bomb',
    (_incoming, response) =>
      void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '))),
  ],
  [
    'a compressed set although none was asked for',
    (_incoming, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(FRESH_SET)),
  ],
  ['a connection that breaks', (_incoming, response) => void response.destroy()],
];

for (const [title, answer] of BAD_ANSWERS) {
  test(`C-065 ${title} leaves the last good set in use`, async () => {
    await using server = await startJwksServer(bytes(OLD_SET));
    using lab = open(fromServer(server));
    await lab.attempt();
    server.answer = answer;
    const attempt = lab.attempt();
    lab.time.advance(3600_000);
    const state = await attempt;
    assert.notEqual(state.failure, undefined);
    assert.deepEqual(
      state.keySet?.keys.map((key) => key.kid),
      ['old'],
    );
    assert.equal(synchronous(lab.verifier.verify(lab.token())).keyId, 'old');
    assert.deepEqual(lab.time.pending(), [5000], 'a failing issuer is asked again, after a while');
  });
}

test('C-066 a redirect is a failure and its target is never contacted', async () => {
  await using target = await startJwksServer(bytes(OLD_SET));
  for (const location of [`${target.origin}/keys`, 'http://169.254.169.254/latest/meta-data', '/elsewhere']) {
    for (const status of [301, 302, 303, 307, 308]) {
      await using server = await startJwksServer(
        (_incoming, response) => void response.writeHead(status, { location }).end(),
      );
      using lab = open(fromServer(server));
      assert.match((await lab.attempt()).failure ?? '', new RegExp(`answered ${status}`));
      assert.deepEqual(server.requests, ['/certs']);
    }
  }
  assert.deepEqual(target.requests, []);
});

test('C-069 a key that the issuer removed is refused within the refresh interval, also for cached tokens', async () => {
  await using server = await startJwksServer(bytes(BOTH_SETS));
  using lab = open(fromServer(server), 60);
  await lab.attempt();
  const stolen = lab.token(old);
  const other = lab.token(fresh);
  assert.equal(synchronous(lab.verifier.verify(stolen)).keyId, 'old');
  server.answer = bytes(FRESH_SET);
  const attempt = lab.attempt();
  lab.time.advance(60_000);
  await attempt;
  await assert.rejects(async () => lab.verifier.verify(stolen), hasCode('token_key_not_found'));
  assert.equal(synchronous(lab.verifier.verify(other)).keyId, 'fresh', 'tokens of the other key are not touched');
});

test('S3-150 keys are read again at the interval, and once for an unknown kid, so rotation needs no restart', async () => {
  await using server = await startJwksServer(bytes(OLD_SET));
  using lab = open(fromServer(server), 60);
  await lab.attempt();
  server.answer = bytes(BOTH_SETS);
  const rotated = lab.verifier.verify(lab.token(fresh));
  assert.ok(rotated instanceof Promise, 'an unknown kid waits for one refresh');
  assert.equal((await rotated).keyId, 'fresh');
  assert.equal(synchronous(lab.verifier.verify(lab.token(fresh))).keyId, 'fresh');
  assert.equal(server.requests.length, 2);
  assert.deepEqual(lab.time.pending(), [60_000], 'the interval starts anew, there is one timer');
  const attempt = lab.attempt();
  lab.time.advance(60_000);
  await attempt;
  assert.equal(server.requests.length, 3);
});

test('C-063 S3-150 two new keys within seconds are both followed; an invented one between them would cost a cooldown', async () => {
  const third = createSigningKey('ES256', 'third');
  for (const invented of [true, false]) {
    await using server = await startJwksServer(bytes(OLD_SET));
    using lab = open(fromServer(server));
    await lab.attempt();
    server.answer = bytes(BOTH_SETS);
    assert.equal((await lab.verifier.verify(lab.token(fresh))).keyId, 'fresh');
    if (invented) {
      await assert.rejects(async () => lab.verifier.verify(lab.token(old, 'invented')), hasCode('token_key_not_found'));
    }
    server.answer = bytes(keySetBytes(old.jwk(), fresh.jwk(), third.jwk()));
    lab.time.advance(1000);
    const verified = async () => (await lab.verifier.verify(lab.token(third))).keyId;
    if (invented) await assert.rejects(verified, hasCode('token_key_not_found'));
    else assert.equal(await verified(), 'third');
  }
});

test('all tokens of a new key wait for the same refresh', async () => {
  await using server = await startJwksServer(bytes(OLD_SET));
  using lab = open(fromServer(server));
  await lab.attempt();
  server.answer = bytes(BOTH_SETS);
  const verified = await Promise.all(Array.from({ length: 20 }, async () => lab.verifier.verify(lab.token(fresh))));
  assert.ok(verified.every(({ keyId }) => keyId === 'fresh'));
  assert.equal(server.requests.length, 2);
});

test('refreshing a set that did not change keeps its identity, so caches stay warm', async () => {
  await using server = await startJwksServer(bytes(BOTH_SETS));
  using lab = open(fromServer(server), 1);
  const before = (await lab.attempt()).keySet?.id;
  server.answer = bytes(keySetBytes(fresh.jwk(), old.jwk()));
  const attempt = lab.attempt();
  lab.time.advance(1000);
  assert.equal((await attempt).keySet?.id, before);
});

test('jitter only ever shortens the interval and lengthens a retry', async () => {
  await using server = await startJwksServer(bytes(OLD_SET));
  const time = manualTime();
  const options = { clock: time.clock, schedule: time.schedule, random: () => 0.999 };
  await new Promise((resolve) => createFetchedJwks({ ...options, load: fromServer(server), onAttempt: resolve }));
  const [interval = 0] = time.pending();
  assert.ok(interval < 3600_000 && interval >= 3240_000);
});

test('a closed source serves the keys it has and fetches no others', async () => {
  await using server = await startJwksServer(bytes(OLD_SET));
  using lab = open(fromServer(server));
  await lab.attempt();
  lab.keys.close();
  assert.equal(lab.keys.refreshFor('unknown'), undefined);
  assert.deepEqual(lab.time.pending(), []);
  assert.equal(server.requests.length, 1);
});

test('a closed source fetches no more and a late answer changes nothing', async () => {
  let answerLate = (): void => {};
  await using server = await startJwksServer((_incoming, response) => {
    answerLate = () => void response.end(FRESH_SET);
  });
  const time = manualTime();
  const asked = Promise.withResolvers<void>();
  const load: JwksLoader = async () => {
    const body = fromServer(server)();
    asked.resolve();
    return body;
  };
  const keys = createFetchedJwks({ load, clock: time.clock, schedule: time.schedule, random: () => 0 });
  await asked.promise;
  const waiting = keys.refreshFor('fresh');
  keys.close();
  while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  answerLate();
  await assert.rejects(async () => waiting, hasCode('jwks_unavailable'));
  assert.equal(keys.current(), undefined);
  assert.deepEqual(time.pending(), []);
});

for (const url of [
  'http://idp.example.com/certs',
  'http://127.0.0.1.evil.example/certs',
  'http://localhost.evil.example/certs',
  'http://10.0.0.1/certs',
  'http://0.0.0.0/certs',
  'ftp://127.0.0.1/certs',
  'file:///etc/passwd',
  'https://user:secret@idp.example.com/certs',
  'certs',
]) {
  test(`C-070 ${url} is refused as a configuration error`, () => {
    assert.throws(() => httpJwksLoader(plainHttp, url), TypeError);
    assert.throws(
      () => discoveryJwksLoader(plainHttp, url),
      (error) => error instanceof TypeError && !error.message.includes('secret'),
    );
  });
}

test('C-070 http is accepted for loopback hosts, https for any', () => {
  for (const url of ['http://localhost:1/', 'http://127.9.9.9/', 'http://[::1]:1/', 'https://idp.example.com/certs']) {
    httpJwksLoader(plainHttp, url);
  }
});

test('C-071 a discovery document of another issuer is refused', async () => {
  await using server = await startJwksServer(bytes(''));
  const issuer = `${server.origin}/realms/users`;
  const discovery = (document: object): JwksServer['answer'] => {
    return (incoming, response) =>
      void response.end(incoming.url?.endsWith('/openid-configuration') ? JSON.stringify(document) : OLD_SET);
  };
  const asked: string[] = [];
  const load = discoveryJwksLoader((request) => {
    asked.push(request.url);
    return plainHttp(request);
  }, issuer);
  const jwks_uri = `${server.origin}/certs`;
  for (const document of [
    { issuer: `${issuer}/`, jwks_uri },
    { issuer: 'https://evil.example', jwks_uri },
    { issuer: [issuer], jwks_uri },
    { jwks_uri },
    [],
    { issuer },
    { issuer, jwks_uri: 'http://169.254.169.254/keys' },
    { issuer, jwks_uri: 1 },
  ]) {
    server.answer = discovery(document);
    await assert.rejects(load, JSON.stringify(document));
  }
  assert.deepEqual(new Set(asked), new Set([`${issuer}/.well-known/openid-configuration`]));
  server.answer = discovery({ issuer, jwks_uri });
  assert.deepEqual(Buffer.from(await load()), OLD_SET);
});

test('C-071 the document of an https issuer must not name keys on this machine', async () => {
  const issuer = 'https://idp.example.com/realms/users';
  const asked: string[] = [];
  for (const jwks_uri of ['http://127.0.0.1:8500/keys', 'http://localhost/keys', 'http://[::1]/keys']) {
    const load = discoveryJwksLoader(async ({ url }) => {
      asked.push(url);
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify({ issuer, jwks_uri })) };
    }, issuer);
    await assert.rejects(load, /elsewhere than on https/);
  }
  assert.deepEqual(new Set(asked), new Set([`${issuer}/.well-known/openid-configuration`]));
});
