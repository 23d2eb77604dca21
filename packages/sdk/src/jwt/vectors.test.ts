/** The examples of RFC 7515, 7520, 7797 and 8037: those of our algorithms verify, and nothing that is nearly one of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Problem, type ProblemCode } from '../problem.ts';
import { ALGORITHMS, type Algorithm, type AlgorithmName, verifySignature } from './algorithms.ts';
import { decodeSegment, readHeader, splitCompact } from './compact.ts';
import { parseKeySet, type VerificationKey } from './jwks.ts';
import { createPushedJwks } from './pushed-jwks.ts';
import { createTokenVerifier } from './verify.ts';

interface Vectors {
  readonly valid: readonly {
    readonly source: string;
    readonly alg: AlgorithmName;
    readonly key: Readonly<Record<string, string>>;
    readonly token: string;
  }[];
  readonly refused: readonly { readonly source: string; readonly code: ProblemCode; readonly token: string }[];
}

const FILE = path.resolve(import.meta.dirname, '../../../../tests/vectors/jws.json');
const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;
const keySetOf = (keys: readonly object[]): Buffer => Buffer.from(JSON.stringify({ keys }));

interface Example {
  readonly algorithm: Algorithm;
  readonly key: VerificationKey;
  readonly input: string;
  readonly signature: Buffer;
}

function exampleOf({ alg, key: jwk, token }: Vectors['valid'][number]): Example {
  const { header, signature, signingInput } = splitCompact(token);
  assert.equal(readHeader(header).alg, alg);
  const [key] = parseKeySet(keySetOf([jwk])).keySet?.keys ?? [];
  const algorithm = ALGORITHMS.get(alg);
  assert.ok(key !== undefined && algorithm !== undefined);
  assert.ok(key.algorithms.includes(alg));
  return { algorithm, key, input: signingInput, signature: decodeSegment(signature, 'signature') };
}

const verifies = ({ algorithm, key, input, signature }: Example): boolean =>
  verifySignature(algorithm, key.publicKey, Buffer.from(input, 'latin1'), signature);

for (const vector of vectors.valid) {
  describe(`${vector.source}, ${vector.alg}`, () => {
    const example = exampleOf(vector);

    test('does not verify with a bit of any byte of its signature changed, a byte more or a byte less', () => {
      const { signature } = example;
      for (const [at, byte] of signature.entries()) {
        const changed = Buffer.from(signature);
        changed[at] = byte ^ (1 << (at & 7));
        assert.ok(!verifies({ ...example, signature: changed }), `byte ${at}`);
      }
      for (const other of [
        signature.subarray(1),
        signature.subarray(0, -1),
        Buffer.concat([Buffer.alloc(1), signature]),
        Buffer.concat([signature, Buffer.alloc(1)]),
        Buffer.alloc(signature.length),
        Buffer.alloc(signature.length, 0xff),
        Buffer.alloc(0),
        Buffer.from(signature).reverse(),
      ]) {
        assert.ok(!verifies({ ...example, signature: other }));
      }
    });

    test('does not verify with any character of what was signed changed, added or left out', () => {
      const { input } = example;
      for (let at = 0; at < input.length; at += 1) {
        const other = input[at] === 'A' ? 'B' : 'A';
        assert.ok(
          !verifies({ ...example, input: `${input.slice(0, at)}${other}${input.slice(at + 1)}` }),
          `character ${at}`,
        );
      }
      for (const other of [
        `${input}A`,
        `A${input}`,
        input.slice(1),
        input.slice(0, -1),
        '',
        '.',
        input.toLowerCase(),
      ]) {
        assert.ok(!verifies({ ...example, input: other }));
      }
    });

    test('does not verify as another algorithm, or with the key of another example', () => {
      for (const algorithm of ALGORITHMS.values()) {
        const isIts = algorithm.name === vector.alg || (vector.alg === 'EdDSA' && algorithm.name === 'Ed25519');
        const fits = algorithm.keyType === example.algorithm.keyType && algorithm.curve === example.algorithm.curve;
        if (!isIts && fits) assert.ok(!verifies({ ...example, algorithm }), algorithm.name);
      }
      for (const other of vectors.valid.map(exampleOf)) {
        const isItsKey = other.key.thumbprint === example.key.thumbprint;
        const fits = other.algorithm.keyType === example.algorithm.keyType;
        if (!isItsKey && fits && other.algorithm.curve === example.algorithm.curve) {
          assert.ok(!verifies({ ...example, key: other.key }));
        }
      }
    });

    test('verifies', () => assert.ok(verifies(example)));
  });
}

describe('a verifier of access tokens that trusts the issuer and the keys of the examples', () => {
  const joe = (keys: readonly object[]) =>
    createTokenVerifier({
      issuers: [{ name: 'joe', issuer: 'joe', audiences: ['examples'], keys: createPushedJwks(keySetOf(keys)) }],
      // When the examples were valid.
      clock: { now: () => 1_300_819_000_000, monotonic: () => 0 },
    });
  const refusal = (code: ProblemCode) => (error: unknown) => {
    assert.ok(error instanceof Problem);
    assert.equal(error.code, code);
    return true;
  };

  for (const { source, code, token } of vectors.refused) {
    test(`${source} is ${code}`, () => {
      assert.throws(() => joe(vectors.valid.map(({ key }) => key)).verify(token), refusal(code));
    });
  }

  for (const { source, key, token } of vectors.valid) {
    const hasClaims = source === 'RFC 7515 A.2' || source === 'RFC 7515 A.3';
    test(`${source} is a good signature and no access token`, () => {
      const verifier = joe([key]);
      assert.throws(() => verifier.verify(token), refusal(hasClaims ? 'token_aud_missing' : 'token_malformed'));
      if (!hasClaims) return;
      const [header = '', payload = '', signature = ''] = token.split('.');
      const other = signature.startsWith('A') ? 'B' : 'A';
      const altered = `${header}.${payload}.${other}${signature.slice(1)}`;
      assert.throws(() => verifier.verify(altered), refusal('token_signature_invalid'));
    });
  }
});
