/** RFC 9421 appendix B: its keys, messages, signature bases and signatures. */
import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { SignatureAlgorithm, SignatureKey } from './algorithms.ts';
import { contentDigest, verifyContentDigest } from './content-digest.ts';
import { type SignedMessage, type SignedRequest, valuesOf } from './message.ts';
import { signMessage } from './sign-message.ts';
import { signatureBase } from './signature-base.ts';
import { readSignatures } from './signature-fields.ts';
import { verifyMessage } from './verify-message.ts';

interface Vector {
  readonly section: string;
  readonly label: string;
  readonly message: string;
  readonly deterministic: boolean;
  /** The value of `Signature-Input` under the label. */
  readonly input: string;
  readonly base: readonly string[];
  readonly signature: string;
}

interface PublishedKey {
  readonly algorithm: SignatureAlgorithm;
  readonly spki?: string;
  readonly pkcs8?: string;
  readonly secret?: string;
}

interface Published {
  readonly keys: Readonly<Record<string, PublishedKey>>;
  readonly messages: Readonly<Record<string, SignedMessage & { readonly body: string }>>;
  readonly vectors: readonly Vector[];
}

const FILE = path.resolve(import.meta.dirname, '../../../../tests/vectors/http-signatures.json');
const { keys, messages, vectors } = JSON.parse(readFileSync(FILE, 'utf8')) as Published;

const bytes = (base64: string | undefined): Buffer => Buffer.from(base64 ?? '', 'base64');

function keyOf(id: string, half: 'public' | 'private'): SignatureKey | undefined {
  const published = keys[id];
  return (
    published && {
      algorithm: published.algorithm,
      key: half === 'public' ? publicKey(published) : privateKey(published),
    }
  );
}

function publicKey({ spki, secret }: PublishedKey): KeyObject {
  return spki === undefined
    ? createSecretKey(bytes(secret))
    : createPublicKey({ key: bytes(spki), format: 'der', type: 'spki' });
}

function privateKey({ pkcs8, secret }: PublishedKey): KeyObject {
  return pkcs8 === undefined
    ? createSecretKey(bytes(secret))
    : createPrivateKey({ key: bytes(pkcs8), format: 'der', type: 'pkcs8' });
}

function messageOf(name: string): Published['messages'][string] {
  const message = messages[name];
  assert(message);
  return message;
}

const verified = (message: SignedMessage, body: string) =>
  verifyMessage(message, {
    required: [],
    findKey: (keyid) => keyOf(keyid, 'public'),
    clock: { now: () => 1_618_884_473_000 },
    maxAgeSeconds: 0,
    clockToleranceSeconds: 0,
    body: Buffer.from(body),
  });

function signed<Message extends SignedMessage>(message: Message, { label, input, signature }: Vector): Message {
  return {
    ...message,
    headers: [...message.headers, ['Signature-Input', `${label}=${input}`], ['Signature', `${label}=:${signature}:`]],
  };
}

test('all of B.2 to B.4 is there', () => {
  assert.deepEqual(
    vectors.map(({ section }) => section),
    ['B.2.1', 'B.2.2', 'B.2.3', 'B.2.4', 'B.2.5', 'B.2.6', 'B.3', 'B.4'],
  );
});

for (const vector of vectors) {
  const { section, label, base, input, signature } = vector;
  const message = messageOf(vector.message);
  const [read] = readSignatures(signed(message, vector).headers);
  assert(read);

  test(`RFC 9421 ${section}: the signature base is the published one`, () => {
    assert.equal(signatureBase(message, read.components, read.list), base.join('\n'));
  });

  test(`RFC 9421 ${section}: the published signature verifies, and not with one bit changed`, async () => {
    const changed = bytes(signature);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    const forged = signed(message, { ...vector, signature: changed.toString('base64') });
    await assert.rejects(verified(forged, message.body), { name: 'Problem', code: 'signature_invalid' });
    assert.equal((await verified(signed(message, vector), message.body)).label, label);
  });

  if (!vector.deterministic) continue;
  test(`RFC 9421 ${section}: signing gives the published fields byte for byte`, () => {
    const { keyid = '', created = 0 } = read.parameters;
    const key = keyOf(keyid, 'private');
    assert(key);
    assert.deepEqual(
      signMessage(message, { label, components: read.components.map(({ name }) => name), key, keyid, created }),
      { signatureInput: `${label}=${input}`, signature: `${label}=:${signature}:` },
    );
  });
}

const ORIGINAL = vectors.find(({ section }) => section === 'B.4');
const TRANSFORMED = messageOf('B.4') as SignedRequest;
const TRANSFORMATIONS: readonly [what: string, verifies: boolean, change: Partial<SignedRequest>][] = [
  ['a method and authority changed', false, { method: 'POST', authority: 'example.com' }],
  [
    'the lines of a field in another order',
    false,
    {
      headers: [
        ['Accept', '*/*'],
        ['Accept', 'application/json'],
      ],
    },
  ],
  ['a query parameter and a field added', true, { target: '/demo?name1=Value1&Name2=value2&param=added' }],
  ['lines of a field joined, others dropped', true, { headers: [['Accept', 'application/json, */*']] }],
  ['fields in another order', true, { headers: [...TRANSFORMED.headers.slice(2), ...TRANSFORMED.headers.slice(0, 2)] }],
];
for (const [what, verifies, change] of TRANSFORMATIONS) {
  test(`RFC 9421 B.4: with ${what} the signature ${verifies ? 'still verifies' : 'is invalid'}`, async () => {
    assert(ORIGINAL);
    const outcome = verified(signed({ ...TRANSFORMED, ...change }, ORIGINAL), '');
    if (verifies) assert.equal((await outcome).label, 'transform');
    else await assert.rejects(outcome, { code: 'signature_invalid' });
  });
}

test('RFC 9421 B.2: the digests of both messages are those of their bodies', () => {
  const [request, response] = [messageOf('test-request'), messageOf('test-response')];
  assert.throws(() => verifyContentDigest(request.headers, Buffer.from(response.body)), { code: 'digest_mismatch' });
  for (const { headers, body } of [request, response]) {
    assert.deepEqual(valuesOf(headers, 'content-digest'), [contentDigest(Buffer.from(body), 'sha-512')]);
  }
});
