/**
 * Transaction tokens (draft-ietf-oauth-transaction-tokens): a sidecar believes those of its own trust domain only, hands them on unchanged,
 * and removes what it did not verify.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { createSigningKey, hmac, keySetBytes, type MintOptions, mint } from '../support/tokens.ts';
import { sendRequest, type WireAnswer } from '../support/wire.ts';

const SERVICE = 'https://idp.example.com/realms/services';
const DOMAIN = 'services.example.org';
const key = createSigningKey('ES256', 'txn-1');
const foreign = createSigningKey('ES256', 'txn-1');

const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.txn.sub == "user-123"
	input.txn.tctx.action == "buy"
	"orders:write" in split(input.txn.scope, " ")
}

allow if input.request.path == "/without"
`;

type Changes = Readonly<Record<string, unknown>>;

function transaction(changes: Changes = {}, options: Partial<MintOptions> = {}): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: SERVICE,
    aud: DOMAIN,
    sub: 'user-123',
    txn: '97053963-771d-49cc-a4e3-20aad399c312',
    scope: 'orders:write',
    req_wl: 'spiffe://example.org/zone1/api-gateway',
    tctx: { action: 'buy' },
    rctx: { req_ip: '203.0.113.7' },
    iat,
    exp: iat + 60,
  };
  return mint({ ...claims, ...changes }, { key, ...options, header: { typ: 'txntoken+jwt', ...options.header } });
}

const now = (): number => Math.floor(Date.now() / 1000);

/** The reason of each is in the record, behind the one code that the caller is told. */
const REFUSED: readonly (readonly [what: string, reason: string, token: () => string])[] = [
  ['an access token of the same service', 'token_typ_mismatch', () => transaction({}, { header: { typ: 'at+jwt' } })],
  ['one without a type', 'token_typ_mismatch', () => transaction({}, { header: { typ: undefined } })],
  ['one of an older draft', 'token_typ_mismatch', () => transaction({}, { header: { typ: 'txn_token' } })],
  ['one of another trust domain', 'token_aud_mismatch', () => transaction({ aud: 'other.example.org' })],
  ['one for this service alone', 'token_aud_mismatch', () => transaction({ aud: 'order-service' })],
  ['one of two trust domains', 'token_aud_multiple', () => transaction({ aud: [DOMAIN, 'other.example.org'] })],
  ['one for nobody', 'token_aud_missing', () => transaction({ aud: undefined })],
  [
    'one of another issuer',
    'token_issuer_mismatch',
    () => transaction({ iss: 'https://idp.example.com/realms/users' }),
  ],
  ['one of no issuer', 'token_issuer_mismatch', () => transaction({ iss: undefined })],
  ['one signed by a stranger under the same kid', 'token_signature_invalid', () => transaction({}, { key: foreign })],
  ["one signed by the users' realm", 'token_key_not_found', () => transaction({}, { key: ingress.issuerKey })],
  ['one that nobody signed', 'token_alg_not_allowed', () => transaction({}, { header: { alg: 'none' } })],
  [
    'one under a MAC',
    'token_alg_not_allowed',
    () => transaction({}, { header: { alg: 'HS256' }, sign: hmac('sha256', 'secret') }),
  ],
  ['one that asks for more', 'token_crit_unsupported', () => transaction({}, { header: { crit: ['x'], x: 1 } })],
  ['one that has expired', 'token_expired', () => transaction({ iat: now() - 120, exp: now() - 60 })],
  ['one of tomorrow', 'token_not_yet_valid', () => transaction({ iat: now() + 60, exp: now() + 90 })],
  ['one that lives for an hour', 'token_lifetime_exceeded', () => transaction({ exp: now() + 3600 })],
  ['one that never expires', 'token_exp_missing', () => transaction({ exp: undefined })],
  ['one without a date', 'token_claim_type', () => transaction({ iat: undefined })],
  ['one without a transaction', 'token_claim_type', () => transaction({ txn: undefined })],
  ['one with an empty transaction', 'token_claim_type', () => transaction({ txn: '' })],
  ['one with a transaction that is an object', 'token_claim_type', () => transaction({ txn: { id: 1 } })],
  ['one with a transaction that ends a line', 'token_claim_type', () => transaction({ txn: 'a\r\nb' })],
  ['one without a subject', 'token_sub_invalid', () => transaction({ sub: undefined })],
  ['one without a scope', 'token_claim_type', () => transaction({ scope: undefined })],
  ['one with a list of scopes', 'token_claim_type', () => transaction({ scope: ['orders:write'] })],
  ['one that no workload asked for', 'token_claim_type', () => transaction({ req_wl: undefined })],
  ['one with details that are a text', 'token_claim_type', () => transaction({ tctx: 'buy' })],
  ['one with a context that is a list', 'token_claim_type', () => transaction({ rctx: [] })],
  ['one that is bound', 'token_binding_required', () => transaction({ cnf: { jkt: 'A'.repeat(43) } })],
  ['one without its last byte', 'token_', () => transaction().slice(0, -1)],
  ['one widened by its holder', 'token_signature_invalid', widened],
  ['no token', 'token_malformed', () => 'x'],
  ['nothing', 'token_malformed', () => ''],
  ['two in one field', 'token_malformed', () => `${transaction()}, ${transaction()}`],
  ['a token with its scheme', 'token_malformed', () => `Bearer ${transaction()}`],
];

function widened(): string {
  const [header, payload = '', signature] = transaction().split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Changes;
  const more = Buffer.from(JSON.stringify({ ...claims, scope: 'orders:write admin' })).toString('base64url');
  return [header, more, signature].join('.');
}

const TAKEN = `  transaction_tokens: { draft: draft-ietf-oauth-transaction-tokens-10, trust_domain: ${DOMAIN}, issuer: "${SERVICE}", jwks_url: "\${TXN}" }`;
const PROXY = `  routes: [{ path: /**, auth_required: false }]
  authz: { policy_query: data.order.allow }`;

let keys: JwksServer;
let inner: HttpApp;
let ingress: Ingress;
before(async () => {
  keys = await startJwksServer((_, response) => void response.end(keySetBytes(key.jwk())));
  inner = await startHttpApp();
  ingress = await start(TAKEN);
});
after(async () => {
  await ingress[Symbol.asyncDispose]();
  await inner[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

function start(jwt: string): Promise<Ingress> {
  const target = `url: "http://127.0.0.1:${inner.port}"`;
  const targets =
    jwt === ''
      ? `    outside: { ${target} }`
      : `    inside: { ${target}, forward_transaction_token: true }\n    outside: { ${target} }`;
  const routes = ['inside', 'outside']
    .filter((name) => targets.includes(`${name}:`))
    .map((name) => `{ path_prefix: /${name}, target: ${name} }`);
  return startIngress({
    jwt,
    proxy: PROXY,
    chapters: `egress:\n  enabled: true\n  addr: 127.0.0.1:0\n  targets:\n${targets}\n  routes: [${routes.join(', ')}]`,
    files: { '/etc/authz/policies/order.rego': POLICY },
    env: { TXN: `${keys.origin}/certs` },
  });
}

const ask = (tokens: readonly string[], target = '/orders', to = ingress): Promise<WireAnswer> =>
  sendRequest(to.wire, { target, headers: tokens.flatMap((token) => ['Txn-Token', token]) });

const call = (target: string, headers: readonly string[], from = ingress): Promise<WireAnswer> =>
  sendRequest({ port: from.sidecar.egressPort }, { target, headers });

const arrived = (app: Pick<HttpApp, 'seen'>): readonly string[] =>
  valuesOf(app.seen.at(-1)?.rawHeaders ?? [], 'txn-token');

describe('a transaction token at the ingress', () => {
  for (const [what, reason, token] of REFUSED) {
    test(`${what} is refused, and its reason is ${reason}`, async () => {
      const text = token();
      const secrets = text.length < 3 ? [] : [text];
      const record = await ingress.refused('transaction_token_invalid', () => ask([text]), secrets);
      assert.match(String(record['reasons']), new RegExp(`^${reason}`));
    });
  }

  test('two of them are refused', async () => {
    await ingress.refused('duplicate_header', () => ask([transaction(), transaction()]));
  });

  for (const name of ['Txn_Token', 'Txn.Token', 'TXN_TOKEN']) {
    test(`a header that looks like it, ${name}, is refused`, async () => {
      const headers = [name, transaction()];
      await ingress.refused('header_name_ambiguous', () => sendRequest(ingress.wire, { target: '/without', headers }));
    });
  }

  test('that is absent grants nothing: the policy has no input.txn', async () => {
    await ingress.refused('policy_denied', () => ask([]));
    assert.equal((await ask([], '/without')).status, 200);
  });

  test('is no bearer token', async () => {
    const headers = ['Authorization', `Bearer ${transaction()}`];
    await ingress.refused('token_typ_mismatch', () => sendRequest(ingress.wire, { target: '/without', headers }));
  });

  for (const [what, changes] of [
    ['another user', { sub: 'user-456' }],
    ['other details', { tctx: { action: 'sell' } }],
    ['a narrower scope', { scope: 'orders:read' }],
  ] as const) {
    test(`the policy reads it as input.txn: ${what} is denied`, async () => {
      await ingress.refused('policy_denied', () => ask([transaction(changes)]));
    });
  }

  test('that is right is read by the policy, written down by its id, and reaches the service as it was', async () => {
    const text = transaction();
    const answer = await ask([text]);
    assert.equal(answer.status, 200, answer.raw);
    assert.deepEqual(arrived(ingress.app), [text]);
    assert.deepEqual(valuesOf(ingress.app.seen.at(-1)?.rawHeaders ?? [], 'x-user-context'), ['user-123']);
    const record = ingress.sidecar.audit.at(-1) ?? {};
    assert.deepEqual(
      [record['txn'], record['user_id'], record['context_verified']],
      ['97053963-771d-49cc-a4e3-20aad399c312', 'user-123', true],
    );
    assert.ok(!ingress.sidecar.lines.join('').includes(text.split('.')[2] ?? ''));
  });

  test('that was good is refused once it has expired', async () => {
    const text = transaction({ iat: now() - 60, exp: now() - 3 });
    assert.equal((await ask([text])).status, 200, 'within the tolerance of five seconds');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await ingress.refused('transaction_token_invalid', () => ask([text]));
  });

  test('is removed where none is configured, and grants nothing', async () => {
    await using closed = await start('');
    await closed.refused('policy_denied', () => ask([transaction()], '/orders', closed));
    assert.equal((await ask([transaction()], '/without', closed)).status, 200);
    assert.deepEqual(arrived(closed.app), []);
    await call('/outside', ['Txn-Token', transaction()], closed);
    assert.deepEqual(arrived(inner), []);
  });
});

describe('a transaction token at the egress', () => {
  test('leaves unchanged for a target of the same trust domain', async () => {
    const text = transaction();
    assert.equal((await call('/inside', ['Txn-Token', text])).status, 200);
    assert.deepEqual(arrived(inner), [text]);
  });

  test('does not leave for any other target', async () => {
    assert.equal((await call('/outside', ['Txn-Token', transaction()])).status, 200);
    assert.deepEqual(arrived(inner), []);
  });

  test('does not leave when it cannot be verified', async () => {
    const before = inner.seen.length;
    const answer = await call('/inside', ['Txn-Token', widened()]);
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, 'transaction_token_invalid']);
    assert.equal(inner.seen.length, before);
    assert.equal((await call('/inside', ['Txn-Token', transaction(), 'Txn-Token', transaction()])).status, 400);
  });
});
