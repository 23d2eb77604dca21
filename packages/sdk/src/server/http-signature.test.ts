import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { authorized, type RequestParts, receivedRequest } from '../../../../tests/support/received-request.ts';
import { type HttpSignatureOptions, httpSignature } from '../client/http-signature.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import { fixedKeys, type SignatureKeys } from '../signatures/signature-keys.ts';
import { type HttpSignatureAuthenticatorOptions, httpSignatureAuthenticator } from './http-signature.ts';

const { clock } = manualTime();
const runtime = { clock };
const ed25519 = generateKeyPairSync('ed25519');
const next = generateKeyPairSync('ed25519');
const secret = createSecretKey(Buffer.alloc(32, 1));
const CALL: RequestParts = { url: 'https://service-b/process?x=1', body: '{"a":1}' };

const keysOfA = fixedKeys({
  a1: { algorithm: 'ed25519', key: ed25519.publicKey },
  a2: { algorithm: 'ed25519', key: next.publicKey },
});
const keysOfC = fixedKeys({ c1: { algorithm: 'hmac-sha256', key: secret } });
/** Of a caller whose directory was never there. */
const away: SignatureKeys = {
  current: () => undefined,
  refreshFor: () => Promise.reject(new Problem('jwks_unavailable', 'no keys')),
  close: () => {},
};

function authenticator(options: Partial<HttpSignatureAuthenticatorOptions> = {}) {
  return httpSignatureAuthenticator({
    callers: { 'service-a': { keys: keysOfA, scopes: ['process'] }, 'service-c': { keys: keysOfC } },
    authorities: ['service-b'],
    replay: memoryReplayStore({ maxEntries: 100, clock }),
    runtime,
    ...options,
  });
}
function signer(options: Partial<HttpSignatureOptions> = {}) {
  return httpSignature({ keyid: 'a1', key: { algorithm: 'ed25519', key: ed25519.privateKey }, runtime, ...options });
}
const verify = async (parts: RequestParts, options: Partial<HttpSignatureAuthenticatorOptions> = {}) =>
  authenticator(options).authenticate(receivedRequest(parts));
const without = ({ headers = [], ...parts }: RequestParts, name: string): RequestParts => ({
  ...parts,
  headers: headers.filter(([own]) => own !== name),
});

const sent = await authorized(signer(), CALL);
const withScheme = await authorized(signer({ components: ['@scheme'] }), CALL);
const withoutBody = await authorized(signer(), { ...CALL, body: '' });
const two = await authorized(
  signer({ label: 'proxy', tag: 'proxy', keyid: 'c1', key: { algorithm: 'hmac-sha256', key: secret } }),
  sent,
);

type Row = readonly [
  title: string,
  code: ProblemCode,
  parts: RequestParts,
  options?: Partial<HttpSignatureAuthenticatorOptions>,
];
const REFUSED: readonly Row[] = [
  ['a request that is not signed', 'token_missing', CALL],
  ['a signature without what it covers', 'signature_invalid', without(sent, 'signature-input')],
  ['C-220 a request for another host', 'signature_invalid', { ...sent, url: 'https://service-c/process?x=1' }],
  ['C-220 what was signed for another service, as it is', 'signature_invalid', sent, { authorities: ['service-c'] }],
  ['C-222 a body where none was signed', 'signature_insufficient_coverage', { ...withoutBody, body: '{"a":1}' }],
  ['C-223 a body that was cut off', 'digest_mismatch', { ...sent, body: '' }],
  [
    'C-222 a component that this service wants and the caller did not sign',
    'signature_insufficient_coverage',
    sent,
    { components: ['x-request-id'] },
  ],
  [
    'a key that is listed by two callers',
    'signature_invalid',
    sent,
    { callers: { 'service-a': { keys: keysOfA }, thief: { keys: keysOfA } } },
  ],
  ['a key that nobody lists', 'signature_invalid', sent, { callers: { 'service-c': { keys: keysOfC } } }],
  [
    'a key that may be in a directory that is away',
    'jwks_unavailable',
    sent,
    { callers: { 'service-d': { keys: away } } },
  ],
  ['two signatures where either could be meant', 'signature_invalid', two],
  ['a signature of another use', 'signature_invalid', sent, { tag: 'payments' }],
  [
    'a scheme that is not that of this listener',
    'signature_invalid',
    withScheme,
    { scheme: 'http', components: ['@scheme'] },
  ],
];
for (const [title, code, parts, options] of REFUSED) {
  test(`${title} is ${code}`, async () => {
    await assert.rejects(verify(parts, options), { name: 'Problem', code });
  });
}

test('a request is that of the caller whose key signed it, with what that caller is granted', async () => {
  assert.deepEqual(await verify(sent), {
    proofs: ['signature'],
    service: { name: 'service-a', spiffeId: undefined },
    user: undefined,
    scopes: ['process'],
    roles: ['system'],
    claims: undefined,
  });
});

test('a request without a body needs no digest', async () => {
  assert.equal((await verify(withoutBody)).service?.name, 'service-a');
});

test('during a rotation both keys of a caller count', async () => {
  const credentials = signer({ keyid: 'a2', key: { algorithm: 'ed25519', key: next.privateKey } });
  assert.equal((await verify(await authorized(credentials, CALL))).service?.name, 'service-a');
});

test("a caller's directory that is away is no trouble of the others", async () => {
  const callers = { 'service-a': { keys: keysOfA }, 'service-d': { keys: away } };
  assert.equal((await verify(sent, { callers })).service?.name, 'service-a');
});

test('the host counts without case and without the port that its scheme has anyway', async () => {
  for (const authority of ['SERVICE-B', 'service-b:443']) {
    assert.equal((await verify(sent, { authorities: ['other', authority] })).service?.name, 'service-a');
  }
});

test('a second signature leaves the first one in place, and each is found by its tag or label', async () => {
  assert.equal((await verify(two, { tag: 'proxy' })).service?.name, 'service-c');
  assert.equal((await verify(two, { label: 'sig1' })).service?.name, 'service-a');
});

test('further fields of the request are covered where both sides want it', async () => {
  const credentials = signer({ components: ['x-request-id'] });
  const request = await authorized(credentials, { ...CALL, headers: [['x-request-id', 'r-1']] });
  const spoilt = {
    ...request,
    headers: (request.headers ?? []).map(([name, value]) => [name, value === 'r-1' ? 'r-2' : value] as const),
  };
  const options = { components: ['x-request-id'] };
  await assert.rejects(verify(spoilt, options), { code: 'signature_invalid' });
  assert.equal((await verify(request, options)).service?.name, 'service-a');
});

test('each request has a nonce of its own, so that the same call may be made twice', async () => {
  const verifier = authenticator();
  const again = await authorized(signer(), CALL);
  for (const parts of [sent, again]) {
    assert.equal((await verifier.authenticate(receivedRequest(parts))).service?.name, 'service-a');
  }
  await assert.rejects(async () => verifier.authenticate(receivedRequest(sent)), {
    code: 'signature_invalid',
    message: 'the nonce was used before',
  });
});
