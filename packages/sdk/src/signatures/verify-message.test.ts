import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import type { ProblemCode } from '../problem.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import type { SignatureKey } from './algorithms.ts';
import { contentDigest } from './content-digest.ts';
import type { SignedRequest } from './message.ts';
import { type SignOptions, signMessage } from './sign-message.ts';
import { type VerifyOptions, verifyMessage } from './verify-message.ts';

const NOW = 1_800_000_000;
const COVERED = ['@method', '@authority', '@path', '@query', 'content-digest'];
const BODY = Buffer.from('{"amount":1,"currency":"EUR"}');
const KEY: SignatureKey = { algorithm: 'hmac-sha256', key: createSecretKey(Buffer.alloc(32, 9)) };
const OTHER: SignatureKey = { algorithm: 'ed25519', key: generateKeyPairSync('ed25519').publicKey };
const KEYS: ReadonlyMap<string, SignatureKey> = new Map([
  ['order-service', KEY],
  ['other', OTHER],
]);
const clock = { now: () => NOW * 1000, monotonic: () => 0 };

const PLAIN: SignedRequest = {
  method: 'POST',
  scheme: 'https',
  authority: 'payments.example',
  target: '/charges?tenant=1',
  headers: [
    ['Content-Type', 'application/json'],
    ['Content-Digest', contentDigest(BODY)],
  ],
};

function signed(options: Partial<SignOptions> = {}, message = PLAIN): SignedRequest {
  const all = { label: 'sig1', components: COVERED, key: KEY, keyid: 'order-service', created: NOW, ...options };
  const { signatureInput, signature } = signMessage(message, all);
  return {
    ...message,
    headers: [...message.headers, ['Signature-Input', signatureInput], ['Signature', signature]],
  };
}

/** The request with one of its fields written in another way. */
function rewritten(request: SignedRequest, field: string, change: (value: string) => string): SignedRequest {
  return {
    ...request,
    headers: request.headers.map(([name, value]) => [name, name === field ? change(value) : value]),
  };
}

const verify = (request: SignedRequest, options: Partial<VerifyOptions> = {}) =>
  verifyMessage(request, {
    required: COVERED,
    findKey: (keyid) => KEYS.get(keyid),
    clock,
    maxAgeSeconds: 300,
    clockToleranceSeconds: 5,
    body: BODY,
    ...options,
  });

type Row = readonly [title: string, code: ProblemCode, request: SignedRequest, options?: Partial<VerifyOptions>];
const GOOD = signed();
const input = (change: (value: string) => string) => rewritten(GOOD, 'Signature-Input', change);
const signature = (change: (value: string) => string) => rewritten(GOOD, 'Signature', change);

const REFUSED: readonly Row[] = [
  ['C-220: another method', 'signature_invalid', { ...GOOD, method: 'PUT' }],
  ['C-220: another path', 'signature_invalid', { ...GOOD, target: '/refunds?tenant=1' }],
  ['C-220: another query', 'signature_invalid', { ...GOOD, target: '/charges?tenant=2' }],
  ['C-220: a query dropped', 'signature_invalid', { ...GOOD, target: '/charges' }],
  ['C-220: another host', 'signature_invalid', { ...GOOD, authority: 'refunds.example' }],
  ['C-220: the name of another service', 'signature_invalid', input((text) => text.replace('order-service', 'other'))],
  ['C-220: the name of no service', 'signature_invalid', input((text) => text.replace('order-service', '__proto__'))],
  [
    'C-222: nothing covered',
    'signature_insufficient_coverage',
    input(() => 'sig1=();created=1800000000;keyid="order-service"'),
  ],
  ...COVERED.map(
    (name): Row => [
      `C-222: ${name} not covered`,
      'signature_insufficient_coverage',
      signed({ components: COVERED.filter((other) => other !== name) }),
    ],
  ),
  [
    'C-222: only one algorithm of the digest covered',
    'signature_insufficient_coverage',
    signed({ components: [...COVERED.slice(0, 4), 'content-digest;key="sha-256"'] }),
  ],
  [
    'C-222: the bounds of two components moved',
    'signature_invalid',
    {
      ...GOOD,
      target: '/charges?tenant=',
      headers: GOOD.headers.map(([name, value]) => [name, name === 'Content-Digest' ? `1${value}` : value]),
    },
  ],
  [
    'C-222: a time moved into another parameter',
    'signature_invalid',
    input((text) => text.replace(';created=1800000000', ';created=1800000001')),
  ],
  [
    'C-223: a component parameter that nobody knows',
    'signature_invalid',
    input((text) => text.replace('"@method"', '"@method";foo')),
  ],
  ['C-223: a label twice in Signature-Input', 'signature_invalid', input((text) => `${text}, ${text}`)],
  ['C-223: a label twice in Signature', 'signature_invalid', signature((text) => `${text}, ${text}`)],
  [
    'C-223: a label twice, on two lines',
    'signature_invalid',
    { ...GOOD, headers: [...GOOD.headers, ...GOOD.headers.slice(-2)] },
  ],
  ['C-223: a parameter twice', 'signature_invalid', input((text) => `${text};created=1800000000`)],
  ['C-223: a component twice', 'signature_invalid', input((text) => text.replace('"@method"', '"@method" "@method"'))],
  ['C-223: an algorithm that is not the key’s', 'signature_invalid', input((text) => `${text};alg="ed25519"`)],
  ['C-223: an algorithm that does not exist', 'signature_invalid', input((text) => `${text};alg="none"`)],
  ['C-223: a truncated MAC', 'signature_invalid', signature(() => 'sig1=:AAAAAAAAAAAAAAAAAAAAAA==:')],
  ['C-223: an empty MAC', 'signature_invalid', signature(() => 'sig1=::')],
  ['a time written as a decimal', 'signature_invalid', input((text) => text.replace('1800000000', '1800000000.0'))],
  [
    'C-219: a time that is a string',
    'signature_timestamp',
    input((text) => text.replace('1800000000', '"1800000000"')),
  ],
  ['C-219: a negative time', 'signature_timestamp', input((text) => text.replace('1800000000', '-1'))],
  ['a key that is a token', 'signature_invalid', input((text) => text.replace('"order-service"', 'order-service'))],
  ['no key', 'signature_invalid', input((text) => text.replace(';keyid="order-service"', ''))],
  ['C-219: no time', 'signature_timestamp', input((text) => text.replace(';created=1800000000', ''))],
  ['no signature at all', 'signature_invalid', PLAIN],
  ['a signature of another label', 'signature_invalid', signature((text) => text.replace('sig1', 'sig2'))],
  ['a signature that is a string', 'signature_invalid', signature(() => 'sig1="AAEC"')],
  ['a signature that is a list', 'signature_invalid', signature(() => 'sig1=(:AAEC:)')],
  ['an input that is no list', 'signature_invalid', input(() => 'sig1')],
  ['base64 that is not padded', 'signature_invalid', signature((text) => text.replace(/=:$/, ':'))],
  [
    'nine signatures',
    'signature_invalid',
    { ...PLAIN, headers: Array.from({ length: 9 }, (_, n) => signed({ label: `s${n}` }).headers).flat() },
  ],
  [
    'too many components',
    'signature_invalid',
    input(() => `sig1=(${Array.from({ length: 65 }, (_, n) => `"x${n}"`).join(' ')})`),
  ],
  ['a nonce that is too long', 'signature_invalid', signed({ nonce: 'n'.repeat(513) })],
  ['a field that is too long', 'invalid_request', input((text) => `${text};x="${'x'.repeat(16_384)}"`)],
  ['a list that does not end', 'invalid_request', input(() => 'sig1=("@method"')],
  ['bytes that are not base64', 'invalid_request', signature(() => 'sig1=:!:')],
  ['a string that is not ASCII', 'invalid_request', input((text) => text.replace('order', 'örder'))],
  ['C-219: a signature of the future', 'signature_timestamp', signed({ created: NOW + 6 })],
  ['C-219: a signature that is too old', 'signature_timestamp', signed({ created: NOW - 306 })],
  ['C-219: an expired signature', 'signature_timestamp', signed({ created: NOW - 60, expires: NOW - 6 })],
  ['another use than the tag says', 'signature_invalid', signed({ tag: 'web' }), { tag: 'payments' }],
  ['no tag where one is expected', 'signature_invalid', GOOD, { tag: 'payments' }],
  ['another label', 'signature_invalid', GOOD, { label: 'sig2' }],
  [
    'no nonce where it is remembered',
    'signature_invalid',
    GOOD,
    { replay: memoryReplayStore({ maxEntries: 9, clock }) },
  ],
];
for (const [title, code, request, options] of REFUSED) {
  test(`${title}: ${code}`, async () => {
    await assert.rejects(verify(request, options), { name: 'Problem', code });
  });
}

const BODIES: readonly [title: string, body: string][] = [
  ['its members in another order', '{"currency":"EUR","amount":1}'],
  ['1.0 for 1', '{"amount":1.0,"currency":"EUR"}'],
  ['a key twice', '{"amount":1,"amount":1,"currency":"EUR"}'],
  ['2⁵³+1 for another number', '{"amount":9007199254740993,"currency":"EUR"}'],
  ['a space more', '{"amount":1, "currency":"EUR"}'],
  ['a decomposed character', '{"amount":1,"currency":"E\u0301UR"}'],
  ['nothing', ''],
];
for (const [title, body] of BODIES) {
  test(`C-221, C-223: a body with ${title} under the signed digest is a digest_mismatch`, async () => {
    await assert.rejects(verify(GOOD, { body: Buffer.from(body) }), { code: 'digest_mismatch' });
  });

  test(`C-221: a body with ${title} and its own digest is not what was signed`, async () => {
    const digest = contentDigest(Buffer.from(body));
    const request = rewritten(GOOD, 'Content-Digest', () => digest);
    await assert.rejects(verify(request, { body: Buffer.from(body) }), { code: 'signature_invalid' });
  });
}

test('C-223: a digest of an algorithm that proves nothing, or of which one is wrong, is a digest_mismatch', async () => {
  const right = contentDigest(BODY);
  for (const digest of ['md5=:AAEC:', `${right}, sha-512=:AAEC:`, 'sha-256="AAEC"', '']) {
    const headers = PLAIN.headers.map(([name, value]): [string, string] => [
      name,
      name === 'Content-Digest' ? digest : value,
    ]);
    await assert.rejects(verify(signed({}, { ...PLAIN, headers })), { code: 'digest_mismatch' });
  }
});

test('a nonce counts once per key, and a forged signature does not use it up', async () => {
  const replay = memoryReplayStore({ maxEntries: 9, clock });
  const request = signed({ nonce: 'n-1' });
  await assert.rejects(verify({ ...request, method: 'PUT' }, { replay }), { code: 'signature_invalid' });
  await verify(request, { replay });
  await assert.rejects(verify(request, { replay }), {
    code: 'signature_invalid',
    message: 'the nonce was used before',
  });
  assert.equal(replay.size, 1);
});

test('of several signatures the one that is asked for counts; without asking it must be the only one', async () => {
  const request = signed({ label: 'sig2', tag: 'payments', nameAlgorithm: true }, GOOD);
  await assert.rejects(verify(request), { message: 'more than one signature could be meant' });
  assert.equal((await verify(request, { tag: 'payments' })).label, 'sig2');
  assert.deepEqual(await verify(request, { label: 'sig1' }), {
    label: 'sig1',
    keyid: 'order-service',
    parameters: { created: NOW, keyid: 'order-service' },
    components: COVERED.map((name) => `"${name}"`),
  });
});

test('the whole target covers its parts, and white space between members does not matter', async () => {
  const request = signed({ components: ['@method', '@target-uri', 'content-digest'] });
  const spaced = rewritten(request, 'Signature-Input', (text) => ` ${text.replaceAll('" "', '"   "')}\t`);
  assert.equal((await verify(spaced)).label, 'sig1');
});

test('a response is bound to the request that it answers', async () => {
  const response = { status: 200, headers: [['Content-Digest', contentDigest(BODY)]] as const, request: GOOD };
  const components = ['@status', 'content-digest', '@method;req', 'signature;req;key="sig1"'];
  const fields = signMessage(response, { label: 'res', components, key: KEY, keyid: 'order-service', created: NOW });
  const headers = [
    ...response.headers,
    ['Signature-Input', fields.signatureInput],
    ['Signature', fields.signature],
  ] as const;
  const check = (request: SignedRequest) =>
    verifyMessage(
      { ...response, headers, request },
      { required: components, findKey: () => KEY, clock, maxAgeSeconds: 300, clockToleranceSeconds: 5, body: BODY },
    );
  await assert.rejects(check(signed({ nonce: 'another' })), { code: 'signature_invalid' });
  assert.equal((await check(GOOD)).label, 'res');
});
