/** Corpus A, 29 to 33: tokens whose signature is not the right one although some verifier took it for that. */
import {
  ecdsaForgeries,
  ed25519Forgeries,
  type ForgedSignatures,
  misshapen,
  pkcs1Forgeries,
  pssForgeries,
} from './forged-signatures.ts';
import type { CorpusRow, TokenCorpus } from './token-corpus.ts';
import type { SigningKey } from './tokens.ts';

/** Variants that are cases of their own. */
const NUMBERS: ReadonlyMap<string, string> = new Map([
  ['r 0, s 0', 'C-029 ES256'],
  ['DER', 'C-031 ES256'],
  ['DER as long as the right form', 'C-031 ES256'],
]);

type Forge = (key: SigningKey, input: Buffer) => ForgedSignatures;

export function signatureRows({ es, rs, ed }: TokenCorpus['keys'], token: TokenCorpus['token']): readonly CorpusRow[] {
  const ps = { ...rs, alg: 'PS256', kid: 'ps' };
  const rows = (what: string, key: SigningKey, forge: Forge): CorpusRow[] =>
    [...forge(key, Buffer.alloc(0)).keys()].map((variant) => [
      `${NUMBERS.get(variant) ?? what} ${variant}`,
      'token_signature_invalid',
      // Forged over the token's own signing input, so that the variant is all that is wrong.
      token({}, { key, sign: (input) => forge(key, input).get(variant) ?? Buffer.alloc(1) }),
    ]);
  return [
    ...rows('C-030 ES256', es, ecdsaForgeries),
    ...rows('C-030 ES256', es, misshapen),
    ...rows('C-032 EdDSA', ed, ed25519Forgeries),
    ...rows('C-032 EdDSA', ed, misshapen),
    ...rows('C-033 RS256', rs, pkcs1Forgeries),
    ...rows('C-033 RS256', rs, misshapen),
    ...rows('C-033 PS256', ps, (key, input) => pssForgeries({ ...key, alg: 'RS256' }, input)),
  ];
}
