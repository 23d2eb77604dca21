/** C-059: whatever somebody shows who has a token that is bound to a key, and not that key. */
import type { ProblemCode } from '@sidegate/sdk';
import { createProofKey, type ProofKey } from './proofs.ts';
import { createSigningKey, hmac, type MintOptions } from './tokens.ts';

/** How callers write the address of whom they call with `GET /orders`. */
export const ORIGIN = 'https://orders.example.com';

/** To which the tokens are bound. */
export const own: ProofKey = createProofKey();
export const thief: ProofKey = createProofKey();

/** Values of the header `DPoP` beside a token. */
export type Made = (token: string) => readonly string[];
type Row = readonly [what: string, code: ProblemCode, proofs: Made, scheme?: string];

export const proof =
  (changes: Readonly<Record<string, unknown>> = {}, options: Partial<MintOptions> = {}, key: ProofKey = own): Made =>
  (token) => [key.prove({ uri: `${ORIGIN}/orders`, token }, changes, options)];
export const now = (): number => Math.floor(Date.now() / 1000);

export const STOLEN_WITHOUT_KEY: readonly Row[] = [
  ['C-059 as a bearer token', 'token_binding_required', () => [], 'Bearer'],
  ['C-059 as a bearer token, beside a good proof', 'token_binding_required', proof(), 'Bearer'],
  ['C-059 as a bearer token whose scheme is in capitals', 'token_binding_required', proof(), 'BEARER'],
  ['C-059 without a proof', 'dpop_proof_invalid', () => []],
  ["C-059 with the thief's own proof", 'token_binding_mismatch', proof({}, {}, thief)],
  ['C-059 with two proofs', 'dpop_proof_invalid', (token) => [...proof()(token), ...proof()(token)]],
  [
    'C-059 with two proofs in one field',
    'dpop_proof_invalid',
    (token) => [[proof()(token), proof()(token)].join(', ')],
  ],
  ['C-059 with an empty proof', 'dpop_proof_invalid', () => ['']],
  ['C-059 with the token as its proof', 'dpop_proof_invalid', (token) => [token]],
  ['C-059 with the proof for another method', 'dpop_proof_invalid', proof({ htm: 'POST' })],
  ['C-059 with the proof for another path', 'dpop_proof_invalid', proof({ htu: `${ORIGIN}/orders/7` })],
  ['C-059 with the proof for the path above', 'dpop_proof_invalid', proof({ htu: ORIGIN })],
  [
    'C-059 with the proof for another host',
    'dpop_proof_invalid',
    proof({ htu: 'https://payments.example.com/orders' }),
  ],
  ['C-059 with the proof for the Host header', 'dpop_proof_invalid', proof({ htu: 'http://localhost/orders' })],
  ['C-059 with the proof for another port', 'dpop_proof_invalid', proof({ htu: `${ORIGIN}:8443/orders` })],
  ['C-059 with the proof for plain http', 'dpop_proof_invalid', proof({ htu: 'http://orders.example.com/orders' })],
  ['C-059 with the proof beside another token', 'dpop_proof_invalid', () => proof()('another')],
  ['C-059 with a proof beside no token', 'dpop_proof_invalid', proof({ ath: undefined })],
  ['C-059 with a proof of two minutes ago', 'dpop_proof_invalid', (token) => proof({ iat: now() - 120 })(token)],
  ['C-059 with a proof of the next minute', 'dpop_proof_invalid', (token) => proof({ iat: now() + 60 })(token)],
  ['C-059 with a proof without a date', 'dpop_proof_invalid', proof({ iat: undefined })],
  ['C-059 with a proof without an id', 'dpop_proof_invalid', proof({ jti: undefined })],
  ['C-059 with a proof of another type', 'dpop_proof_invalid', proof({}, { header: { typ: 'at+jwt' } })],
  ['C-059 with a proof that asks for more', 'dpop_proof_invalid', proof({}, { header: { crit: ['x'], x: 1 } })],
  ['C-059 with a proof that is not signed', 'dpop_proof_invalid', proof({}, { header: { alg: 'none' } })],
  [
    'C-059 with a proof under a MAC',
    'dpop_proof_invalid',
    proof({}, { header: { alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } }, sign: hmac('sha256', 'secret') }),
  ],
  [
    'C-059 with a proof that shows the right key and is signed by another',
    'dpop_proof_invalid',
    proof({}, { key: thief.key }),
  ],
  [
    'C-059 with a proof that shows a private key',
    'dpop_proof_invalid',
    proof({}, { header: { jwk: own.key.privateKey.export({ format: 'jwk' }) } }),
  ],
  [
    'C-059 with a proof that shows no key',
    'dpop_proof_invalid',
    proof({}, { header: { jwk: undefined, jku: 'https://evil.example/keys', x5c: ['AAAA'] } }),
  ],
  ['C-059 with a proof of an algorithm too many', 'dpop_proof_invalid', proof({}, {}, createProofKey('RS384'))],
  [
    'C-059 with a proof of a short key',
    'dpop_proof_invalid',
    proof({}, { key: createSigningKey('RS256', 'short', { bits: 1024 }) }),
  ],
];
