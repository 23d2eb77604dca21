/** The decision API of the admin listener: it says what the data path does, for the same reasons, and leaves a record each time. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PROBLEMS, type ProblemCode } from '@sidegate/sdk';
import { asciiJson } from '../../packages/sidegate/src/telemetry/ascii-json.ts';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { startIngress } from '../support/ingress.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { until } from '../support/until.ts';
import { sendRequest, type WireAnswer, type WireRequest } from '../support/wire.ts';

const ADMIN = 'admin: { addr: "127.0.0.1:0" }';
const HOST = 'order-service.zone2.local';

interface Question {
  readonly request?: Readonly<Record<string, unknown>>;
  readonly token?: string;
  readonly mtls?: { readonly certificate: string };
  readonly headers?: Readonly<Record<string, unknown>>;
}

interface Decision {
  readonly decision: string;
  readonly status: number;
  readonly code?: string;
  readonly reasons: readonly string[];
  readonly rule?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly request_id: string;
  readonly correlation_id: string;
}

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar({ chapters: ADMIN });
});
after(() => order[Symbol.asyncDispose]());

function post(body: unknown, target = '/v1/authorize', contentType = 'application/json'): Promise<WireAnswer> {
  // The wire takes a character for a byte.
  const text = typeof body === 'string' ? body : asciiJson(body);
  const headers = ['Content-Type', contentType];
  return sendRequest({ port: order.sidecar.adminPort }, { method: 'POST', target, headers, body: text });
}

const GOOD = { method: 'GET', path: '/orders', host: HOST };
const good = (changes: Question = {}): Question => ({
  request: GOOD,
  token: order.userToken(),
  mtls: { certificate: order.gateway.certPem },
  ...changes,
});

async function decisionOn(question: Question): Promise<Decision> {
  const answer = await post(question);
  assert.equal(answer.status, 200, answer.raw);
  assert.equal(answer.headers['content-type'], 'application/json');
  return JSON.parse(answer.body) as Decision;
}

describe('a question that is none', () => {
  const ROWS: readonly (readonly [title: string, code: ProblemCode, body: () => unknown, contentType?: string])[] = [
    ['no JSON', 'invalid_request', () => '{'],
    ['nothing', 'invalid_request', () => ''],
    ['a list', 'invalid_request', () => []],
    ['a member twice', 'invalid_request', () => '{"token":"a","token":"b"}'],
    ['an unknown member', 'invalid_request', () => ({ ...good(), user: 'admin' })],
    ['claims in place of a token', 'invalid_request', () => ({ ...good(), token: { sub: 'admin' } })],
    ['a peer that is only named', 'invalid_request', () => ({ ...good(), mtls: { verified: true } })],
    ['no method', 'invalid_request', () => good({ request: { path: '/orders', host: HOST } })],
    ['an unknown method', 'invalid_request', () => good({ request: { ...GOOD, method: 'get' } })],
    ['no host', 'invalid_request', () => good({ request: { method: 'GET', path: '/orders' } })],
    ['a query in the path', 'invalid_request', () => good({ request: { ...GOOD, path: '/orders?x=1' } })],
    ['a second token among the headers', 'invalid_request', () => good({ headers: { Authorization: 'Bearer x' } })],
    ['a header name that is none', 'invalid_request', () => good({ headers: { 'X A': 'b' } })],
    ['a line end in a header', 'invalid_request', () => good({ headers: { 'X-A': 'a\r\nX-B: b' } })],
    [
      'a character whose low byte is a line end',
      'invalid_request',
      () => good({ headers: { 'X-A': 'a\u010aX-B: b' } }),
    ],
    ['a number as a header', 'invalid_request', () => good({ headers: { 'X-A': 1 } })],
    ['65 KB', 'body_too_large', () => good({ headers: { 'X-A': 'a'.repeat(65 * 1024) } })],
    ['a form', 'media_type_unsupported', () => good(), 'application/x-www-form-urlencoded'],
    ['what a browser sends unasked', 'media_type_unsupported', () => good(), 'text/plain'],
  ];
  for (const [title, code, body, contentType] of ROWS) {
    test(`${title}: ${code}, and no decision is made`, async () => {
      const records = order.sidecar.audit.length;
      const answer = await post(body(), '/v1/authorize', contentType);
      assert.equal(answer.status, PROBLEMS[code].status, answer.raw);
      assert.equal((JSON.parse(answer.body) as { code?: string }).code, code);
      assert.equal(order.sidecar.audit.length, records);
    });
  }
});

describe('a decision', () => {
  const stranger = createTestAuthority('stranger-CA');
  const issued = (options: Parameters<typeof stranger.issue>[0]) => order.zone.issue(options).certPem;
  const GATEWAY = { uris: ['spiffe://example.org/zone1/api-gateway'] };
  const ROWS: readonly (readonly [title: string, code: ProblemCode, question: () => Question])[] = [
    ['no token', 'token_missing', () => ({ request: GOOD, mtls: { certificate: order.gateway.certPem } })],
    ['a token that is none', 'token_malformed', () => good({ token: 'abc' })],
    ['a token with a blank', 'token_malformed', () => good({ token: 'abc def' })],
    ['a token behind a blank', 'authorization_malformed', () => good({ token: ' abc' })],
    ['a token for another audience', 'token_aud_mismatch', () => good({ token: order.userToken({ aud: 'x' }) })],
    ['an expired token', 'token_expired', () => good({ token: order.userToken({ iat: 1, exp: 2 }) })],
    [
      'the token of a client that may not be passed on',
      'identity_token_mismatch',
      () => good({ token: order.userToken({ azp: 'other' }) }),
    ],
    [
      'a token that is bound to another certificate',
      'token_binding_mismatch',
      () => good({ token: order.userToken({ cnf: { 'x5t#S256': 'a'.repeat(43) } }) }),
    ],
    ['no certificate', 'peer_identity_missing', () => ({ request: GOOD, token: order.userToken() })],
    [
      'a certificate of a stranger',
      'peer_identity_invalid',
      () => good({ mtls: { certificate: stranger.issue(GATEWAY).certPem } }),
    ],
    ['a certificate that is none', 'peer_identity_invalid', () => good({ mtls: { certificate: 'abc' } })],
    [
      'two certificates',
      'peer_identity_invalid',
      () => good({ mtls: { certificate: order.gateway.certPem.repeat(2) } }),
    ],
    [
      'an expired certificate',
      'peer_certificate_expired',
      () => good({ mtls: { certificate: issued({ ...GATEWAY, notAfter: new Date(Date.now() - 1_000) }) } }),
    ],
    [
      'a client that is not listed',
      'peer_not_allowed',
      () => good({ mtls: { certificate: issued({ uris: ['spiffe://example.org/zone2/other'] }) } }),
    ],
    ['a path that the policy forbids', 'policy_denied', () => good({ request: { ...GOOD, path: '/forbidden' } })],
    [
      'a path that can be read in two ways',
      'path_ambiguous',
      () => good({ request: { ...GOOD, path: '/a/../orders' } }),
    ],
    ['a token in the query', 'invalid_request', () => good({ request: { ...GOOD, query: 'access_token=x' } })],
    ['a header that looks like an identity', 'header_name_ambiguous', () => good({ headers: { X_User_ID: 'admin' } })],
  ];
  for (const [title, code, question] of ROWS) {
    test(`about ${title} is deny with ${code}, and one record`, async () => {
      const records = order.sidecar.audit.length;
      const decision = await decisionOn(question());
      assert.deepEqual([decision.decision, decision.code, decision.status], ['deny', code, PROBLEMS[code].status]);
      assert.ok(decision.reasons.length > 0);
      assert.equal(decision.headers, undefined);
      await until(() => order.sidecar.audit.length > records);
      const [record, ...others] = order.sidecar.audit.slice(records);
      assert.deepEqual(others, []);
      assert.deepEqual(
        ['direction', 'decision', 'code', 'request_id'].map((name) => record?.[name]),
        ['decision', 'deny', code, decision.request_id],
      );
      assert.equal(order.app.seen.length, 0);
    });
  }

  test('to allow has the headers that the service would get, the rule, and a record', async () => {
    const records = order.sidecar.audit.length;
    const decision = await decisionOn(good({ headers: { 'X-Correlation-ID': 'req-1', 'X-User-ID': 'admin' } }));
    assert.deepEqual([decision.decision, decision.status, decision.code], ['allow', 200, undefined]);
    assert.match(decision.rule ?? '', /^order\.rego:\d+$/);
    assert.equal(decision.correlation_id, 'req-1');
    assert.equal(decision.headers?.['X-User-ID'], 'user-123');
    assert.equal(decision.headers?.['X-User-Context'], 'user-123');
    const [record] = order.sidecar.audit.slice(records);
    assert.deepEqual(
      ['direction', 'decision', 'status', 'path', 'calling_service', 'user_id', 'request_id'].map(
        (name) => record?.[name],
      ),
      ['decision', 'allow', 200, '/orders', 'api-gateway', 'user-123', decision.request_id],
    );
    assert.equal(order.app.seen.length, 0, 'nothing is forwarded');
  });

  test('is the one of the data path, request by request', async () => {
    const tokens = [order.userToken(), order.userToken({ aud: 'x' }), order.userToken({ azp: 'other' }), 'none'];
    for (const path of ['/orders', '/forbidden', '/a//b']) {
      for (const token of tokens) {
        const asked = await decisionOn(good({ request: { ...GOOD, path }, token }));
        const sent = await order.send({ target: path, headers: ['Authorization', `Bearer ${token}`] });
        const code = sent.status === 200 ? undefined : (JSON.parse(sent.body) as { code?: string }).code;
        assert.deepEqual([asked.status, asked.code], [sent.status, code]);
      }
    }
    order.app.seen.length = 0;
  });

  test('says nothing of the token in any output', async () => {
    const token = order.userToken({ aud: 'x', sub: 'someone' });
    const answer = await post(good({ token }));
    const [, , signature = ''] = token.split('.');
    for (const text of [answer.raw, JSON.stringify(order.sidecar.audit), order.sidecar.log()]) {
      assert.ok(!text.includes(signature));
    }
  });
});

describe('a batch', () => {
  const batch = (requests: unknown): Promise<WireAnswer> => post({ requests }, '/v1/authorize/batch');

  test('of none, of more than 100, or of something else is refused as a whole', async () => {
    const records = order.sidecar.audit.length;
    for (const requests of [[], Array.from({ length: 101 }, () => good()), {}, [good(), 'x'], undefined]) {
      const answer = await batch(requests);
      assert.equal(answer.status, 400, answer.raw);
    }
    assert.equal((await post([good()], '/v1/authorize/batch')).status, 400);
    assert.equal((await post({ requests: [good()], more: 1 }, '/v1/authorize/batch')).status, 400);
    assert.equal(order.sidecar.audit.length, records);
  });

  test('is decided in its order, with a record each', async () => {
    const records = order.sidecar.audit.length;
    const paths = Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? '/orders' : '/forbidden'));
    const answer = await batch(paths.map((path) => good({ request: { ...GOOD, path } })));
    assert.equal(answer.status, 200, answer.raw);
    const { decisions } = JSON.parse(answer.body) as { decisions: Decision[] };
    assert.deepEqual(
      decisions.map(({ decision }) => decision),
      paths.map((path) => (path === '/orders' ? 'allow' : 'deny')),
    );
    assert.deepEqual(
      order.sidecar.audit.slice(records).map((record) => record['request_id']),
      decisions.map(({ request_id }) => request_id),
    );
  });
});

describe('a decision that cannot be recorded', () => {
  for (const [mode, status] of [
    ['required', 503],
    ['best_effort', 200],
  ] as const) {
    test(`is ${status} with audit.mode ${mode}`, async () => {
      let full = false;
      await using ingress = await startIngress({
        chapters: `${ADMIN}\naudit: { mode: ${mode} }`,
        beforeKeeping: () => {
          if (full) throw new Error('no space left');
        },
      });
      full = true;
      const body = JSON.stringify({ request: GOOD, token: ingress.token() });
      const headers = ['Content-Type', 'application/json'];
      const wire = { port: ingress.sidecar.adminPort };
      const answer = await sendRequest(wire, { method: 'POST', target: '/v1/authorize', headers, body });
      assert.equal(answer.status, status, answer.raw);
      assert.equal(answer.body.includes('allow'), status === 200);
    });
  }
});

describe('where something is not there', () => {
  const headers = ['Content-Type', 'application/json'];
  const request: WireRequest = { method: 'POST', target: '/v1/authorize', headers };

  test('without an ingress there is nothing to decide', async () => {
    await using sidecar = await startTestSidecar({ yaml: `service: { name: a }\n${ADMIN}`, files: {} });
    assert.equal((await sendRequest({ port: sidecar.adminPort }, { ...request, body: '{}' })).status, 404);
  });

  test('a certificate where none is looked at is no reason to allow', async () => {
    await using ingress = await startIngress({ chapters: ADMIN });
    const certificate = { certificate: order.gateway.certPem };
    const body = JSON.stringify({ request: GOOD, token: ingress.token(), mtls: certificate });
    const answer = await sendRequest({ port: ingress.sidecar.adminPort }, { ...request, body });
    const { decision, code } = JSON.parse(answer.body) as Decision;
    assert.deepEqual([decision, code], ['deny', 'invalid_request']);
  });
});
