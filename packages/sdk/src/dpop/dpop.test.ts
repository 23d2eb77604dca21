import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSigningKey, hmac, mint, type SigningKey } from '../../../../tests/support/tokens.ts';
import { Problem } from '../problem.ts';
import { createDpopNonces } from './nonces.ts';
import { createDpopKey } from './sign-proof.ts';
import { accessTokenHash, type ProofRules, verifyDpopProof } from './verify-proof.ts';

const NOW = 1_750_000_000_000;
const TOKEN = 'access.token.value';
const URI = 'https://orders.example.com/orders/7';
const clock = { now: () => NOW };
const request = { method: 'POST', uris: ['https://other.example.com/orders/7', URI], accessToken: TOKEN };
const key = createSigningKey('ES256', 'proof');
const claims = { jti: 'one', htm: 'POST', htu: URI, iat: NOW / 1000, ath: accessTokenHash(TOKEN) };

type Changes = Readonly<Record<string, unknown>>;
interface Made {
  readonly claims?: Changes;
  readonly header?: Changes;
  readonly key?: SigningKey;
  readonly sign?: (input: Buffer) => Buffer;
}

function publicJwk(of: SigningKey): Changes {
  const { kty, crv, x, y, n, e } = of.publicKey.export({ format: 'jwk' });
  return JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as Changes;
}

function proofOf({ claims: changes = {}, header = {}, key: signer = key, sign }: Made = {}): string {
  const head = { typ: 'dpop+jwt', kid: undefined, jwk: publicJwk(signer), ...header };
  return mint({ ...claims, ...changes }, { key: signer, header: head, ...(sign === undefined ? {} : { sign }) });
}

const verify = (proof: string | readonly string[], rules: Partial<ProofRules> = {}, of = request) =>
  verifyDpopProof([proof].flat(), of, { clock, ...rules });

const other = createSigningKey('ES256', 'other');

const REFUSED: readonly (readonly [what: string, made: Made])[] = [
  ['for another method', { claims: { htm: 'GET' } }],
  ['whose method is in lower case', { claims: { htm: 'post' } }],
  ['for another path', { claims: { htu: 'https://orders.example.com/orders/8' } }],
  ['for another host', { claims: { htu: 'https://evil.example/orders/7' } }],
  ['for another port', { claims: { htu: 'https://orders.example.com:8443/orders/7' } }],
  ['for plain http', { claims: { htu: 'http://orders.example.com/orders/7' } }],
  ['for a URI with somebody before the host', { claims: { htu: 'https://orders.example.com@evil.example/orders/7' } }],
  ['for a path alone', { claims: { htu: '/orders/7' } }],
  ['for no URI', { claims: { htu: undefined } }],
  ['for a list of URIs', { claims: { htu: [URI] } }],
  ['from a minute ago', { claims: { iat: NOW / 1000 - 60 } }],
  ['from the future', { claims: { iat: NOW / 1000 + 6 } }],
  ['in milliseconds', { claims: { iat: NOW } }],
  ['without a date', { claims: { iat: undefined } }],
  ['with a date that is a text', { claims: { iat: String(NOW / 1000) } }],
  ['for another token', { claims: { ath: accessTokenHash('another') } }],
  ['for no token', { claims: { ath: undefined } }],
  ['with the hash in hex', { claims: { ath: Buffer.from(accessTokenHash(TOKEN), 'base64url').toString('hex') } }],
  ['without an id', { claims: { jti: undefined } }],
  ['with an empty id', { claims: { jti: '' } }],
  ['with an id that is a number', { claims: { jti: 1 } }],
  ['with an id of 257 characters', { claims: { jti: 'j'.repeat(257) } }],
  ['with an id that holds a line feed', { claims: { jti: 'a\nb' } }],
  ['of the type of access tokens', { header: { typ: 'at+jwt' } }],
  ['without a type', { header: { typ: undefined } }],
  ['with its type in capitals', { header: { typ: 'DPOP+JWT' } }],
  ['signed by nobody', { header: { alg: 'none' }, sign: () => Buffer.from('x') }],
  ['signed with a MAC of its public key', { header: { alg: 'HS256' }, sign: hmac('sha256', 'k') }],
  ['whose key is a secret', { header: { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, sign: hmac('sha256', 'k') }],
  ['that shows its private key', { header: { jwk: key.privateKey.export({ format: 'jwk' }) } }],
  ['signed by another key than it shows', { header: { jwk: publicJwk(other) } }],
  ['without a key', { header: { jwk: undefined } }],
  ['whose key is a text', { header: { jwk: 'key' } }],
  ['whose key is elsewhere', { header: { jwk: undefined, jku: 'https://evil.example/keys' } }],
  ['with crit', { header: { crit: ['exp'], exp: 1 } }],
  ['with b64', { header: { b64: false } }],
  ['whose algorithm is not of its key', { header: { alg: 'ES384' } }],
  ['of an algorithm that is not announced', { key: createSigningKey('RS512', 'rsa') }],
  ['of a key that is too short', { key: createSigningKey('RS256', 'short', { bits: 1024 }) }],
];

describe('a DPoP proof, RFC 9449 section 4.3', () => {
  for (const [what, made] of REFUSED) {
    test(`${what} is refused`, () => {
      assert.throws(() => verify(proofOf(made)), isProblem('dpop_proof_invalid'));
    });
  }

  for (const [what, proofs] of [
    ['that is not there', []],
    ['that comes twice', [proofOf(), proofOf()]],
    ['beside another in one field', [`${proofOf()}, ${proofOf()}`]],
    ['that is no JWS', ['x']],
    ['of nothing but dots', ['.'.repeat(8000)]],
    ['of 9,000 characters', ['a'.repeat(9000)]],
    ['with a byte more', [`${proofOf()}A`]],
    ['that is JSON', ['{"payload":"","signatures":[]}']],
  ] as const) {
    test(`${what} is refused`, () => {
      assert.throws(() => verify(proofs), isProblem('dpop_proof_invalid'));
    });
  }

  for (const alg of ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256']) {
    test(`signed with ${alg} for exactly this request is accepted`, () => {
      assert.equal(verify(proofOf({ key: createSigningKey(alg, alg) })).thumbprint.length, 43);
    });
  }

  test('is known again by its key and its id, until it is too old', () => {
    const [first, second, third] = [proofOf(), proofOf({ claims: { jti: 'two' } }), proofOf({ key: other })].map(
      (proof) => verify(proof),
    );
    assert.equal(first?.expiresAtMs, NOW + 60_000);
    assert.notEqual(first?.id, second?.id);
    assert.notEqual(first?.id, third?.id);
    assert.equal(first?.id, verify(proofOf()).id);
  });

  for (const [what, htu] of [
    ['with a query', `${URI}?a=1`],
    ['with the default port', 'https://orders.example.com:443/orders/7'],
    ['with a host in capitals', 'HTTPS://Orders.Example.com/orders/7'],
  ] as const) {
    test(`${what} means the same URI`, () => {
      assert.ok(verify(proofOf({ claims: { htu } })));
    });
  }

  test('with a percent-encoding in lower case means the same path', () => {
    const of = { ...request, uris: ['https://orders.example.com/a%C3%A4'] };
    assert.ok(verify(proofOf({ claims: { htu: 'https://orders.example.com/a%c3%a4' } }), {}, of));
  });
});

describe('a nonce, RFC 9449 section 9', () => {
  const secret = Buffer.alloc(32, 7);
  const at = (now: number) => createDpopNonces({ secret, clock: { now: () => now } });

  for (const [what, nonce] of [
    ['is missing', undefined],
    ['is made up', 'nonce'],
    ['is empty', ''],
    ['is of another server', createDpopNonces({ secret: Buffer.alloc(32, 8), clock }).current()],
    ['is of five minutes ago', at(NOW - 300_000).current()],
    ['is of the next period', at(NOW + 120_000).current()],
  ] as const) {
    test(`that ${what} is asked for`, () => {
      assert.throws(
        () => verify(proofOf({ claims: { nonce } }), { nonces: at(NOW) }),
        isProblem('dpop_nonce_required'),
      );
    });
  }

  test('is told only to who holds a key', () => {
    assert.throws(
      () => verify(proofOf({ header: { jwk: publicJwk(other) } }), { nonces: at(NOW) }),
      isProblem('dpop_proof_invalid'),
    );
  });

  test('of another replica with the same secret, of this period or the one before, is accepted', () => {
    for (const nonce of [at(NOW).current(), at(NOW - 120_000).current()]) {
      assert.ok(verify(proofOf({ claims: { nonce } }), { nonces: at(NOW) }));
    }
  });

  test('needs a secret that nobody guesses', () => {
    assert.throws(() => createDpopNonces({ secret: Buffer.alloc(31), clock }), RangeError);
  });
});

describe('what our own client signs', () => {
  test('is accepted for its request, and for no other', () => {
    const own = createDpopKey();
    const made = { method: 'POST', url: `${URI}?page=2#top`, accessToken: TOKEN, nonce: 'n' };
    const proof = own.prove(made, NOW);
    assert.equal(verify(proof).thumbprint, own.thumbprint);
    assert.throws(() => verify(proof, {}, { ...request, accessToken: 'another' }), isProblem('dpop_proof_invalid'));
    assert.throws(() => verify(proof, {}, { ...request, method: 'GET' }), isProblem('dpop_proof_invalid'));
    assert.notEqual(verify(own.prove(made, NOW)).id, verify(proof).id);
  });

  test('has no token at a token endpoint', () => {
    const proof = createDpopKey().prove({ method: 'POST', url: URI }, NOW);
    assert.ok(verifyDpopProof([proof], { method: 'POST', uris: [URI] }, { clock }));
    assert.throws(() => verify(proof), isProblem('dpop_proof_invalid'));
  });
});

const isProblem = (code: string) => (error: unknown) => error instanceof Problem && error.code === code;
