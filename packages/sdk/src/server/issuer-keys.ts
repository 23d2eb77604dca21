/** An issuer whose tokens or events are verified, and where its keys come from. */
import type { AlgorithmName } from '../jwt/algorithms.ts';
import { createFetchedJwks } from '../jwt/fetched-jwks.ts';
import { discoveryJwksLoader } from '../jwt/jwks-loader.ts';
import type { JwksSource } from '../jwt/jwks-source.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** An issuer with its keys at hand. */
export interface IssuerWithKeys {
  /** Compared with `iss` exactly. */
  readonly issuer: string;
  readonly keys: JwksSource;
  /** By default every asymmetric algorithm of RFC 8725. */
  readonly algorithms?: readonly AlgorithmName[];
}

/** Keys of an issuer that is given as a URL are found by discovery. */
export function withKeys(issuer: string | IssuerWithKeys, runtime: Runtime): IssuerWithKeys {
  if (typeof issuer !== 'string') return issuer;
  return { issuer, keys: createFetchedJwks({ load: discoveryJwksLoader(runtime.http, issuer), ...runtime }) };
}
