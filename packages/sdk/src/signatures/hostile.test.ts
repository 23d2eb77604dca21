import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { test } from 'node:test';
import { Problem } from '../problem.ts';
import type { SignatureKey } from './algorithms.ts';
import { type VerifyOptions, verifyMessage } from './verify-message.ts';

const KEY: SignatureKey = { algorithm: 'hmac-sha256', key: createSecretKey(Buffer.alloc(32, 9)) };
const OPTIONS: VerifyOptions = {
  required: [],
  findKey: () => KEY,
  clock: { now: () => 1_000 },
  maxAgeSeconds: 300,
  clockToleranceSeconds: 0,
  body: Buffer.alloc(0),
};
const INPUT =
  'sig1=("@method" "@query-param";name="a" "x-dict";key="b" "priority";sf "x";bs "content-digest");created=1;nonce="n";keyid="k"';
const SIGNATURE = 'sig1=:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:';
const DIGEST = 'sha-256=:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=:';
const PIECES = [
  ...Array.from('"();=:,?@%*-.\\ \t\0\n\u00e9\ud83d01aZ'),
  '?1',
  '%"%ff"',
  '@1',
  ';req',
  ';tr',
  '__proto__',
  ', sig1=()',
  '9'.repeat(16),
];

/** Numbers from a seed, the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('C-223: whatever is cut out of, put into or doubled in the fields, the answer is a refusal of the caller and never a fault', async () => {
  const pick = numbers(9421);
  const spoilt = (text: string): string => {
    const at = pick(text.length + 1);
    const end = at + pick(6);
    return text.slice(0, at) + (PIECES[pick(PIECES.length * 2)] ?? text.slice(at, end).repeat(2)) + text.slice(end);
  };
  const codes = new Set<string>();
  for (let round = 0; round < 4_000; round++) {
    const headers = [
      ['Signature-Input', INPUT],
      ['Signature', SIGNATURE],
      ['Content-Digest', DIGEST],
      ['X-Dict', 'a=1, b=(x y);z'],
      ['Priority', 'u=1, i'],
      ['X', 'y'],
    ].map(([name = '', value = '']): [string, string] => [name, pick(2) === 0 ? spoilt(value) : value]);
    const request = { method: 'GET', scheme: 'https', authority: 'a.example', target: spoilt('/p?a=1&b=2'), headers };
    const error: unknown = await verifyMessage(request, OPTIONS).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert(error instanceof Problem, `${JSON.stringify(request)}: ${String(error)}`);
    codes.add(error.code);
  }
  assert.deepEqual([...codes].sort(), ['invalid_request', 'signature_invalid', 'signature_timestamp']);
});
