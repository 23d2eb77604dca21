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

  const CERTIFICATE_HEADERS =
    `X-Forwarded-Client-Cert Client-Cert Client-Cert-Chain X-SSL-Client-S-DN X-SSL-Cert SSL-Client-Cert
    SSL-Client-Verify X-Client-Cert X-Client-CN X-Client-DN X-Client-Verify X-ARR-ClientCert`.split(/\s+/);
  for (const name of CERTIFICATE_HEADERS) {
    test(`C-114 ${name} from the client is stripped`, async () => {
      assert.deepEqual((await seenBy([name, 'Subject="CN=admin"', name.toUpperCase(), 'x']))(name), []);
    });
  }

  const FORWARDING_HEADERS =
    `X-Forwarded-For X-Forwarded-Proto X-Forwarded-Host X-Forwarded-Port X-Forwarded-User X-Forwarded
    X-Forwarded-Prefix X-Forwarded-Access-Token Forwarded X-Real-IP X-Client-IP X-Cluster-Client-IP True-Client-IP
    CF-Connecting-IP X-Original-URL X-Original-URI X-Original-Host X-Rewrite-URL X-Host X-Envoy-Peer-Metadata
    X-Envoy-Original-Path X-Envoy-Internal X-Envoy-External-Address`.split(/\s+/);
  for (const name of FORWARDING_HEADERS) {
    test(`C-115 ${name} from the client is stripped`, async () => {
      assert.deepEqual((await seenBy([name, 'evil']))(name), []);
    });
  }

  const IDENTITY_HEADERS =
    `X-User X-Username X-User-Name X-User-Groups Remote-User X-Remote-User X-Remote-Groups X-Auth-Request-User
    X-Auth-User X-Authenticated-User X-Authenticated-Userid X-WebAuth-User X-Service-Name X-Sidegate-Decision`.split(
      /\s+/,
    );
  for (const name of IDENTITY_HEADERS) {
    test(`C-109 ${name}, by which others know a user, is stripped`, async () => {
      assert.deepEqual((await seenBy([name, 'admin']))(name), []);
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

  const DOUBTFUL = [
    'a b{}',
    '',
    'a'.repeat(129),
    'a/b',
    'a,b',
    'a\tb',
    'a;b',
    '"a"',
    'ren\xe9',
    '%41',
    '$(id)',
    '<a>',
    'a\\b',
  ];
  for (const id of DOUBTFUL) {
    test(`C-121 the correlation id ${JSON.stringify(id.slice(0, 20))} is replaced, for app, answer and record alike`, async () => {
      const made = (await seenBy(['X-Correlation-ID', id]))('x-correlation-id');
      assert.match(made.join(), /^req-[0-9a-f]{24}$/);
      assert.equal(order.sidecar.audit.at(-1)?.['correlation_id'], made[0]);
    });
  }

  test('C-121 two correlation ids are replaced by one', async () => {
    const made = (await seenBy(['X-Correlation-ID', 'a', 'x-correlation-id', 'b']))('x-correlation-id');
    assert.match(made.join(), /^req-[0-9a-f]{24}$/);
  });

  test('S3-165 without pass_token the app never sees the token', async () => {
    assert.deepEqual((await seenBy([]))('authorization'), []);
  });
});

describe('refused', () => {
  const LOOK_ALIKES = `x_user_id X-User_ID X~User~Id X'User'ID X!User!ID X_User_Roles X_Forwarded_For X-Forwarded_Host
    X_SSL_Client_Verify SSL_CLIENT_CERT Client_Cert X_Original_URL X.Envoy.Peer Remote_User X_Client_CN
    X_Correlation_ID Proxy_Authorization Early_Data X_Real_IP X_User_Context X|User|Email`.split(/\s+/);
  const END_TO_END = [
    'cookie',
    'content-type',
    'content-encoding',
    'content-range',
    'origin',
    'client-cert',
    'forwarded',
    'AUTHORIZATION',
    'close,\tauthorization',
    'close,authorization',
    'authorization, close',
    ',authorization,',
  ];
  const NO_NAMES = [
    '"authorization"',
    'authorization;q=1',
    'close authorization',
    'close;',
    '\xa0close',
    'close, (x)',
    '@',
  ];
  const UNSAFE_BYTES = ['ren\xe9', '\xc3\xa9', '\x80', '\xff', 'a\tb', '\xa0'];
  const many = (count: number): string[] => Array.from({ length: count }, () => ['a', 'b']).flat();
  const ROWS: readonly (readonly [title: string, code: ProblemCode, headers: readonly string[]])[] = [
    ...LOOK_ALIKES.map((name) => [`C-111 ${name}`, 'header_name_ambiguous', [name, 'admin']] as const),
    ...END_TO_END.map(
      (value) => [`C-113 Connection: ${value}`, 'connection_option_forbidden', ['Connection', value]] as const,
    ),
    ...NO_NAMES.map(
      (value) => [`C-113 Connection: ${value}`, 'connection_option_forbidden', ['Connection', value]] as const,
    ),
    [
      'C-113 on a second line',
      'connection_option_forbidden',
      ['Connection', 'close', 'connection', 'x-forwarded-client-cert'],
    ],
    ...UNSAFE_BYTES.flatMap((value) =>
      ['X-User-ID', 'X-Forwarded-For', 'Client-Cert'].map(
        (name) => [`C-123 ${JSON.stringify(value)} in ${name}`, 'header_value_invalid', [name, value]] as const,
      ),
    ),
    ['C-126 a header more than 100', 'too_many_headers', many(98)],
    ['C-126 100,000 bytes in one header', 'too_many_headers', ['X-A', 'a'.repeat(100_000)]],
    ...['1', '0', '', '1, 1', 'x'].map(
      (value) => [`C-184 Early-Data: ${JSON.stringify(value)}`, 'too_early', ['Early-Data', value]] as const,
    ),
    ['C-184 Early-Data twice', 'too_early', ['Early-Data', '1', 'early-data', '0']],
    ['C-184 Early-Data that Connection names', 'too_early', ['Early-Data', '1', 'Connection', 'close, early-data']],
    ...['x', '', '100-continue, x', '100-continue;a', '200-ok', '100 continue', '"100-continue"'].map(
      (value) => [`C-148 Expect: ${JSON.stringify(value)}`, 'expectation_failed', ['Expect', value]] as const,
    ),
    ['C-148 Expect twice', 'expectation_failed', ['Expect', '100-continue', 'expect', '100-continue']],
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
    ['C-116 a line feed', { email: 'a\nb' }],
    ['C-116 a carriage return', { email: 'a\rb' }],
    ['C-116 NUL', { email: 'a\0b' }],
    ['C-116 a line end in a role', { realm_access: { roles: ['a\r\nX-User-ID: admin'] } }],
    ['C-116 a blank at the end', { email: 'a ' }],
    ['C-116 a tab at the beginning', { email: '\ta' }],
    ['C-116 an escape sequence', { email: '\u001b[31m' }],
    ['C-117 an empty role', { realm_access: { roles: ['', 'customer'] } }],
    ['C-117 a role that is only a comma', { realm_access: { roles: [','] } }],
    ['C-117 a list in the list of roles', { realm_access: { roles: [['customer', 'admin']] } }],
    ['C-117 an object in the list of roles', { realm_access: { roles: [{ name: 'admin' }] } }],
    ['C-117 null in the list of roles', { realm_access: { roles: ['customer', null] } }],
    ['C-119 1 KiB that becomes more when it is encoded', { email: '\u00e9'.repeat(400) }],
    ['C-119 a list beyond 1 KiB', { realm_access: { roles: Array.from({ length: 200 }, (_, i) => `role-${i}`) } }],
    ['C-119 a nested object', { email: [{ a: [{ b: 1 }] }] }],
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
