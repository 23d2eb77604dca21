/** Envoy asks over gRPC: it is told what the data path would do, for the same reasons, and each question leaves a record. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PROBLEMS, type ProblemCode } from '@sidegate/sdk';
import fc from 'fast-check';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import '../support/property-seed.ts';
import { createTestAuthority } from '../support/certificates.ts';
import {
  type CheckAnswer,
  type CheckQuestion,
  connectEnvoy,
  type EnvoyClient,
  type Member,
  message,
  writeQuestion,
} from '../support/envoy-check.ts';
import { startIngress } from '../support/ingress.ts';

const GRPC = 'server: { grpc: { enabled: true, addr: "127.0.0.1:0" } }';
const [UNAUTHENTICATED, PERMISSION_DENIED] = [16, 7];

let order: OrderSidecar;
let envoy: EnvoyClient;
before(async () => {
  order = await startOrderSidecar({ chapters: GRPC, headers: '    remove: [X-Debug]' });
  envoy = connectEnvoy(order.sidecar.grpcPort);
});
after(async () => {
  envoy[Symbol.dispose]();
  await order[Symbol.asyncDispose]();
});

const bearer = (token: string = order.userToken()) => [['authorization', `Bearer ${token}`]] as const;
const good = (changes: CheckQuestion = {}): CheckQuestion => ({
  headers: bearer(),
  certificate: order.gateway.certPem,
  ...changes,
});

/** Nothing passed, one record says so, and nothing of it is a secret. */
async function denied(code: ProblemCode, ask: () => Promise<CheckAnswer>): Promise<CheckAnswer> {
  const before = order.sidecar.audit.length;
  const answer = await ask();
  const { status } = PROBLEMS[code];
  assert.equal(answer.denied?.status, status);
  assert.equal(answer.code, status === 401 ? UNAUTHENTICATED : PERMISSION_DENIED);
  assert.equal((JSON.parse(answer.denied?.body ?? '') as { code: string }).code, code);
  assert.equal(answer.denied?.headers['content-type'], 'application/problem+json');
  assert.deepEqual([answer.set, answer.removed], [{}, []]);
  const records = order.sidecar.audit.slice(before);
  assert.deepEqual(
    records.map((record) => [record['direction'], record['decision'], record['code']]),
    [['decision', 'deny', code]],
  );
  assert.equal(records[0]?.['request_id'], answer.denied?.headers['x-sidegate-decision']);
  return answer;
}

describe('a question that is none is denied, and no call fails, since Envoy may be told to let that pass:', () => {
  const http = (...members: readonly Member[]): Uint8Array =>
    message([1, message([4, message([2, message(...members)])])]);
  const GET = [
    [2, 'GET'],
    [4, '/orders'],
    [5, 'order-service'],
  ] as const;
  const entry = (name: string, value: string) => [3, message([1, name], [2, value])] as const;
  const ROWS: readonly (readonly [title: string, code: ProblemCode, bytes: () => Uint8Array])[] = [
    ['nothing', 'invalid_request', () => new Uint8Array()],
    ['no protobuf', 'invalid_request', () => Buffer.from('{"attributes":{}}')],
    ['a message that ends too early', 'invalid_request', () => writeQuestion(good()).subarray(0, 40)],
    ['a length beyond the end', 'invalid_request', () => Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
    [
      'a length that is no number',
      'invalid_request',
      () => Uint8Array.of(0x0a, ...Array.from({ length: 11 }, () => 0xff)),
    ],
    ['attributes that are a number', 'invalid_request', () => Uint8Array.of(0x08, 0x01)],
    ['attributes twice', 'invalid_request', () => Buffer.concat([writeQuestion(good()), writeQuestion(good())])],
    ['groups within groups', 'invalid_request', () => new Uint8Array(10_000).fill(0x13)],
    ['no request', 'invalid_request', () => message([1, message([1, message([5, 'x'])])])],
    ['no method', 'invalid_request', () => http([4, '/orders'], [5, 'order-service'])],
    ['a method that is none', 'invalid_request', () => http([2, 'GETT'], [4, '/orders'], [5, 'order-service'])],
    ['two methods', 'invalid_request', () => http([2, 'GET'], [2, 'POST'], [4, '/orders'], [5, 'order-service'])],
    ['no path', 'invalid_request', () => http([2, 'GET'], [5, 'order-service'])],
    ['no host', 'invalid_request', () => http([2, 'GET'], [4, '/orders'])],
    ['a host that ends its line', 'invalid_request', () => http([2, 'GET'], [4, '/orders'], [5, 'a\r\nX-User-ID: b'])],
    ['a header that ends its line', 'invalid_request', () => http(...GET, entry('x-a', 'b\r\nX-User-ID: admin'))],
    ['a header with a zero byte', 'invalid_request', () => http(...GET, entry('x-a', 'b\0'))],
    ['a header without a name', 'invalid_request', () => http(...GET, entry('', 'b'))],
    ['a header with a blank in its name', 'invalid_request', () => http(...GET, entry('x a', 'b'))],
    [
      'too many headers',
      'too_many_headers',
      () => http(...GET, ...Array.from({ length: 101 }, (_, index) => entry(`x-${index}`, ''))),
    ],
  ];
  for (const [title, code, bytes] of ROWS) {
    test(title, async () => {
      await denied(code, () => envoy.send(bytes()));
    });
  }
});

test('whatever bytes come, there is an answer and a record: none fails, and random ones are denied', async () => {
  const question = Buffer.from(writeQuestion(good()));
  const damaged = fc.tuple(fc.nat(question.length - 1), fc.nat(255), fc.nat(3)).map(([at, byte, cut]) => {
    const copy = Buffer.from(question);
    copy[at] = byte;
    return copy.subarray(0, cut === 0 ? at : copy.length);
  });
  const asked = { random: 0, damaged: 0 };
  const before = order.sidecar.audit.length;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      asked.random += 1;
      assert.equal((await envoy.send(bytes)).denied?.status, 400);
    }),
    { numRuns: 200 },
  );
  await fc.assert(
    fc.asyncProperty(damaged, async (bytes) => {
      asked.damaged += 1;
      const { code, denied } = await envoy.send(bytes);
      assert.equal(code === 0, denied === undefined);
    }),
    { numRuns: 300 },
  );
  assert.equal(order.sidecar.audit.length - before, asked.random + asked.damaged);
});

describe('Envoy is told to refuse', () => {
  const stranger = createTestAuthority('zone2-CA').issue({ subject: [{ CN: 'api-gateway-client' }] });
  const ROWS: readonly (readonly [title: string, code: ProblemCode, question: () => CheckQuestion])[] = [
    ['who shows no certificate', 'peer_identity_missing', () => ({ headers: bearer() })],
    ['whose certificate is none', 'peer_identity_invalid', () => good({ certificate: 'CN=api-gateway-client' })],
    ['whose certificate others issued', 'peer_identity_invalid', () => good({ certificate: stranger.certPem })],
    ['who sends no token', 'token_missing', () => good({ headers: [] })],
    ['whose token is broken', 'token_malformed', () => good({ headers: bearer('a.b') })],
    ['whose token is over', 'token_expired', () => good({ headers: bearer(order.userToken({ iat: 1, exp: 2 })) })],
    [
      'two tokens, as Envoy joins them',
      'authorization_malformed',
      () => good({ headers: [['authorization', 'Bearer a,Bearer b']] }),
    ],
    ['two tokens, as they came', 'duplicate_header', () => good({ raw: true, headers: [...bearer(), ...bearer()] })],
    ['what the policy denies', 'policy_denied', () => good({ path: '/forbidden' })],
    ['a path with dots', 'path_ambiguous', () => good({ path: '/a/../forbidden' })],
    ['a path with an encoded slash', 'path_ambiguous', () => good({ path: '/a%2fforbidden' })],
    [
      'what looks like a header of ours',
      'header_name_ambiguous',
      () => good({ headers: [...bearer(), ['x_user_id', 'admin']] }),
    ],
    [
      'an upgrade that no route allows',
      'upgrade_not_allowed',
      () => good({ headers: [...bearer(), ['connection', 'upgrade'], ['upgrade', 'websocket']] }),
    ],
  ];
  for (const [title, code, question] of ROWS) {
    test(`${title}: ${code}`, async () => {
      const answer = await denied(code, () => envoy.check(question()));
      const challenge = answer.denied?.headers['www-authenticate'];
      assert.equal(challenge !== undefined, PROBLEMS[code].challenge !== undefined);
    });
  }
});

describe('what is allowed', () => {
  for (const raw of [false, true]) {
    test(`goes on with our headers, and without those that only we may set, ${raw ? 'as header_map' : 'as headers'} have them`, async () => {
      const sent = [
        ...bearer(),
        ['x-user-id', 'admin'],
        ['x-debug', '1'],
        ['x-correlation-id', 'req-7'],
        ['accept', '*/*'],
        ['connection', 'keep-alive'],
      ] as const;
      const answer = await envoy.check(good({ headers: sent, raw, path: '/orders?limit=1' }));
      assert.deepEqual([answer.code, answer.denied], [0, undefined]);
      assert.equal(answer.set['x-user-id'], 'user-123');
      assert.equal(answer.set['x-correlation-id'], 'req-7');
      assert.match(answer.set['traceparent'] ?? '', /^00-/);
      assert.deepEqual(answer.removed.toSorted(), ['authorization', 'x-debug']);
      const record = order.sidecar.audit.at(-1);
      assert.deepEqual(
        ['decision', 'direction', 'path', 'user_id'].map((name) => record?.[name]),
        ['allow', 'decision', '/orders', 'user-123'],
      );
      assert.equal(order.app.seen.length, 0);
    });
  }

  test('what the service would get from a client is removed where the token says nothing of it', async () => {
    const headers = [
      ...bearer(),
      ['x-user-context', 'someone'],
      ['x-forwarded-client-cert', 'By=x'],
      ['x-forwarded-proto', 'https'],
    ] as const;
    const answer = await envoy.check(good({ headers }));
    assert.ok(answer.removed.includes('x-forwarded-client-cert'));
    assert.ok(!answer.removed.includes('x-forwarded-proto'), 'Envoy wrote it, and finds no route without it');
    assert.notEqual(answer.set['x-user-context'], 'someone');
  });

  test('many questions at once have an answer and a record each', async () => {
    const before = order.sidecar.audit.length;
    const answers = await Promise.all(Array.from({ length: 200 }, () => envoy.check(good())));
    assert.ok(answers.every(({ code }) => code === 0));
    assert.equal(order.sidecar.audit.length - before, 200);
  });
});

describe('a record that cannot be kept', () => {
  test('means that the answer is 503', async () => {
    await using ingress = await startIngress({
      chapters: GRPC,
      beforeKeeping: () => {
        throw new Error('the disk is full');
      },
    });
    using client = connectEnvoy(ingress.sidecar.grpcPort);
    const answer = await client.check({ headers: bearer(ingress.token()) });
    assert.deepEqual([answer.denied?.status, answer.set], [503, {}]);
  });
});

describe('server.grpc', () => {
  for (const [chapters, reason] of [
    ['server: { grpc: { enabled: true, addr: ":9090" } }', /server.grpc.addr: is not a loopback address/],
    ['server: { grpc: { enabled: true, addr: "10.0.0.1:9090" } }', /server.grpc.addr: is not a loopback address/],
    ['server: { grpc: { port: 9090 } }', /server.grpc.port: is an unknown key/],
  ] as const) {
    test(`${chapters} is refused`, () => assert.rejects(startIngress({ chapters }), reason));
  }

  test('may be open to other machines with a reason, which is logged', async () => {
    const chapters = 'server: { grpc: { enabled: true, addr: ":0", remote_reason: "Envoy is in another container" } }';
    await using ingress = await startIngress({ chapters });
    assert.match(ingress.sidecar.log(), /Envoy is in another container.*open to other machines/);
    using client = connectEnvoy(ingress.sidecar.grpcPort);
    assert.equal((await client.check({ headers: bearer(ingress.token()) })).code, 0);
  });

  test('off, which is the default: nobody listens', async () => {
    await using ingress = await startIngress();
    assert.equal(ingress.sidecar.grpcPort, 0);
  });
});
