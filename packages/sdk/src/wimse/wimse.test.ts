import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import type { ReceivedRequest } from '../server/received-request.ts';
import { wimseAuthenticator } from './authenticator.ts';
import { wimseCredentials } from './credentials.ts';
import { WIMSE_DRAFT } from './draft.ts';
import { signWorkloadIdentity } from './workload-identity.ts';

const time = manualTime();
const NOW = time.clock.now() / 1000;
const server = createSigningKey('ES256', 'June 5');
const otherServer = createSigningKey('ES256', 'June 6');
const WORKLOAD = 'wimse://example.com/checkout';
const TARGET = 'https://orders.internal.example/orders/42';

const own = generateKeyPairSync('ed25519');
const thief = generateKeyPairSync('ed25519');
const signer = { key: server.privateKey, algorithm: 'ES256', keyId: 'June 5' } as const;
const identityOf = (workload: string, publicKey: KeyObject = own.publicKey): string =>
  signWorkloadIdentity({ workload, publicKey, algorithm: 'EdDSA', issuedAt: NOW, lifetimeSeconds: 3_600 }, signer);
const identity = identityOf(WORKLOAD);

const fields = (token: string, headers: Readonly<Record<string, string>> = {}, key = own.privateKey) =>
  wimseCredentials(
    { draft: WIMSE_DRAFT, identity: () => ({ token, key: { key, algorithm: 'EdDSA' } }) },
    time,
  ).authorize({
    method: 'GET',
    url: new URL(`${TARGET}?full=1#x`),
    headers,
    body: undefined,
  });

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

/** A proof with claims replaced, or removed when undefined; signed by the workload's key unless another is given. */
function proof(
  changes: Readonly<Record<string, unknown>> = {},
  { alg = 'EdDSA', typ = 'wpt+jwt', key = own.privateKey } = {},
) {
  const claims = { aud: TARGET, exp: NOW + 60, jti: crypto.randomUUID(), wth: hashOf(identity), ...changes };
  return new SignJWT(claims).setProtectedHeader({ alg, typ }).sign(key);
}

function authenticatorOf(changes: Partial<Parameters<typeof wimseAuthenticator>[0]> = {}) {
  return wimseAuthenticator(
    {
      draft: WIMSE_DRAFT,
      identityServers: { 'example.com': { keys: createPushedJwks(keySetBytes(server.jwk())) } },
      origins: ['https://orders.internal.example', 'https://orders:443'],
      ...changes,
    },
    time,
  );
}

const asked = (
  headers: Readonly<Record<string, string | readonly string[]>>,
  target = '/orders/42?full=1',
): ReceivedRequest => ({
  method: 'GET',
  target,
  values: (name) => [headers[name] ?? []].flat(),
  clientCertificate: undefined,
  remoteAddress: '127.0.0.1',
  body: async () => new Uint8Array(),
});

const withProof = async (
  made: string | Promise<string>,
  more: Readonly<Record<string, string | readonly string[]>> = {},
) => asked({ 'workload-identity-token': identity, 'workload-proof-token': await made, ...more });
const withIdentity = async (token: string) =>
  asked({ 'workload-identity-token': token, 'workload-proof-token': await proof({ wth: hashOf(token) }) });

const rawIdentity = (claims: object, header: object = {}, key = server) =>
  mint(
    {
      sub: WORKLOAD,
      exp: NOW + 60,
      cnf: { jwk: { ...own.publicKey.export({ format: 'jwk' }), alg: 'EdDSA' } },
      ...claims,
    },
    { key, header: { typ: 'wit+jwt', ...header } },
  );

const REFUSED: readonly (readonly [title: string, code: ProblemCode, request: () => Promise<ReceivedRequest>])[] = [
  ['without an identity', 'token_missing', async () => asked({ 'workload-proof-token': await proof() })],
  [
    'without a proof: an identity is no bearer token',
    'token_missing',
    async () => asked({ 'workload-identity-token': identity }),
  ],
  [
    'with two proofs',
    'duplicate_header',
    async () => withProof(proof(), { 'workload-proof-token': [await proof(), await proof()] }),
  ],
  ['by the key of another', 'token_signature_invalid', () => withProof(proof({}, { key: thief.privateKey }))],
  ['for another path', 'token_aud_mismatch', () => withProof(proof({ aud: `${TARGET}1` }))],
  [
    'for another service',
    'token_aud_mismatch',
    () => withProof(proof({ aud: 'https://stock.internal.example/orders/42' })),
  ],
  ['for several', 'token_aud_mismatch', () => withProof(proof({ aud: [TARGET, 'https://stock/'] }))],
  [
    'with a proof beside another identity',
    'token_binding_mismatch',
    () => withProof(proof({ wth: hashOf('another') })),
  ],
  ['with a proof beside none', 'token_binding_mismatch', () => withProof(proof({ wth: undefined }))],
  [
    'with an access token that is not bound',
    'token_binding_mismatch',
    () => withProof(proof(), { authorization: 'Bearer abc' }),
  ],
  ['without the access token that is bound', 'token_binding_mismatch', () => withProof(proof({ ath: hashOf('abc') }))],
  [
    'with a transaction token that is not bound',
    'token_binding_mismatch',
    () => withProof(proof(), { 'txn-token': 'abc' }),
  ],
  [
    'without another token that the proof names',
    'token_binding_mismatch',
    () => withProof(proof({ oth: { 'x-user': hashOf('mary') } })),
  ],
  [
    'with another token twice',
    'token_binding_mismatch',
    () => withProof(proof({ oth: { 'x-user': hashOf('mary') } }), { 'x-user': ['mary', 'john'] }),
  ],
  ['whose proof has expired', 'token_expired', () => withProof(proof({ exp: NOW - 6 }))],
  ['whose proof lives for an hour', 'token_lifetime_exceeded', () => withProof(proof({ exp: NOW + 3_600 }))],
  ['whose proof never expires', 'token_exp_missing', () => withProof(proof({ exp: undefined }))],
  ['whose proof has no jti', 'token_claim_type', () => withProof(proof({ jti: undefined }))],
  ['whose proof is another kind of token', 'token_typ_mismatch', () => withProof(proof({}, { typ: 'at+jwt' }))],
  [
    'whose proof names the algorithm otherwise than the identity',
    'token_alg_not_allowed',
    () => withProof(proof({}, { alg: 'Ed25519' })),
  ],
  ['whose identity is the proof', 'token_typ_mismatch', async () => withIdentity(await proof())],
  [
    'whose identity is of a trust domain that nobody knows',
    'token_issuer_mismatch',
    () => withIdentity(identityOf('wimse://evil.example/checkout')),
  ],
  [
    'whose identity is a trust domain',
    'token_sub_invalid',
    () => withIdentity(rawIdentity({ sub: 'wimse://example.com' })),
  ],
  ['whose identity is a name', 'token_sub_invalid', () => withIdentity(rawIdentity({ sub: 'checkout' }))],
  [
    'whose identity was signed by another server',
    'token_key_not_found',
    () => withIdentity(rawIdentity({}, {}, otherServer)),
  ],
  ['whose identity has expired', 'token_expired', () => withIdentity(rawIdentity({ exp: NOW - 6 }))],
  [
    'whose identity lives for a month',
    'token_lifetime_exceeded',
    () => withIdentity(rawIdentity({ exp: NOW + 2_592_000 })),
  ],
  ['whose identity names no key', 'token_binding_required', () => withIdentity(rawIdentity({ cnf: {} }))],
  [
    'whose key has no algorithm',
    'token_claim_type',
    () => withIdentity(rawIdentity({ cnf: { jwk: own.publicKey.export({ format: 'jwk' }) } })),
  ],
  [
    'whose key is a secret',
    'token_claim_type',
    () => withIdentity(rawIdentity({ cnf: { jwk: { kty: 'oct', k: 'AAAA', alg: 'HS256' } } })),
  ],
  [
    'whose key is there with its private half',
    'token_claim_type',
    () => withIdentity(rawIdentity({ cnf: { jwk: { ...own.privateKey.export({ format: 'jwk' }), alg: 'EdDSA' } } })),
  ],
  [
    'with a path that can be read in two ways',
    'path_ambiguous',
    async () =>
      asked({ 'workload-identity-token': identity, 'workload-proof-token': await proof() }, '/orders/..%2f42'),
  ],
];

describe('a request is refused', () => {
  for (const [title, code, request] of REFUSED) {
    test(title, async () => {
      await assert.rejects(
        async () => authenticatorOf().authenticate(await request()),
        (error) => error instanceof Problem && (assert.equal(error.code, code, error.message), true),
      );
    });
  }

  test('the second time: a proof is good for one use', async () => {
    const authenticator = authenticatorOf();
    const request = await withProof(proof());
    await authenticator.authenticate(request);
    await assert.rejects(async () => authenticator.authenticate(request), { code: 'token_replayed' });
  });

  test('of a workload that is not among the callers', async () => {
    const authenticator = authenticatorOf({ workloads: ['wimse://example.com/billing'] });
    await assert.rejects(async () => authenticator.authenticate(await withProof(proof())), {
      code: 'peer_not_allowed',
    });
  });

  test('without the iss of its identity server, where that has one', async () => {
    const keys = createPushedJwks(keySetBytes(server.jwk()));
    const authenticator = authenticatorOf({
      identityServers: { 'example.com': { keys, issuer: 'https://ids.example.com' } },
    });
    await assert.rejects(async () => authenticator.authenticate(await withProof(proof())), {
      code: 'token_issuer_mismatch',
    });
  });
});

test('a receiver of another draft, without a name or without vouchers is not built', () => {
  for (const [changes, reason] of [
    [{ draft: 'draft-ietf-wimse-wpt-99' as typeof WIMSE_DRAFT }, /speaks draft-ietf-wimse-wpt-01/],
    [{ origins: [] }, /origins/],
    [{ identityServers: {} }, /nobody vouches/],
  ] as const) {
    assert.throws(() => authenticatorOf(changes), { name: 'RangeError', message: reason });
  }
});

test('a workload with its key is who it is, whatever the query', async () => {
  const made = await fields(identity);
  const principal = await authenticatorOf().authenticate(asked(made));
  assert.deepEqual(
    [principal.service, principal.roles, principal.proofs],
    [{ name: WORKLOAD, spiffeId: undefined }, ['system'], ['service_jwt']],
  );
  const spiffe = await fields(identityOf('spiffe://example.com/checkout'));
  assert.equal(
    (await authenticatorOf().authenticate(asked(spiffe))).service?.spiffeId,
    'spiffe://example.com/checkout',
  );
});

test('tokens beside it are bound to it', async () => {
  const beside = { authorization: 'Bearer abc.def', 'txn-token': 'ghi' };
  const made = await fields(identity, beside);
  const { ath, tth } = decodeJwt(made['workload-proof-token'] ?? '');
  assert.deepEqual([ath, tth], [hashOf('abc.def'), hashOf('ghi')]);
  await authenticatorOf().authenticate(asked({ ...made, ...beside }));
  await assert.rejects(
    async () => authenticatorOf().authenticate(asked({ ...made, ...beside, authorization: 'Bearer x' })),
    { code: 'token_binding_mismatch' },
  );
  await authenticatorOf().authenticate(
    await withProof(proof({ oth: { 'x-user': hashOf('mary') } }), { 'x-user': ' mary ' }),
  );
});

test('what the draft asks of the two tokens, as another library reads them', async () => {
  const made = await fields(identity);
  const text = made['workload-proof-token'] ?? '';
  assert.deepEqual(decodeProtectedHeader(text), { alg: 'EdDSA', typ: 'wpt+jwt' });
  const { payload } = await jwtVerify(text, own.publicKey, { currentDate: new Date(NOW * 1000), typ: 'wpt+jwt' });
  assert.deepEqual(
    { aud: payload.aud, exp: payload.exp, wth: payload['wth'] },
    { aud: TARGET, exp: NOW + 60, wth: hashOf(identity) },
  );
  const wit = await jwtVerify(identity, server.publicKey, {
    currentDate: new Date(NOW * 1000),
    typ: 'wit+jwt',
    subject: WORKLOAD,
  });
  assert.deepEqual(wit.payload['cnf'], { jwk: { ...own.publicKey.export({ format: 'jwk' }), alg: 'EdDSA' } });
});
