/**
 * Publishing the keys by which a host signs, draft-meunier-http-message-signatures-directory: a JWK set, signed by each key in it for
 * the host that was asked. Without that proof a host could name the key of another one as its own.
 */
import { createHash, createPublicKey } from 'node:crypto';
import type { AlgorithmName } from '../jwt/algorithms.ts';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import type { SignatureAlgorithm, SignatureKey } from './algorithms.ts';
import { contentDigest } from './content-digest.ts';
import type { SignedRequest } from './message.ts';
import { signMessage } from './sign-message.ts';

export const KEY_DIRECTORY_PATH = '/.well-known/http-message-signatures-directory';
export const KEY_DIRECTORY_TYPE = 'application/http-message-signatures-directory+json';
export const KEY_DIRECTORY_TAG = 'http-message-signatures-directory';

/** As JWK sets name them; a key that can serve several is for the first. */
export const JWK_ALGORITHMS: readonly (readonly [AlgorithmName, SignatureAlgorithm])[] = [
  ['EdDSA', 'ed25519'],
  ['ES256', 'ecdsa-p256-sha256'],
  ['ES384', 'ecdsa-p384-sha384'],
  ['PS512', 'rsa-pss-sha512'],
  ['RS256', 'rsa-v1_5-sha256'],
];

const PROOF_LIFETIME_SECONDS = 300;

export interface KeyDirectoryOptions {
  /** The private keys, those of a rotation too. At most eight. */
  readonly keys: readonly SignatureKey[];
  /** The host of the directory, as it was asked for. */
  readonly authority: string;
  readonly clock: Pick<Clock, 'now'>;
}

export interface KeyDirectory {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * What to answer below {@link KEY_DIRECTORY_PATH}; made anew for each request, or every few minutes.
 *
 * @throws Problem `signature_invalid` for a key that is not one for its algorithm
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto';
 * import { keyDirectory } from '@sidegate/sdk/signatures';
 *
 * const key = generateKeyPairSync('ed25519').privateKey;
 * const { headers, body } = keyDirectory({ keys: [{ algorithm: 'ed25519', key }], authority: 'orders.example', clock });
 * ```
 */
export function keyDirectory({ keys, authority, clock }: KeyDirectoryOptions): KeyDirectory {
  const published = keys.map((key) => ({ key, jwk: publicJwk(key) }));
  const body = JSON.stringify({ keys: published.map(({ jwk }) => jwk) });
  const headers = { 'content-type': KEY_DIRECTORY_TYPE, 'content-digest': contentDigest(Buffer.from(body)) };
  const response = { status: 200, headers: Object.entries(headers), request: directoryRequest('https', authority) };
  const created = Math.floor(clock.now() / 1000);
  const proofs = published.map(({ key, jwk }, index) =>
    signMessage(response, {
      label: `key${index}`,
      components: ['@authority;req', 'content-digest'],
      key,
      keyid: jwk.kid,
      created,
      expires: created + PROOF_LIFETIME_SECONDS,
      tag: KEY_DIRECTORY_TAG,
    }),
  );
  return {
    headers: {
      ...headers,
      'cache-control': `max-age=${PROOF_LIFETIME_SECONDS / 2}`,
      'signature-input': proofs.map(({ signatureInput }) => signatureInput).join(', '),
      signature: proofs.map(({ signature }) => signature).join(', '),
    },
    body,
  };
}

/** The id of a key in a directory: its thumbprint, RFC 7638, SHA-256 in base64url. */
export function directoryKeyId(key: SignatureKey): string {
  return publicJwk(key).kid;
}

/** The request that a directory answers, as its proofs see it. */
export function directoryRequest(scheme: string, authority: string): SignedRequest {
  return { method: 'GET', scheme, authority, target: KEY_DIRECTORY_PATH, headers: [] };
}

function publicJwk({ algorithm, key }: SignatureKey) {
  if (key.type === 'secret') throw new Problem('signature_invalid', 'a shared secret cannot be published');
  const { crv, e, kty, n, x, y } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  // in the order of RFC 7638 section 3.2; JSON leaves out what is not there
  const members = { crv, e, kty, n, x, y };
  const kid = createHash('sha256').update(JSON.stringify(members)).digest('base64url');
  return { kid, ...members, use: 'sig', alg: JWK_ALGORITHMS.find(([, name]) => name === algorithm)?.[0] };
}
