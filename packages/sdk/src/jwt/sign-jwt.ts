/** Writing a signed JWT: compact, with exactly the header and the claims given. */
import { type KeyObject, sign } from 'node:crypto';
import { ALGORITHMS, type AlgorithmName } from './algorithms.ts';

export interface JwtSigner {
  readonly key: KeyObject;
  readonly algorithm: AlgorithmName;
  /** Undefined: the token names no key. */
  readonly keyId: string | undefined;
}

/** @param type of the token, for `typ` */
export function signJwt(type: string, claims: object, { key, algorithm, keyId }: JwtSigner): string {
  const input = signingInput({ alg: algorithm, typ: type, ...(keyId === undefined ? {} : { kid: keyId }) }, claims);
  const { hash, parameters } = ALGORITHMS.get(algorithm) ?? { hash: null, parameters: {} };
  return `${input}.${sign(hash, Buffer.from(input), { key, ...parameters }).toString('base64url')}`;
}

export function signingInput(header: object, claims: object): string {
  return `${encode(header)}.${encode(claims)}`;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
