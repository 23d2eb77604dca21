/** C-058 and C-059 at a guard inside a service: it takes and refuses what a sidecar does, in the same words. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createDpopNonces, createPushedJwks, memoryReplayStore, type ReplayStore, systemRuntime } from '@sidegate/sdk';
import { anyOf, bearer, type DpopOptions, mutualTls, serviceAuth } from '@sidegate/sdk/server';
import { createTestAuthority } from '../support/certificates.ts';
import { startExpress } from '../support/frameworks/express.ts';
import type { Framework, GuardedServer, ServedWith, ServiceRoute } from '../support/frameworks/guarded-service.ts';
import { startHono } from '../support/frameworks/hono.ts';
import { startNode } from '../support/frameworks/node.ts';
import { type Ingress, startIngress, USERS_REALM } from '../support/ingress.ts';
import { type Made, now, ORIGIN, own, proof, STOLEN_WITHOUT_KEY, thief } from '../support/stolen-proofs.ts';
import { keySetBytes } from '../support/tokens.ts';
import { sendRequest, type WireAnswer, type WireOptions } from '../support/wire.ts';

const ORIGINS = [ORIGIN, 'https://orders.internal:8443'];
const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  Express: startExpress,
  Hono: startHono,
  'node:http': startNode,
};
const { clock } = systemRuntime();
const authority = createTestAuthority('mesh');
const certificates = {
  server: authority.issue({ subject: [{ CN: 'localhost' }], dns: ['localhost'], eku: ['serverAuth'] }),
  order: authority.issue({ subject: [{ CN: 'order-service' }] }),
  payment: authority.issue({ subject: [{ CN: 'payment-service' }] }),
};

let ingress: Ingress;
const guarded: Record<string, GuardedServer> = {};
before(async () => {
  const dpop = `{ enabled: true, origins: [${ORIGINS.map((origin) => `"${origin}"`).join(', ')}] }`;
  ingress = await startIngress({ proxy: `  authz: { enabled: false }\n  auth: { dpop: ${dpop} }` });
  for (const [name, framework] of Object.entries(FRAMEWORKS)) guarded[name] = await startGuarded({}, framework);
});
after(async () => {
  await ingress[Symbol.asyncDispose]();
  for (const server of Object.values(guarded)) await server[Symbol.asyncDispose]();
});

const tokens = (dpop: DpopOptions | undefined) =>
  bearer({
    issuers: [{ issuer: USERS_REALM, keys: createPushedJwks(keySetBytes(ingress.issuerKey.jwk())) }],
    audience: 'order-service',
    ...(dpop === undefined ? {} : { dpop }),
  });

function startGuarded(
  changes: Partial<DpopOptions> | 'bearer tokens alone',
  framework: Framework = startNode,
  tls?: ServedWith['tls'],
): Promise<GuardedServer> {
  const dpop = typeof changes === 'string' ? undefined : { origins: ORIGINS, ...changes };
  const authenticator = anyOf(tokens(dpop), mutualTls({ allowedClients: ['CN=batch-service'] }));
  const auth = serviceAuth({ service: 'order-service', authenticator });
  const handle = () => ({ status: 200, body: {} });
  const orders: ServiceRoute = { method: 'GET', path: '/orders', rule: (guards) => guards.requireAuth(), handle };
  return framework({ auth, tls, routes: [orders] });
}

interface Sent {
  readonly token: string;
  readonly proofs: readonly string[];
  readonly scheme?: string;
  readonly target?: string;
}

function send(to: WireOptions, { token, proofs, scheme = 'DPoP', target = '/orders' }: Sent): Promise<WireAnswer> {
  const fields = proofs.flatMap((each) => ['DPoP', each]);
  return sendRequest(to, { target, headers: ['Authorization', `${scheme} ${token}`, ...fields] });
}

const said = ({ status, headers, body }: WireAnswer) => ({
  status,
  code: body.startsWith('{') ? (JSON.parse(body) as { readonly code?: string }).code : body,
  challenge: headers['www-authenticate'],
  nonce: headers['dpop-nonce'],
});
const boundToken = (): string => ingress.token({ cnf: { jkt: own.thumbprint } });

for (const name of Object.keys(FRAMEWORKS)) {
  describe(`a token that is bound to a key, at a guard of ${name}`, () => {
    const here = (): WireOptions => ({ port: guarded[name]?.port ?? 0 });
    for (const [what, code, proofs, scheme = 'DPoP'] of STOLEN_WITHOUT_KEY) {
      test(`${what} is ${code}, as at a sidecar`, async () => {
        const token = boundToken();
        const sent = { token, proofs: proofs(token), scheme };
        const answer = await send(here(), sent);
        assert.equal(said(answer).code, code);
        assert.deepEqual(said(answer), said(await send(ingress.wire, sent)));
        for (const secret of [token, ...sent.proofs].filter((text) => text !== ''))
          assert.ok(!answer.raw.includes(secret));
      });
    }

    test('C-059 passes with the proof of its key, once', async () => {
      const token = boundToken();
      const sent = { token, proofs: proof()(token) };
      assert.equal((await send(here(), sent)).status, 200);
      assert.equal(said(await send(here(), sent)).code, 'dpop_proof_replayed');
      assert.equal((await send(here(), { token, proofs: proof()(token) })).status, 200);
    });
  });
}

describe('a guard that takes proofs', () => {
  const here = (): WireOptions => ({ port: guarded['node:http']?.port ?? 0 });

  test('C-059 of a hundred parallel uses of one proof exactly one passes, also where the store answers later', async () => {
    const memory = memoryReplayStore({ maxEntries: 1_000, clock });
    const replays: ReplayStore = { firstUse: async (...asked) => memory.firstUse(...asked) };
    await using later = await startGuarded({ replays });
    for (const to of [here(), later]) {
      const token = boundToken();
      const proofs = proof()(token);
      const answers = await Promise.all(Array.from({ length: 100 }, () => send({ port: to.port }, { token, proofs })));
      assert.equal(answers.filter(({ status }) => status === 200).length, 1);
      assert.equal(answers.filter((answer) => said(answer).code === 'dpop_proof_replayed').length, 99);
    }
  });

  for (const [what, claims] of [
    ['to nothing', {}],
    ['to a certificate', { cnf: { 'x5t#S256': own.thumbprint } }],
    ['to nothing that is known', { cnf: { kid: 'own' } }],
  ] as const) {
    test(`C-058 is no better for a token that is bound ${what}`, async () => {
      const token = ingress.token(claims);
      const answer = await send(here(), { token, proofs: proof()(token) });
      assert.equal(said(answer).code, 'token_binding_mismatch');
      assert.deepEqual(said(answer), said(await send(ingress.wire, { token, proofs: proof()(token) })));
    });
  }

  test('C-058 C-059 wants certificate and key of a token that is bound to both', async () => {
    const { keyPem: key, certPem: cert } = certificates.server;
    await using both = await startGuarded({}, startNode, { key, cert, ca: authority.certPem });
    const cnf = { 'x5t#S256': certificates.order.thumbprint, jkt: own.thumbprint };
    const call = (holder: 'order' | 'payment', proofs: Made) => {
      const token = ingress.token({ cnf });
      const shown = { cert: certificates[holder].certPem, key: certificates[holder].keyPem };
      const tls = { ca: authority.certPem, servername: 'localhost', ...shown };
      return send({ port: both.port, tls }, { token, proofs: proofs(token) });
    };
    assert.equal(said(await call('payment', proof())).code, 'token_binding_mismatch');
    assert.equal(said(await call('order', proof({}, {}, thief))).code, 'token_binding_mismatch');
    assert.equal(said(await call('order', () => [])).code, 'dpop_proof_invalid');
    assert.equal((await call('order', proof())).status, 200);
  });

  test('takes none unless it is told to, and still no bound token from whoever only bears it', async () => {
    await using closed = await startGuarded('bearer tokens alone');
    const token = boundToken();
    const proofs = proof()(token);
    assert.equal(said(await send(closed, { token, proofs })).code, 'token_missing');
    const borne = said(await send(closed, { token, proofs, scheme: 'Bearer' }));
    assert.deepEqual([borne.code, borne.challenge], ['token_binding_required', 'Bearer error="invalid_token"']);
  });

  test('asks for both schemes where there is no token, and still takes bearer tokens', async () => {
    const none = await sendRequest(here(), { target: '/orders' });
    assert.deepEqual(
      said(none),
      said(await sendRequest(ingress.wire, { target: '/orders', headers: ['Authorization', 'Basic eDp5'] })),
    );
    assert.match(said(none).challenge ?? '', /^Bearer, DPoP algs="ES256 [A-Za-z0-9 ]+"$/);
    const bare = { token: ingress.token(), proofs: [], scheme: 'Bearer' };
    assert.equal((await send(here(), bare)).status, 200);
  });

  test('takes any of its origins whatever the query, and the schemes in any case', async () => {
    const token = boundToken();
    const proofs = [own.prove({ uri: 'https://orders.internal:8443/orders', token })];
    assert.equal((await send(here(), { token, proofs, scheme: 'dpop', target: '/orders?page=2' })).status, 200);
  });

  test('refuses a path that two programs could read differently', async () => {
    const token = boundToken();
    const proofs = [own.prove({ uri: `${ORIGIN}/x/../orders`, token })];
    assert.notEqual((await send(here(), { token, proofs, target: '/x/%2e%2e/orders' })).status, 200);
  });

  test('refuses a proof as old as maxAgeSeconds says', async () => {
    await using strict = await startGuarded({ maxAgeSeconds: 10 });
    const token = boundToken();
    assert.equal(
      said(await send(strict, { token, proofs: proof({ iat: now() - 11 })(token) })).code,
      'dpop_proof_invalid',
    );
    assert.equal((await send(strict, { token, proofs: proof({ iat: now() - 5 })(token) })).status, 200);
  });

  test('C-224 whose store is full or away lets in nobody who needs it', async () => {
    await using small = await startGuarded({ replays: memoryReplayStore({ maxEntries: 1, clock }) });
    const token = boundToken();
    assert.equal((await send(small, { token, proofs: proof()(token) })).status, 200);
    const full = said(await send(small, { token, proofs: proof()(token) }));
    assert.deepEqual([full.status, full.code], [503, 'replay_store_full']);
    assert.equal((await send(small, { token: ingress.token(), proofs: [], scheme: 'Bearer' })).status, 200);
    await using away = await startGuarded({ replays: { firstUse: () => Promise.reject(new Error('away')) } });
    assert.equal((await send(away, { token, proofs: proof()(token) })).status, 500);
  });

  test('asks for a nonce, which every replica with the same secret knows', async () => {
    const secret = randomBytes(32);
    await using first = await startGuarded({ nonces: createDpopNonces({ secret, clock }) });
    await using second = await startGuarded({ nonces: createDpopNonces({ secret, clock }) });
    const token = boundToken();
    assert.equal(
      said(await send(first, { token, proofs: proof({ nonce: 'made-up' })(token) })).code,
      'dpop_nonce_required',
    );
    const { code, challenge = '', nonce = '' } = said(await send(first, { token, proofs: proof()(token) }));
    assert.equal(code, 'dpop_nonce_required');
    assert.match(challenge, /^DPoP error="use_dpop_nonce", algs="/);
    for (const replica of [first, second]) {
      assert.equal((await send(replica, { token, proofs: proof({ nonce })(token) })).status, 200);
    }
  });

  test('is not built without the names of its service', () => {
    for (const origins of [
      [],
      ['orders.example.com'],
      ['https://orders.example.com/v1'],
      ['ftp://orders.example.com'],
    ]) {
      assert.throws(() => tokens({ origins }), RangeError);
    }
  });
});
