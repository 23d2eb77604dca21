/** A target that refuses our own token, or one that we exchanged: it was revoked, say. It is dropped once, and what can be asked again is asked again with the next one. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startTestSidecar } from '../support/sidecar.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

const INVALID = 'Bearer realm="data", error="invalid_token", error_description="the token was revoked"';

interface Target extends AsyncDisposable {
  readonly port: number;
  /** What was shown, oldest first. */
  readonly shown: readonly { readonly authorization: string; readonly proof: string }[];
  /** Refused from now on. */
  readonly refused: Set<string>;
  challenge: string;
}

async function startTarget(failures = 0): Promise<Target> {
  const shown: Target['shown'][number][] = [];
  let failing = failures;
  const server = createServer((request, response) => {
    const { authorization = '', dpop = '' } = request.headers;
    shown.push({ authorization, proof: String(dpop) });
    request.resume().on('end', () => {
      failing -= 1;
      const refuses = target.refused.has(authorization);
      response
        .writeHead(failing >= 0 ? 503 : refuses ? 401 : 200, refuses ? { 'www-authenticate': target.challenge } : {})
        .end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target: Target = {
    port: (server.address() as AddressInfo).port,
    shown,
    refused: new Set(),
    challenge: INVALID,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return target;
}

interface Scene extends AsyncDisposable {
  readonly endpoint: TokenEndpoint;
  readonly target: Target;
  call(request?: WireRequest): Promise<number>;
}

async function start({
  type = 'oauth2_client_credentials',
  auth = '',
  defaults = '',
  failures = 0,
} = {}): Promise<Scene> {
  await using started = new AsyncDisposableStack();
  let asked = 0;
  const endpoint = started.use(
    await startTokenEndpoint(() => {
      asked += 1;
      const body = { access_token: `canary-${asked}`, token_type: auth === '' ? 'Bearer' : 'DPoP', expires_in: 300 };
      const kind = 'urn:ietf:params:oauth:token-type:access_token';
      return { body: type === 'token_exchange' ? { ...body, issued_token_type: kind } : body };
    }),
  );
  const target = started.use(await startTarget(failures));
  const sidecar = started.use(
    await startTestSidecar({
      yaml: `
service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
  ${defaults}
  targets:
    data:
      url: http://127.0.0.1:${target.port}
      auth: { type: ${type}, token_url: "\${URL}", client_id: order, client_secret: "\${SECRET}"${auth} }
  routes: [{ path_prefix: /, target: data }]
`,
      files: {},
      env: { URL: endpoint.url, SECRET: 'canary-secret' },
    }),
  );
  const running = started.move();
  return {
    endpoint,
    target,
    call: async (request = {}) => (await sendRequest({ port: sidecar.egressPort }, request)).status,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test('a target that refuses every token is not asked more than twice, nor is the issuer', async () => {
  await using scene = await start();
  for (const each of ['canary-1', 'canary-2', 'canary-3']) scene.target.refused.add(`Bearer ${each}`);
  assert.equal(await scene.call(), 401);
  assert.equal(scene.target.shown.length, 2);
  for (let i = 0; i < 5; i += 1) assert.equal(await scene.call(), 401);
  assert.deepEqual([scene.target.shown.length, scene.endpoint.requests.length], [7, 2]);
});

for (const [title, challenge] of [
  ['that speaks of no token', 'Bearer realm="data"'],
  ['for want of a scope', 'Bearer error="insufficient_scope"'],
  ['with a word of its own', 'Bearer error="invalid_token_type"'],
] as const) {
  test(`a 401 ${title} is an answer, and the token stays`, async () => {
    await using scene = await start();
    scene.target.challenge = challenge;
    scene.target.refused.add('Bearer canary-1');
    for (let i = 0; i < 2; i += 1) assert.equal(await scene.call(), 401);
    assert.deepEqual([scene.target.shown.length, scene.endpoint.requests.length], [2, 1]);
  });
}

test('what has a body is not sent twice, but what comes next has another token', async () => {
  await using scene = await start();
  scene.target.refused.add('Bearer canary-1');
  assert.equal(await scene.call({ method: 'POST', body: 'x' }), 401);
  assert.equal(await scene.call({ method: 'POST', body: 'x' }), 200);
  assert.deepEqual(
    scene.target.shown.map(({ authorization }) => authorization),
    ['Bearer canary-1', 'Bearer canary-2'],
  );
});

test('a token that was revoked is replaced before the caller notices, by one token for all who come', async () => {
  await using scene = await start();
  assert.equal(await scene.call(), 200);
  scene.target.refused.add('Bearer canary-1');
  const statuses = await Promise.all(Array.from({ length: 8 }, () => scene.call()));
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(scene.endpoint.requests.length, 2);
});

test('every attempt of a repeated request has a proof of its own', async () => {
  const defaults = 'defaults: { retry: { enabled: true, attempts: 3, delay: 10ms } }';
  await using scene = await start({ auth: ', dpop: true', defaults, failures: 2 });
  assert.equal(await scene.call(), 200);
  const ids = scene.target.shown.map(({ proof }) => {
    const claims = JSON.parse(Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
    return claims.jti;
  });
  assert.deepEqual([ids.length, new Set(ids).size], [3, 3]);
});

const of = (user: string): WireRequest => ({ headers: ['Authorization', `Bearer ${user}`] });
const authorizations = ({ target }: Scene): string[] => target.shown.map(({ authorization }) => authorization);

test('an exchanged token that every target refuses is asked for once more for its caller, and no more', async () => {
  await using scene = await start({ type: 'token_exchange' });
  for (const each of ['canary-1', 'canary-2', 'canary-3']) scene.target.refused.add(`Bearer ${each}`);
  for (let i = 0; i < 4; i += 1) assert.equal(await scene.call(of('anna')), 401);
  assert.deepEqual([scene.target.shown.length, scene.endpoint.requests.length], [5, 2]);
});

test('an exchanged token that was revoked is replaced before its caller notices, and that of another caller stays', async () => {
  await using scene = await start({ type: 'token_exchange' });
  assert.deepEqual([await scene.call(of('anna')), await scene.call(of('ben'))], [200, 200]);
  scene.target.refused.add('Bearer canary-1');
  assert.equal(await scene.call(of('anna')), 200);
  assert.equal(await scene.call(of('ben')), 200);
  assert.deepEqual(
    authorizations(scene),
    ['canary-1', 'canary-2', 'canary-1', 'canary-3', 'canary-2'].map((each) => `Bearer ${each}`),
  );
  assert.deepEqual(
    scene.endpoint.requests.map(({ form }) => form.get('subject_token')),
    ['anna', 'ben', 'anna'],
  );
});

test('an exchanged token that was revoked is gone for what has a body, from the next request on', async () => {
  await using scene = await start({ type: 'token_exchange' });
  scene.target.refused.add('Bearer canary-1');
  assert.equal(await scene.call({ ...of('anna'), method: 'POST', body: 'x' }), 401);
  assert.equal(await scene.call({ ...of('anna'), method: 'POST', body: 'x' }), 200);
  assert.deepEqual(authorizations(scene), ['Bearer canary-1', 'Bearer canary-2']);
});
