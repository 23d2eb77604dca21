/** The identity provider is away, slow, or answers nonsense: what is cached serves, nothing unproven passes, and it is left in peace. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { bytes, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { startTokenEndpoint, type TokenAnswer, type TokenEndpoint } from '../support/token-endpoint.ts';
import { keySetBytes } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';
import { egressChapter, granted, SECRET } from './egress.ts';
import { burst, loadFor, startLoad, sum } from './load.ts';
import { row } from './row.ts';
import { bound, count, RATE, SECONDS } from './scale.ts';
import { startSystem } from './system.ts';

const urlOf = ({ port }: HttpApp): string => `http://127.0.0.1:${port}`;
const credentialsAt = ({ seen }: HttpApp): Set<string> =>
  new Set(seen.flatMap(({ rawHeaders }) => valuesOf(rawHeaders, 'authorization')));

row(
  'IdP down at the start: up and not ready, everything 503 with Retry-After, ready soon after it returns',
  async (note) => {
    const port = await freePort();
    await using system = await startSystem({ jwksPort: port, ready: false });
    assert.equal(await system.readiness(), '503 keys_missing');
    const refused = await sendRequest(
      { port: system.port, tls: system.client },
      { headers: ['Authorization', `Bearer ${system.token()}`] },
    );
    assert.match(refused.headers['retry-after'] ?? '', /^[1-9]\d?$/);
    const report = await loadFor(SECONDS / 2, system.good);
    const { allow } = system.audited();
    await using _keys = await startJwksServer(bytes(keySetBytes(system.issuerKey.jwk())), port);
    const returned = performance.now();
    await until(() => system.events('ready').length === 1, bound(5_000));
    const readyMs = performance.now() - returned;
    const unexpected = report.except('503 jwks_unavailable');
    note({
      sent: report.sent,
      failed: sum(unexpected),
      figure: `${allow} allowed, ready after ${readyMs.toFixed(0)} ms`,
    });
    assert.deepEqual(unexpected, {});
    assert.equal(allow, 0);
    assert.equal(system.app.seen.length, 0);
    assert.ok(readyMs < bound(5_000), 'ready within 5 s');
    assert.deepEqual((await loadFor(0.5, system.good)).except('200'), {});
  },
);

row(
  'IdP down mid-flight: cached keys serve, cached tokens serve until they expire and then it is 503 only',
  async (note) => {
    const lifeMs = SECONDS * 500;
    let usedUntil = 0;
    await using endpoint = await startTokenEndpoint(() => granted(lifeMs / 1_000));
    await using target = await startHttpApp((_request, response) => {
      usedUntil = performance.now();
      response.end('ok');
    });
    await using system = await startSystem({
      env: SECRET,
      jwt: '  jwks_refresh_interval: 1s',
      chapters: egressChapter({ data: { url: urlOf(target), tokenUrl: endpoint.url } }),
    });
    const issued = performance.now();
    assert.equal((await sendRequest({ port: system.egressPort }, { target: '/data' })).status, 200);
    endpoint.answer = () => 'reset';
    await system.jwks[Symbol.asyncDispose]();
    await using outgoing = startLoad({ port: system.egressPort, path: '/data', perSecond: RATE / 2 });
    const ingress = await loadFor(SECONDS, system.good);
    const egress = await outgoing.end();
    const failed = sum(ingress.except('200')) + sum(egress.except('200', '503 idp_unavailable'));
    const figure = `tokens used for ${(usedUntil - issued).toFixed(0)} of ${lifeMs} ms, then ${egress.outcomes['503 idp_unavailable']} × 503`;
    note({ sent: ingress.sent + egress.sent, failed, figure });
    assert.deepEqual(ingress.except('200'), {});
    assert.deepEqual(egress.except('200', '503 idp_unavailable'), {});
    assert.ok((egress.outcomes['200'] ?? 0) > 0 && (egress.outcomes['503 idp_unavailable'] ?? 0) > 0);
    // Its life is over by now, however busy this machine is.
    const expired = await loadFor(0.5, { port: system.egressPort, path: '/data', perSecond: RATE / 2 });
    assert.deepEqual(expired.except('503 idp_unavailable'), {});
  },
);

row(
  'IdP slow, 10 s: one token request at a time, 5 s each; callers get 503, everybody else is served',
  async (note) => {
    let [underWay, most] = [0, 0];
    await using endpoint = await startTokenEndpoint(async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await pause(10_000, undefined, { ref: false });
      underWay -= 1;
      return granted(300);
    });
    await using target = await startHttpApp();
    await using system = await startSystem({
      env: SECRET,
      chapters: egressChapter({ data: { url: urlOf(target), tokenUrl: endpoint.url } }),
    });
    const before = await loadFor(SECONDS / 2, system.good);
    await using waiting = startLoad({ port: system.egressPort, path: '/data', perSecond: RATE / 2, maxSockets: 16 });
    const during = await loadFor(SECONDS, system.good);
    const egress = await waiting.end();
    const asked = endpoint.requests.length;
    note({
      sent: during.sent + egress.sent,
      failed: sum(during.except('200')) + sum(egress.except('503 idp_unavailable')),
      figure: `${most} in flight, ${asked} asked, p99 of the others ${during.p99.toFixed(1)} ms, before ${before.p99.toFixed(1)} ms`,
    });
    assert.equal(most, 1);
    assert.deepEqual(egress.except('503 idp_unavailable'), {});
    assert.deepEqual(during.except('200'), {});
    assert.ok(during.slowest < 5_000, 'nobody else waits for it');
    assert.deepEqual(credentialsAt(target), new Set());
  },
);

const NONSENSE: Readonly<Record<string, TokenAnswer>> = {
  error: { status: 500, body: 'down' },
  garbage: { body: '<html>' },
  redirect: { status: 302, headers: { location: '/elsewhere' }, body: '' },
  typeless: { body: { access_token: 'bad.access.token', expires_in: 300 } },
  // Good for a minute, as nothing says for how long.
  undated: { body: { access_token: 'undated.access.token', token_type: 'Bearer' } },
};

row(
  'S0-28 IdP answers 500, garbage, 302, no type, no expires_in: the last good token serves, no bad one is sent, it is asked seldom',
  async (note) => {
    await using stack = new AsyncDisposableStack();
    const target = stack.use(await startHttpApp());
    const endpoints = new Map<string, TokenEndpoint>();
    for (const name of Object.keys(NONSENSE))
      endpoints.set(name, stack.use(await startTokenEndpoint(() => granted(4))));
    const targets = Object.fromEntries(
      [...endpoints].map(([name, { url: tokenUrl }]) => [name, { url: urlOf(target), tokenUrl }]),
    );
    const system = stack.use(await startSystem({ env: SECRET, chapters: egressChapter(targets) }));
    for (const name of endpoints.keys()) {
      assert.equal((await sendRequest({ port: system.egressPort }, { target: `/${name}` })).status, 200);
    }
    for (const [name, endpoint] of endpoints) endpoint.answer = () => NONSENSE[name] ?? 'reset';
    const began = performance.now();
    // Renewed at half of their lives, of 4 s: the old ones serve for two more.
    const loads = await Promise.all(
      Array.from(endpoints.keys(), (name) =>
        loadFor(Math.max(6, SECONDS), { port: system.egressPort, path: `/${name}`, perSecond: RATE / 4 }),
      ),
    );
    const perKey = Math.ceil((performance.now() - began) / 5_000);
    const asked = Array.from(endpoints.values(), ({ requests }) => requests.length - 1);
    const unexpected = loads.map((load) => load.except('200', '502 idp_bad_response', '503 idp_unavailable'));
    note({
      sent: loads.reduce((total, { sent }) => total + sent, 0),
      failed: unexpected.reduce((total, each) => total + sum(each), 0),
      figure: `asked ${asked.join(', ')} times in ${(perKey * 5).toFixed(0)} s, none of them sent`,
    });
    assert.deepEqual(
      unexpected,
      unexpected.map(() => ({})),
    );
    assert.deepEqual(credentialsAt(target), new Set(['Bearer good.access.token', 'Bearer undated.access.token']));
    for (const load of loads) assert.ok((load.outcomes['200'] ?? 0) > 0, 'the last good one served');
    assert.deepEqual(loads.at(-1)?.except('200'), {}, 'a token without a date of its end is a token');
    for (const times of asked) assert.ok(times >= 1 && times <= perKey, `at most once in 5 s, not ${times} times`);
  },
);

const UNUSABLE: readonly JwksServer['answer'][] = [
  bytes('down', 'text/plain', 500),
  bytes('<html>', 'text/html'),
  (_request, response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
  bytes('{"keys":[]}'),
  (request) => void request.socket.destroy(),
];

row(
  'key endpoint answers 500, garbage, 302, no keys, nothing: the last good keys serve, it is asked seldom',
  async (note) => {
    await using system = await startSystem({ jwt: '  jwks_refresh_interval: 1s' });
    const before = system.jwks.requests.length;
    let turn = 0;
    system.jwks.answer = (request, response) => {
      UNUSABLE[turn % UNUSABLE.length]?.(request, response);
      turn += 1;
    };
    const began = performance.now();
    const report = await loadFor(Math.max(7, SECONDS), system.good);
    const asked = system.jwks.requests.length - before;
    note({ sent: report.sent, failed: sum(report.except('200')), figure: `asked ${asked} times` });
    assert.deepEqual(report.except('200'), {});
    // The first failure comes when the keys were to be read again, the next ones after 5 s and more.
    assert.ok(asked >= 1 && asked <= 1 + Math.ceil((performance.now() - began) / 5_000), `${asked} times`);
  },
);

row('1,000 concurrent cold requests: one call for the token, one for the keys', async (note) => {
  await using endpoint = await startTokenEndpoint(async () => {
    await pause(500);
    return granted(300);
  });
  await using target = await startHttpApp();
  const port = await freePort();
  await using system = await startSystem({
    env: SECRET,
    jwksPort: port,
    ready: false,
    chapters: egressChapter({ data: { url: urlOf(target), tokenUrl: endpoint.url } }),
  });
  await using keys = await startJwksServer((request, response) => {
    setTimeout(() => bytes(keySetBytes(system.issuerKey.jwk()))(request, response), 2_000);
  }, port);
  await until(() => keys.requests.length > 0, 10_000);
  const users = await burst(count(1_000, 150), system.good);
  const calls = await burst(1_000, { port: system.egressPort, path: '/data' });
  const figure = `${endpoint.requests.length} token request, ${keys.requests.length} request for keys`;
  note({ sent: users.sent + calls.sent, failed: sum(users.except('200')) + sum(calls.except('200')), figure });
  assert.equal(endpoint.requests.length, 1);
  assert.equal(keys.requests.length, 1);
  assert.deepEqual(users.except('200'), {});
  assert.deepEqual(calls.except('200'), {});
});
