/** DPoP proofs (RFC 9449) with real keys, right ones and wrong ones. */
import { createHash } from 'node:crypto';
import { createSigningKey, type MintOptions, mint, type SigningKey } from './tokens.ts';

export interface ProofKey {
  readonly key: SigningKey;
  /** The public key, as a proof shows it. */
  readonly jwk: Readonly<Record<string, unknown>>;
  /** RFC 7638, as `cnf.jkt` has it. */
  readonly thumbprint: string;
  /** A proof for this request, members of its claims and its header replaced. */
  prove(request: ProofRequest, changes?: Readonly<Record<string, unknown>>, options?: Partial<MintOptions>): string;
}

export interface ProofRequest {
  readonly method?: string;
  readonly uri: string;
  readonly token: string;
  /** Seconds since the epoch; default: now. */
  readonly iat?: number;
}

let made = 0;

export function createProofKey(alg: string = 'ES256'): ProofKey {
  const key = createSigningKey(alg, `proof-${alg}`);
  const { kty, crv, x, y, n, e } = key.publicKey.export({ format: 'jwk' });
  const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) as ProofKey['jwk'];
  const members = Object.entries(jwk).sort(([one], [other]) => (one < other ? -1 : 1));
  const thumbprint = digest(JSON.stringify(Object.fromEntries(members)));
  return {
    key,
    jwk,
    thumbprint,
    prove({ method = 'GET', uri, token, iat = Math.floor(Date.now() / 1000) }, changes = {}, options = {}) {
      made += 1;
      const claims = { jti: `proof-${made}`, htm: method, htu: uri, iat, ath: digest(token), ...changes };
      const header = { typ: 'dpop+jwt', kid: undefined, jwk, ...options.header };
      return mint(claims, { key, ...options, header });
    },
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
