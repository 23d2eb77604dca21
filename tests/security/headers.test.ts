/** Corpus E, 109 to 121: identity headers over the wire, forged, repeated, hidden, and made from hostile claims. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { valuesOf } from '../support/http-app.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

async function seenBy(headers: readonly string[], claims: Readonly<Record<string, unknown>> = {}) {
  const answer = await order.send({ headers: ['Authorization', `Bearer ${order.userToken(claims)}`, ...headers] });
  assert.equal(answer.status, 200, answer.raw);
  const seen = order.app.seen.at(-1);
  assert.ok(seen !== undefined);
  return (name: string): string[] => valuesOf(seen.rawHeaders, name);
}

describe('what the app sees', () => {
  test("C-109 S3-035 a client's X-User-ID is replaced by the subject", async () => {
    assert.deepEqual((await seenBy(['X-User-ID', 'admin']))('x-user-id'), ['user-123']);
  });

  test('C-109 S3-169 an absent claim removes the header that the client sent', async () => {
    assert.deepEqual((await seenBy(['X-User-Email', 'admin@example.com']))('x-user-email'), []);
  });

  test('C-110 repeats and other spellings are all removed', async () => {
    const forged = ['X-User-ID', 'a', 'x-user-id', 'b', 'X-USER-ID', 'c', 'X-User-Roles', 'admin'];
    const values = await seenBy(forged);
    assert.deepEqual([values('x-user-id'), values('x-user-roles')], [['user-123'], []]);
  });

  test('C-112 Connection: X-User-ID does not remove the header that we set', async () => {
    assert.deepEqual((await seenBy(['Connection', 'close, X-User-ID', 'X-User-ID', 'a']))('x-user-id'), ['user-123']);
  });

  for (const name of ['X-Forwarded-Client-Cert', 'Client-Cert', 'X-SSL-Client-S-DN']) {
    test(`C-114 ${name} from the client is stripped`, async () => {
      assert.deepEqual((await seenBy([name, 'Subject="CN=admin"']))(name), []);
    });
  }

  for (const name of ['X-Forwarded-For', 'X-Forwarded-Proto', 'Forwarded', 'X-Original-URL', 'X-Envoy-Peer-Metadata']) {
    test(`C-115 ${name} from the client is stripped`, async () => {
      assert.deepEqual((await seenBy([name, 'evil']))(name), []);
    });
  }

  const ENCODED: readonly (readonly [title: string, email: string, value: string])[] = [
    ['C-118 low bytes that would be line ends in latin-1', '\u010d\u010a', '%C4%8D%C4%8A'],
    ['C-118 a line separator', 'a\u2028b', 'a%E2%80%A8b'],
    ['C-118 an accent', 'ren\u00e9@example.com', 'ren%C3%A9@example.com'],
  ];
  for (const [title, email, value] of ENCODED) {
    test(`${title} is percent-encoded`, async () => {
      assert.deepEqual((await seenBy([], { email }))('x-user-email'), [value]);
    });
  }

  test('C-120 X-User-Context for a user token is the subject, whatever was sent', async () => {
    assert.deepEqual((await seenBy(['X-User-Context', 'admin']))('x-user-context'), ['user-123']);
  });

  test('C-121 a doubtful correlation id is replaced, for app, answer and record alike', async () => {
    const [made] = (await seenBy(['X-Correlation-ID', 'a b{}']))('x-correlation-id');
    assert.match(made ?? '', /^req-[0-9a-f]{24}$/);
    assert.equal(order.sidecar.audit.at(-1)?.['correlation_id'], made);
  });

  test('S3-165 without pass_token the app never sees the token', async () => {
    assert.deepEqual((await seenBy([]))('authorization'), []);
  });
});

describe('refused', () => {
  const ROWS: readonly (readonly [title: string, code: ProblemCode, headers: string[]])[] = [
    ['C-111 X_User_ID', 'header_name_ambiguous', ['X_User_ID', 'admin']],
    ['C-111 X.User.Id', 'header_name_ambiguous', ['X.User.Id', 'admin']],
    ['C-113 Connection: authorization', 'connection_option_forbidden', ['Connection', 'close, authorization']],
    ['C-113 Connection: host', 'connection_option_forbidden', ['Connection', 'close, host']],
    ['C-113 Connection: content-length', 'connection_option_forbidden', ['Connection', 'close, content-length']],
    [
      'C-113 Connection: x-forwarded-client-cert',
      'connection_option_forbidden',
      ['Connection', 'x-forwarded-client-cert'],
    ],
  ];
  for (const [title, code, headers] of ROWS) {
    test(`${title} is ${code}`, async () => {
      const token = order.userToken();
      await order.refused(code, () => order.send({ headers: ['Authorization', `Bearer ${token}`, ...headers] }), [
        token,
      ]);
    });
  }

  const CLAIMS: readonly (readonly [title: string, claims: Readonly<Record<string, unknown>>])[] = [
    ['C-116 a line end and another header', { email: 'a\r\nX-User-Roles: admin' }],
    ['C-117 a role with a comma', { realm_access: { roles: ['customer,admin'] } }],
    ['C-119 an object', { email: { address: 'a' } }],
    ['C-119 more than 1 KiB', { email: 'a'.repeat(1025) }],
  ];
  for (const [title, claims] of CLAIMS) {
    test(`${title} in a claim is token_claim_unsafe`, async () => {
      const token = order.userToken(claims);
      await order.refused('token_claim_unsafe', () => order.send({ headers: ['Authorization', `Bearer ${token}`] }), [
        token,
      ]);
    });
  }
});
