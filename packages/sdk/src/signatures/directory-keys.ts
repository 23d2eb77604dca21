/** The keys that a caller publishes in its own directory, draft-meunier-http-message-signatures-directory, and proves to hold. */
import { createFetchedJwks, type FetchedJwksOptions } from '../jwt/fetched-jwks.ts';
import { parseKeySet, type VerificationKey } from '../jwt/jwks.ts';
import { fetchKeySet } from '../jwt/jwks-loader.ts';
import { requireSecureUrl } from '../jwt/secure-url.ts';
import type { Clock, HttpClient, HttpResponse } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { SignatureKey } from './algorithms.ts';
import {
  directoryRequest,
  JWK_ALGORITHMS,
  KEY_DIRECTORY_PATH,
  KEY_DIRECTORY_TAG,
  KEY_DIRECTORY_TYPE,
} from './key-directory.ts';
import type { SignedResponse } from './message.ts';
import { readSignatures } from './signature-fields.ts';
import type { SignatureKeys } from './signature-keys.ts';
import { verifyMessage } from './verify-message.ts';

/** A directory may lie in a cache for so long. */
const MAX_PROOF_AGE_SECONDS = 86_400;
const CLOCK_TOLERANCE_SECONDS = 60;

export interface DirectoryKeysOptions extends Omit<FetchedJwksOptions, 'load' | 'use'> {
  /** Of the caller, such as `https://orders.example`: whose directory is asked, and for whom its keys then speak. */
  readonly origin: string;
  readonly http: HttpClient;
}

/**
 * The keys of one caller by their thumbprints (RFC 7638). They begin to load at once; afterwards the bounds are those of any key
 * set: one fetch for an unknown key in half a minute, and what was read stays while the directory is away.
 *
 * @throws TypeError when the origin is not https (or http on a loopback host)
 * @example
 * ```ts
 * import { directoryKeys } from '@sidegate/sdk/signatures';
 *
 * const keys = directoryKeys({ origin: 'https://orders.example', ...systemRuntime() });
 * ```
 */
export function directoryKeys({ origin, http, ...fetching }: DirectoryKeysOptions): SignatureKeys {
  const url = new URL(KEY_DIRECTORY_PATH, requireSecureUrl(origin));
  const load = async (): Promise<Uint8Array> =>
    provenSet(await fetchKeySet(http, url.href, KEY_DIRECTORY_TYPE), url, fetching.clock);
  const source = createFetchedJwks({ load, ...fetching });
  return {
    current: (keyid) => signatureKey(source.current()?.byKid.get(keyid)),
    refreshFor: (keyid) => source.refreshFor(keyid),
    close: () => source.close(),
  };
}

/** The set of those keys whose proof is there, each under its thumbprint. */
async function provenSet({ status, headers, body }: HttpResponse, url: URL, clock: Clock): Promise<Uint8Array> {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== KEY_DIRECTORY_TYPE) throw new Error(`the directory is not ${KEY_DIRECTORY_TYPE}`);
  const { keySet, findings } = parseKeySet(body);
  if (keySet === undefined) throw new Error(findings.map(({ reason }) => reason).join('; '));
  const request = directoryRequest(url.protocol.slice(0, -1), url.host);
  const message = { status, headers: Object.entries(headers), request };
  const proven: object[] = [];
  for (const key of keySet.keys) {
    if (await isProven(key, message, body, clock)) proven.push(publishedJwk(key));
  }
  if (proven.length === 0) throw new Error(`no key of the directory proves that ${url.host} holds it`);
  return Buffer.from(JSON.stringify({ keys: proven }));
}

async function isProven(key: VerificationKey, message: SignedResponse, body: Buffer, clock: Clock): Promise<boolean> {
  const own = signatureKey(key);
  if (own === undefined) return false;
  try {
    const proof = readSignatures(message.headers).find(({ parameters }) => parameters.keyid === key.thumbprint);
    if (proof === undefined) return false;
    await verifyMessage(message, {
      label: proof.label,
      tag: KEY_DIRECTORY_TAG,
      required: ['@authority;req'],
      findKey: () => own,
      clock,
      maxAgeSeconds: MAX_PROOF_AGE_SECONDS,
      clockToleranceSeconds: CLOCK_TOLERANCE_SECONDS,
      body,
    });
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

function publishedJwk({ publicKey, thumbprint, algorithms }: VerificationKey): object {
  const alg = algorithms.length === 1 ? { alg: algorithms[0] } : {};
  return { ...publicKey.export({ format: 'jwk' }), kid: thumbprint, ...alg };
}

function signatureKey(key: VerificationKey | undefined): SignatureKey | undefined {
  const algorithm = JWK_ALGORITHMS.find(([name]) => key?.algorithms.includes(name))?.[1];
  return key === undefined || algorithm === undefined ? undefined : { algorithm, key: key.publicKey };
}
