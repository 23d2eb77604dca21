/**
 * The token section of the adversarial corpus: one row a case or neighbour, with the code it must get. The verifier's
 * own test and the tests over sockets send the same rows.
 */
import type { ProblemCode } from '@sidegate/sdk';
import { claimRows } from './claim-corpus.ts';
import { formRows } from './form-corpus.ts';
import { headerRows } from './header-corpus.ts';
import { signatureRows } from './signature-corpus.ts';
import { createSigningKey, keySetBytes, type MintOptions, mint, type SigningKey } from './tokens.ts';

export interface CorpusSetting {
  /** Two trusted issuers, each with its own keys. */
  readonly users: string;
  readonly services: string;
  readonly audience: string;
  /** Seconds: the moment at which the tokens are judged. */
  readonly now: number;
}

export type CorpusRow = readonly [title: string, code: ProblemCode, token: string];

type Changes = Readonly<Record<string, unknown>>;

export interface TokenCorpus {
  readonly rows: readonly CorpusRow[];
  /** The base token, which is accepted. */
  readonly valid: string;
  readonly keys: {
    readonly es: SigningKey;
    readonly rs: SigningKey;
    readonly ed: SigningKey;
    readonly attacker: SigningKey;
  };
  /** What the two issuers publish. */
  readonly keySets: { readonly users: Buffer; readonly services: Buffer };
  readonly claims: (changes?: Changes) => object;
  /** The base token, with claims or parts of it replaced. */
  readonly token: (changes: Changes, options?: Partial<MintOptions>) => string;
  /** The base token with header members replaced. */
  readonly header: (changes: Changes, options?: Partial<MintOptions>) => string;
  /** Claims as text, for what JSON.stringify would not write: appended inside the object. */
  readonly rawClaims: (text: string) => string;
}

/** What the tables of rows are made with. */
export type Minting = Omit<TokenCorpus, 'rows' | 'keySets'>;

/** Fresh keys, and every row minted with them. */
export function tokenCorpus({ users: USERS, services: SERVICES, audience, now: NOW }: CorpusSetting): TokenCorpus {
  const es = createSigningKey('ES256', 'es');
  const rs = createSigningKey('RS256', 'rs');
  const ed = createSigningKey('EdDSA', 'ed');
  const encryption = createSigningKey('RS256', 'enc');
  const signing = createSigningKey('ES256', 'sign-only');
  const weak = createSigningKey('RS256', 'weak', { bits: 1024 });
  const service = createSigningKey('ES256', 'service');
  const attacker = createSigningKey('ES256', 'attacker');

  const keySets = {
    users: keySetBytes(
      es.jwk(),
      rs.jwk(),
      rs.jwk({ alg: 'PS256', kid: 'ps' }),
      ed.jwk(),
      encryption.jwk({ use: 'enc' }),
      weak.jwk(),
      signing.jwk({ use: undefined, key_ops: ['sign'] }),
    ),
    services: keySetBytes(service.jwk()),
  };

  function claims(changes: Readonly<Record<string, unknown>> = {}): object {
    const base = { iss: USERS, aud: audience, sub: 'user-123', azp: 'web-app', iat: NOW, exp: NOW + 300 };
    return { ...base, ...changes };
  }

  /** The base token, with claims or parts of it replaced. */
  function token(changes: Readonly<Record<string, unknown>>, options: Partial<MintOptions> = {}): string {
    return mint(claims(changes), { key: es, ...options });
  }

  function header(changes: Readonly<Record<string, unknown>>, options: Partial<MintOptions> = {}): string {
    return token({}, { header: changes, ...options });
  }

  /** Claims as text, for what JSON.stringify would not write: appended inside the object. */
  function rawClaims(text: string): string {
    const json = JSON.stringify(claims());
    return token({}, { rawPayload: `${json.slice(0, -1)},${text}}` });
  }

  const valid = token({});
  const keys = { es, rs, ed, attacker };
  const minting: Minting = { valid, keys, claims, token, header, rawClaims };

  const rows: readonly CorpusRow[] = [
    ...headerRows(minting),
    ['C-007 a key for encryption', 'token_key_not_found', mint(claims(), { key: encryption })],
    ['C-007 a key whose key_ops lack verify', 'token_key_not_found', mint(claims(), { key: signing })],
    ...formRows(minting),
    ...signatureRows(keys, token),
    ['C-034 a key of 1024 bits', 'token_key_not_found', mint(claims(), { key: weak })],
    ...claimRows({ users: USERS, services: SERVICES, audience, now: NOW }, { token, header, claims }),
  ];

  return { ...minting, rows, keySets };
}
