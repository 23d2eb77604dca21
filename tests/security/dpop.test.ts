/**
 * Corpus A, 58 and 59 with real proofs: a token that is bound to a key (RFC 9449) is worth nothing without that key, and a proof is
 * worth nothing but once, for one request, beside one token.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PROOF_ALGORITHMS } from '@sidegate/sdk';
import { valuesOf } from '../support/http-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { type Made, now, ORIGIN, own, proof, STOLEN_WITHOUT_KEY, thief } from '../support/stolen-proofs.ts';
import { HANDSHAKE, openWebSocket, startWebSocketService } from '../support/websocket.ts';
import type { WireAnswer, WireRequest } from '../support/wire.ts';
import { IDENTITIES, startBound } from './bound-sidecar.ts';

const AUTH = `  auth: { dpop: { enabled: true, origins: [${ORIGIN}, "https://orders.internal:8443"] } }`;
const OPEN = '  authz: { enabled: false }';

let ingress: Ingress;
before(async () => {
  ingress = await startIngress({ proxy: `${OPEN}\n${AUTH}` });
});
after(() => ingress[Symbol.asyncDispose]());

interface Sent {
  readonly token: string;
  /** Values of the header `DPoP`. */
  readonly proofs: readonly string[];
  readonly scheme?: string;
  readonly request?: WireRequest;
}

function send({ token, proofs, scheme = 'DPoP', request = {} }: Sent, to: Ingress = ingress): Promise<WireAnswer> {
  const fields = proofs.flatMap((proof) => ['DPoP', proof]);
  return to.send({ target: '/orders', ...request, headers: ['Authorization', `${scheme} ${token}`, ...fields] });
}

const boundToken = (to: Ingress = ingress): string => to.token({ cnf: { jkt: own.thumbprint } });

describe('a token that is bound to a key', () => {
  for (const [what, code, proofs, scheme] of STOLEN_WITHOUT_KEY) {
    test(`${what} is ${code}`, async () => {
      const token = boundToken();
      const shown = proofs(token);
      await ingress.refused(code, () => send({ token, proofs: shown, ...(scheme === undefined ? {} : { scheme }) }), [
        token,
        ...shown.filter((text) => text !== ''),
      ]);
    });
  }

  test('C-059 passes with the proof of its key, once; the service gets neither', async () => {
    const token = boundToken();
    const [shown = ''] = proof()(token);
    assert.equal((await send({ token, proofs: [shown] })).status, 200);
    const { rawHeaders = [] } = ingress.app.seen.at(-1) ?? {};
    assert.deepEqual([valuesOf(rawHeaders, 'authorization'), valuesOf(rawHeaders, 'dpop')], [[], []]);
    await ingress.refused('dpop_proof_replayed', () => send({ token, proofs: [shown] }), [token, shown]);
    assert.equal((await send({ token, proofs: proof()(token) })).status, 200);
  });

  test('C-059 of a hundred parallel uses of one proof exactly one passes', async () => {
    const token = boundToken();
    const proofs = proof()(token);
    const answers = await Promise.all(Array.from({ length: 100 }, () => send({ token, proofs })));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ body }) => body.includes('dpop_proof_replayed')).length, 99);
  });

  test('C-059 two keys may use one jti, and a query does not count', async () => {
    const request = { target: '/orders?page=2' };
    for (const key of [own, thief]) {
      const token = ingress.token({ cnf: { jkt: key.thumbprint } });
      const uri = 'https://orders.internal:8443/orders';
      assert.equal((await send({ token, proofs: [key.prove({ uri, token }, { jti: 'same' })], request })).status, 200);
    }
  });

  for (const [what, claims] of [
    ['to nothing', {}],
    ['to a certificate', { cnf: { 'x5t#S256': own.thumbprint } }],
    ['to nothing that is known', { cnf: { kid: 'own' } }],
  ] as const) {
    test(`C-058 a token that is bound ${what} is no better for a proof`, async () => {
      const token = ingress.token(claims);
      await ingress.refused('token_binding_mismatch', () => send({ token, proofs: proof()(token) }), [token]);
    });
  }

  test('C-058 C-059 bound to a certificate and a key, it needs both', async () => {
    await using bound = await startBound(IDENTITIES, { proxy: AUTH });
    const { order, certificates } = bound;
    const cnf = { 'x5t#S256': certificates.order.thumbprint, jkt: own.thumbprint };
    const call = (holder: 'order' | 'payment', proofs: Made, azp = 'order-service') => {
      const token = order.userToken({ azp, cnf });
      const headers = ['Authorization', `DPoP ${token}`, ...proofs(token).flatMap((each) => ['DPoP', each])];
      return order.send({ target: '/orders', headers }, certificates[holder]);
    };
    await order.refused('token_binding_mismatch', () => call('payment', proof(), 'payment-service'));
    await order.refused('token_binding_mismatch', () => call('order', proof({}, {}, thief)));
    await order.refused('identity_token_mismatch', () => call('order', proof(), 'payment-service'));
    assert.equal((await call('order', proof())).status, 200);
  });
});

describe('what a sidecar asks for, RFC 9449 section 7.1', () => {
  const algorithms = PROOF_ALGORITHMS.join(' ');
  const challenge = ({ headers }: WireAnswer): string | undefined => headers['www-authenticate'];

  test('names both schemes where there is no token, and the proof where that is bad', async () => {
    const none = await ingress.send({ headers: ['Authorization', 'Basic eDp5'] });
    assert.equal(challenge(none), `Bearer, DPoP algs="${algorithms}"`);
    const token = boundToken();
    const bad = await send({ token, proofs: [] });
    assert.equal(challenge(bad), `DPoP error="invalid_dpop_proof", algs="${algorithms}"`);
    const bearer = await send({ token, proofs: [], scheme: 'Bearer' });
    assert.equal(challenge(bearer), `Bearer error="invalid_token", DPoP error="invalid_token", algs="${algorithms}"`);
    assert.equal(bearer.headers['dpop-nonce'], undefined);
  });

  test('takes no token by this scheme unless it is configured, and still none that is bound', async () => {
    await using closed = await startIngress();
    const token = boundToken(closed);
    await closed.refused('token_missing', () => send({ token, proofs: proof()(token) }, closed), [token]);
    await closed.refused('token_binding_required', () => send({ token, proofs: [], scheme: 'Bearer' }, closed), [
      token,
    ]);
    assert.equal(challenge(await closed.send({ headers: ['Authorization', 'Basic eDp5'] })), 'Bearer');
  });

  test('still takes bearer tokens, and passes token and proof on where it is told to', async () => {
    await using open = await startIngress({ proxy: `${OPEN}\n${AUTH}\n  headers: { pass_token: true }` });
    assert.equal((await open.send()).status, 200);
    assert.equal((await open.send({ headers: ['Authorization', `Bearer ${open.token()}`, 'DPoP', 'x'] })).status, 200);
    assert.deepEqual(valuesOf(open.app.seen.at(-1)?.rawHeaders ?? [], 'dpop'), [], 'nobody looked at it');
    const token = boundToken(open);
    const proofs = proof()(token);
    assert.equal((await send({ token, proofs }, open)).status, 200);
    assert.deepEqual(valuesOf(open.app.seen.at(-1)?.rawHeaders ?? [], 'dpop'), proofs);
  });

  test('a proof as old as max_age says is refused, a younger one is not', async () => {
    const dpop = `{ enabled: true, origins: [${ORIGIN}], max_age: 10s }`;
    await using strict = await startIngress({ proxy: `${OPEN}\n  auth: { dpop: ${dpop} }` });
    const token = boundToken(strict);
    await strict.refused('dpop_proof_invalid', () =>
      send({ token, proofs: proof({ iat: now() - 11 })(token) }, strict),
    );
    assert.equal((await send({ token, proofs: proof({ iat: now() - 5 })(token) }, strict)).status, 200);
  });

  test('a WebSocket that was let in by a proof stays while it is judged again, and its proof opens no other', async () => {
    await using service = await startWebSocketService();
    const routes = '  routes: [{ path: /chat, websocket: true }]';
    await using chat = await startIngress({ proxy: `${OPEN}\n${AUTH}\n${routes}`, upstreamPort: service.port });
    const token = boundToken(chat);
    const shown = own.prove({ uri: `${ORIGIN}/chat`, token });
    const head = `GET /chat HTTP/1.1\r\nHost: localhost\r\nAuthorization: DPoP ${token}\r\nDPoP: ${shown}\r\n${HANDSHAKE}\r\n`;
    using client = openWebSocket(chat.wire, head);
    assert.match(await client.receives('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    using thiefs = openWebSocket(chat.wire, head);
    assert.match(await thiefs.receives('dpop_proof_replayed'), /^HTTP\/1\.1 401 /);
    // It is judged every five seconds.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    client.socket.write('still here');
    assert.match(await client.receives('STILL HERE'), /STILL HERE$/);
  });

  test('C-224 a full replay store is 503 replay_store_full', async () => {
    const dpop = `{ enabled: true, origins: [${ORIGIN}], replay_store: { max_entries: 2 } }`;
    await using small = await startIngress({ proxy: `${OPEN}\n  auth: { dpop: ${dpop} }` });
    const token = boundToken(small);
    for (let i = 0; i < 2; i += 1) assert.equal((await send({ token, proofs: proof()(token) }, small)).status, 200);
    await small.refused('replay_store_full', () => send({ token, proofs: proof()(token) }, small), [token]);
    assert.equal((await small.send()).status, 200, 'who needs no proof is not concerned');
  });

  test('a store that is away is 503 replay_store_unavailable', async () => {
    const store = '{ type: redis, redis: { address: "127.0.0.1:1" } }';
    const dpop = `{ enabled: true, origins: [${ORIGIN}], replay_store: ${store} }`;
    await using away = await startIngress({ proxy: `${OPEN}\n  auth: { dpop: ${dpop} }` });
    const token = boundToken(away);
    await away.refused('replay_store_unavailable', () => send({ token, proofs: proof()(token) }, away), [token]);
  });

  test('a nonce that it gives is asked for, by every replica with the same secret', async () => {
    const dpop = `{ enabled: true, origins: [${ORIGIN}], require_nonce: true, nonce_secret: "\${NONCE}" }`;
    const replica = () => startIngress({ proxy: `${OPEN}\n  auth: { dpop: ${dpop} }`, env: { NONCE: 'n'.repeat(40) } });
    await using first = await replica();
    await using second = await replica();
    const token = boundToken(first);
    await first.refused('dpop_nonce_required', () =>
      send({ token, proofs: proof({ nonce: 'made-up' })(token) }, first),
    );
    const asked = await send({ token, proofs: proof()(token) }, first);
    assert.equal(challenge(asked), `DPoP error="use_dpop_nonce", algs="${algorithms}"`);
    const nonce = asked.headers['dpop-nonce'] ?? '';
    assert.equal(nonce.length, 43);
    assert.equal((await send({ token, proofs: proof({ nonce })(token) }, first)).status, 200);
    const elsewhere = boundToken(second);
    assert.equal((await send({ token: elsewhere, proofs: proof({ nonce })(elsewhere) }, second)).status, 200);
  });
});
