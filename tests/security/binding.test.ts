/**
 * SD-05, the core invariant, over mutual TLS: certificate, token and client are one, or the certificate may forward
 * that client's tokens. Every row has the right certificate chain and a genuine token; only their pairing is wrong.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { valuesOf } from '../support/http-app.ts';
import { startIngress } from '../support/ingress.ts';
import { bytes } from '../support/jwks-server.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { sendBytes } from '../support/wire.ts';
import { type Bound, type Holder, IDENTITIES, startBound } from './bound-sidecar.ts';
import { type OrderSidecar, startOrderSidecar, USERS_REALM } from './order-sidecar.ts';

type Claims = Readonly<Record<string, unknown>>;

let bound: Bound;
let order: OrderSidecar;
before(async () => {
  bound = await startBound(IDENTITIES);
  order = bound.order;
});
after(() => bound[Symbol.asyncDispose]());

const thumbprint = (holder: Holder): string => bound.certificates[holder].thumbprint;
const cnf = (holder: Holder) => ({ 'x5t#S256': thumbprint(holder) });

type Row = readonly [title: string, code: ProblemCode, holder: Holder, claims: () => Claims];

const MISMATCHES: readonly Row[] = [
  [
    "C-060 SD-05 S3-016 order-service's certificate with payment-service's token",
    'identity_token_mismatch',
    'order',
    () => ({ azp: 'payment-service' }),
  ],
  ["SD-05 S3-015 order-service's certificate with a user's token", 'identity_token_mismatch', 'order', () => ({})],
  [
    "SD-05 a service's certificate with the gateway's own token",
    'identity_token_mismatch',
    'payment',
    () => ({ azp: 'api-gateway' }),
  ],
  [
    'SD-05 the gateway with the token of a client that it may not forward',
    'identity_token_mismatch',
    'gateway',
    () => ({ azp: 'mobile-app' }),
  ],
  [
    "SD-05 the gateway with a service's token, which is not for forwarding",
    'identity_token_mismatch',
    'gateway',
    () => ({ azp: 'order-service' }),
  ],
  ['SD-05 a token that names no client', 'identity_token_mismatch', 'order', () => ({ azp: undefined })],
  [
    'SD-05 a client known by client_id alone, another one',
    'identity_token_mismatch',
    'order',
    () => ({ azp: undefined, client_id: 'payment-service' }),
  ],
  [
    'SD-05 azp fits and client_id is another one',
    'token_client_mismatch',
    'order',
    () => ({ azp: 'order-service', client_id: 'payment-service' }),
  ],
  [
    'SD-05 client_id fits and azp is another one',
    'token_client_mismatch',
    'order',
    () => ({ azp: 'payment-service', client_id: 'order-service' }),
  ],
  ...['order-service\u200b', ' order-service', 'order-servic\u0435', 'order-service,payment-service', 'order', '*'].map(
    (azp): Row => [`C-060 a client named ${JSON.stringify(azp)}`, 'identity_token_mismatch', 'order', () => ({ azp })],
  ),
  ['SD-05 a client in other case', 'identity_token_mismatch', 'order', () => ({ azp: 'Order-Service' })],
  ['SD-05 a client with a blank', 'identity_token_mismatch', 'order', () => ({ azp: 'order-service ' })],
  ['SD-05 a client named __proto__', 'identity_token_mismatch', 'gateway', () => ({ azp: '__proto__' })],
  ['SD-05 a client named has', 'identity_token_mismatch', 'gateway', () => ({ azp: 'has' })],
  [
    'SD-05 the certificate is allowed but not in the table, its namesake client',
    'identity_token_mismatch',
    'unlisted',
    () => ({ azp: 'report-service' }),
  ],
  [
    "SD-05 the certificate is allowed but not in the table, a user's token",
    'identity_token_mismatch',
    'unlisted',
    () => ({}),
  ],
  [
    'SD-05 a certificate listed by its subject with the token of another client',
    'identity_token_mismatch',
    'subjectOnly',
    () => ({ azp: 'order-service' }),
  ],
  [
    'SD-05 SPIFFE ID and subject stand for two clients, the one of the SPIFFE ID',
    'peer_identity_invalid',
    'contradicting',
    () => ({ azp: 'ledger' }),
  ],
  [
    'SD-05 SPIFFE ID and subject stand for two clients, the one of the subject',
    'peer_identity_invalid',
    'contradicting',
    () => ({ azp: 'billing' }),
  ],
];

describe('certificate and token of different clients', () => {
  for (const [title, code, holder, claims] of MISMATCHES) {
    test(`${title} is ${code}`, async () => {
      const token = order.userToken(claims());
      await order.refused(code, () => bound.send(holder, token), [token]);
    });
  }

  test('SD-05 S3-007 where no token is asked for, a certificate that is not in the table is refused all the same', async () => {
    await order.refused('identity_token_mismatch', () => bound.send('unlisted', undefined, [], '/public'));
    assert.equal((await bound.send('order', undefined, [], '/public')).status, 200);
  });

  test('C-060 where no token is asked for, one that is sent must belong to the certificate', async () => {
    const token = order.userToken({ azp: 'payment-service' });
    await order.refused('identity_token_mismatch', () => bound.send('order', token, [], '/public'), [token]);
  });
});

describe('certificate and token of one client', () => {
  const ACCEPTED: readonly (readonly [title: string, holder: Holder, claims: () => Claims])[] = [
    ['SD-05 a service with its own token', 'order', () => ({ azp: 'order-service' })],
    [
      'SD-05 a service with its own token, by client_id',
      'order',
      () => ({ azp: undefined, client_id: 'order-service' }),
    ],
    [
      'C-058 a service with its own token, bound to its certificate',
      'order',
      () => ({ azp: 'order-service', cnf: cnf('order') }),
    ],
    ["SD-05 S3-024 the gateway with a user's token that it may forward", 'gateway', () => ({})],
    ['C-058 the gateway with a forwarded token, bound to its certificate', 'gateway', () => ({ cnf: cnf('gateway') })],
    ['SD-05 the gateway with its own token', 'gateway', () => ({ azp: 'api-gateway' })],
    ['SD-05 a certificate listed by its subject', 'subjectOnly', () => ({ azp: 'legacy' })],
    ['SD-05 a certificate listed twice for one client', 'twice', () => ({ azp: 'stock' })],
  ];
  for (const [title, holder, claims] of ACCEPTED) {
    test(`${title} passes`, async () => {
      const answer = await bound.send(holder, order.userToken(claims()));
      assert.equal(answer.status, 200, answer.body);
    });
  }
});

describe('what was accepted before does not count', () => {
  test('C-060 C-062 a token accepted from its client is refused from another a moment later', async () => {
    const token = order.userToken({ azp: 'order-service' });
    assert.equal((await bound.send('order', token)).status, 200);
    await order.refused('identity_token_mismatch', () => bound.send('payment', token), [token]);
  });

  test('C-060 on one connection each request is judged by its own token', async () => {
    const tokens = [{ azp: 'order-service' }, { azp: 'payment-service' }, {}].map((claims) => order.userToken(claims));
    const records = order.sidecar.audit.length;
    const seen = order.app.seen.length;
    const requests = tokens.map(
      (token, index) =>
        `GET /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nConnection: ${index === 2 ? 'close' : 'keep-alive'}\r\n\r\n`,
    );
    const { raw } = await sendBytes(order.wire(bound.certificates.order), Buffer.from(requests.join('')));
    assert.deepEqual(raw.match(/HTTP\/1\.1 \d{3}/g), ['HTTP/1.1 200', 'HTTP/1.1 403', 'HTTP/1.1 403']);
    assert.equal(order.app.seen.length, seen + 1);
    const decisions = order.sidecar.audit.slice(records).map(({ decision }) => decision);
    assert.equal(decisions.filter((decision) => decision === 'deny').length, 2);
  });

  test('C-062 a cached token is refused once it has expired, also when the clock is set back', async () => {
    let now = Date.now();
    await using timed = await startOrderSidecar({ clock: { now: () => now, monotonic: () => performance.now() } });
    const headers = ['Authorization', `Bearer ${timed.userToken()}`];
    assert.equal((await timed.send({ headers })).status, 200);
    now += 306_000;
    await timed.refused('token_expired', () => timed.send({ headers }), headers.slice(1));
    now -= 306_000;
    await timed.refused('token_expired', () => timed.send({ headers }), headers.slice(1));
  });

  test('C-062 a cached token is refused once its key is gone from the set', async () => {
    await using rotating = await startOrderSidecar();
    const next = createSigningKey('ES256', 'users-2');
    const old = ['Authorization', `Bearer ${rotating.userToken()}`];
    assert.equal((await rotating.send({ headers: old })).status, 200);
    rotating.jwks.answer = bytes(keySetBytes(next.jwk()));
    // A token of the new key makes the sidecar look; the old key is gone with the same answer.
    const fresh = ['Authorization', `Bearer ${rotating.userToken({}, { key: next })}`];
    assert.equal((await rotating.send({ headers: fresh })).status, 200);
    await rotating.refused('token_key_not_found', () => rotating.send({ headers: old }), old.slice(1));
  });

  test('C-061 what one sidecar accepted is refused by its neighbour in the same process that serves another audience', async () => {
    const key = createSigningKey('ES256', 'shared');
    const keys = bytes(keySetBytes(key.jwk()));
    const chapter = `jwt: { issuer: "${USERS_REALM}", audience: payment-service, jwks_url: "\${JWKS}" }`;
    await using first = await startOrderSidecar({ keys });
    await using second = await startOrderSidecar({ keys, jwt: chapter });
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: USERS_REALM, aud: 'order-service', sub: 'u', azp: 'web-app', iat: now, exp: now + 300 };
    const headers = ['Authorization', `Bearer ${mint(claims, { key })}`];
    assert.equal((await first.send({ headers })).status, 200);
    await second.refused('token_aud_mismatch', () => second.send({ headers }), headers.slice(1));
  });
});

describe('on whose behalf', () => {
  const spoken = async (holder: Holder, claims: Claims, values: readonly string[]) => {
    const headers = values.flatMap((value) => ['X-User-Context', value]);
    const answer = await bound.send(holder, order.userToken(claims), headers);
    assert.equal(answer.status, 200, answer.body);
    const { context_verified: verified, user_context: recorded, user_id: user } = order.sidecar.audit.at(-1) ?? {};
    return { app: valuesOf(order.app.seen.at(-1)?.rawHeaders ?? [], 'x-user-context'), verified, recorded, user };
  };

  test('C-120 with a forwarded token the user is its subject, whatever the gateway says', async () => {
    const context = await spoken('gateway', {}, ['admin']);
    assert.deepEqual(context, { app: ['user-123'], verified: true, recorded: 'user-123', user: 'user-123' });
  });

  for (const [title, sub, value] of [
    ['an accent', 'ren\u00e9', 'ren%C3%A9'],
    ['low bytes that would be line ends in latin-1', 'a\u010d\u010ab', 'a%C4%8D%C4%8Ab'],
    ['a percent sign', 'a%41', 'a%2541'],
  ] as const) {
    test(`C-118 a subject with ${title} is encoded, for app and record alike`, async () => {
      const { app, recorded } = await spoken('gateway', { sub }, []);
      assert.deepEqual([app, recorded], [[value], value]);
    });
  }

  test('C-120 S3-026 with its own token a service speaks for the user it names', async () => {
    const context = await spoken('order', { azp: 'order-service', sub: 'service-account' }, ['user-9']);
    assert.deepEqual(context, { app: ['user-9'], verified: true, recorded: 'user-9', user: undefined });
  });

  test('C-120 two users named at once are none', async () => {
    const context = await spoken('order', { azp: 'order-service', sub: 'service-account' }, ['user-9', 'admin']);
    assert.deepEqual(context, { app: [], verified: false, recorded: '', user: undefined });
  });
});

describe('without an identities table', () => {
  let open: Bound;
  before(async () => {
    open = await startBound('');
  });
  after(() => open[Symbol.asyncDispose]());

  test('SD-05 the start warns that no token is bound to a certificate', () => {
    assert.match(open.order.sidecar.log(), /no token is bound to these certificates/);
    assert.doesNotMatch(order.sidecar.log(), /no token is bound to these certificates/);
  });

  test("SD-05 any allowed certificate may show any client's token", async () => {
    for (const azp of ['payment-service', 'web-app', undefined]) {
      assert.equal((await open.send('order', open.order.userToken({ azp }))).status, 200);
    }
  });

  test('C-120 nobody is known to be a service that may name users: the subject counts, or nobody', async () => {
    for (const azp of ['web-app', undefined]) {
      const answer = await open.send('order', open.order.userToken({ azp }), ['X-User-Context', 'admin']);
      assert.equal(answer.status, 200, answer.body);
      const context = valuesOf(open.order.app.seen.at(-1)?.rawHeaders ?? [], 'x-user-context');
      assert.deepEqual(context, ['user-123'], `azp ${azp}`);
      assert.equal(open.order.sidecar.audit.at(-1)?.['user_id'], 'user-123');
    }
    assert.equal((await open.send('order', undefined, ['X-User-Context', 'admin'], '/public')).status, 200);
    assert.deepEqual(valuesOf(open.order.app.seen.at(-1)?.rawHeaders ?? [], 'x-user-context'), []);
    assert.equal(open.order.sidecar.audit.at(-1)?.['context_verified'], false);
  });
});

describe('where no client certificate is asked for', () => {
  test('C-114 C-120 a header is no certificate, and nobody may name a user', async () => {
    await using gateway = await startIngress();
    const token = gateway.token({ cnf: cnf('order') });
    const shown = ['Client-Cert', `:${bound.certificates.order.der.toString('base64')}:`];
    const headers = ['Authorization', `Bearer ${token}`, ...shown];
    await gateway.refused('token_binding_mismatch', () => gateway.send({ headers }), [token]);
    for (const azp of ['web-app', undefined]) {
      const unbound = ['Authorization', `Bearer ${gateway.token({ azp })}`, 'X-User-Context', 'admin'];
      assert.equal((await gateway.send({ headers: unbound })).status, 200);
      assert.deepEqual(valuesOf(gateway.app.seen.at(-1)?.rawHeaders ?? [], 'x-user-context'), ['user-123']);
    }
  });
});
