/** RFC 9421 sections 2.4 and B: its keys, messages, signature bases and signatures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bound,
  bytes,
  generated,
  keyOf,
  messageOf,
  signed,
  vectors,
  verified,
} from '../../../../tests/support/published-signatures.ts';
import { contentDigest, verifyContentDigest } from './content-digest.ts';
import { isResponse, type SignedRequest, valuesOf } from './message.ts';
import { signMessage } from './sign-message.ts';
import { signatureBase } from './signature-base.ts';
import { readSignatures } from './signature-fields.ts';

test('all of B.2 to B.4 is there', () => {
  assert.deepEqual(
    vectors.map(({ section }) => section),
    ['B.2.1', 'B.2.2', 'B.2.3', 'B.2.4', 'B.2.5', 'B.2.6', 'B.3', 'B.4'].map((section) => `RFC 9421 ${section}`),
  );
});

for (const vector of [...vectors, ...bound, ...generated]) {
  const { section, label, base, input, signature } = vector;
  const message = messageOf(vector.message);
  const [read] = readSignatures(signed(message, vector).headers);
  assert(read);

  test(`${section}: the signature base is the published one`, () => {
    assert.equal(signatureBase(message, read.components, read.list), base.join('\n'));
  });

  test(`${section}: the published signature verifies, and not with one bit changed`, async () => {
    const changed = bytes(signature);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    const forged = signed(message, { ...vector, signature: changed.toString('base64') });
    await assert.rejects(verified(forged, message.body), { name: 'Problem', code: 'signature_invalid' });
    assert.equal((await verified(signed(message, vector), message.body)).label, label);
  });

  if (!vector.deterministic) continue;
  test(`${section}: signing gives the published fields byte for byte`, () => {
    const { keyid = '', created = 0 } = read.parameters;
    const key = keyOf(keyid, 'private');
    assert(key);
    assert.deepEqual(
      signMessage(message, { label, components: read.components.map(({ name }) => name), key, keyid, created }),
      { signatureInput: `${label}=${input}`, signature: `${label}=:${signature}:` },
    );
  });
}

const ORIGINAL = vectors.find(({ section }) => section === 'RFC 9421 B.4');
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

for (const vector of bound) {
  const { section, label } = vector;
  const response = messageOf(vector.message);
  assert(isResponse(response) && response.request !== undefined);
  const { request } = response;
  const elsewhere: readonly (readonly [what: string, other: SignedRequest | undefined])[] = [
    ['of another method', { ...request, method: 'PUT' }],
    ['of another host', { ...request, authority: 'example.org' }],
    ['that is not known', undefined],
  ];
  for (const [what, other] of elsewhere) {
    test(`${section}: the response does not answer a request ${what}`, async () => {
      const { request: _, ...unbound } = response;
      const message = signed({ ...unbound, ...(other === undefined ? {} : { request: other }) }, vector);
      await assert.rejects(verified(message, response.body), { code: 'signature_invalid' });
      assert.equal((await verified(signed(response, vector), response.body)).label, label);
    });
  }
}
