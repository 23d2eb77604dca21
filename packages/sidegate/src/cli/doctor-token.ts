/** What a service token says about itself, and whether a key that is at hand signed it. Nothing of the token is ever printed. */
import { createPublicKey } from 'node:crypto';
import {
  createPushedJwks,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  Problem,
  type PushedJwks,
  parseStrictJson,
  readJwt,
  verifyJwt,
} from '@sidegate/sdk';
import { JWTHandler } from '@sidegate/sdk/service-tokens';

export interface TokenFacts {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: string | undefined;
  readonly service: string | undefined;
  /** Seconds since the epoch. */
  readonly expires: number | undefined;
}

/** The key with which tokens are verified, as far as it is known here. */
export interface DoctorKey {
  /** Tells two keys apart, and says nothing about either. */
  readonly fingerprint: string;
  signed(token: string): Promise<boolean>;
}

const MAX_TOKEN_CHARACTERS = 8192;
/** Of service tokens and of user tokens, whoever issued them. */
const TYPES: readonly string[] = ['jwt', 'at+jwt', 'application/at+jwt', ''];

/** @returns the facts, unverified; or why there are none */
export function readTokenFacts(token: string): TokenFacts | string {
  if (/\s/.test(token)) return 'it is not the token alone: banner, blanks or several lines are around it';
  if (token.length > MAX_TOKEN_CHARACTERS) return `it has ${token.length} characters`;
  const [header, claims, signature, ...rest] = token.split('.');
  if (signature === undefined || rest.length > 0) return 'it does not have three parts, as a JWT does';
  const read = [header, claims].map((part = '') => readObject(part));
  const [head, body] = read;
  if (head === undefined || body === undefined) return 'its header or its claims are not JSON in base64url';
  return {
    algorithm: text(head['alg']) ?? 'none',
    keyId: text(head['kid']),
    type: text(body['type']),
    service: text(body['service']) ?? text(body['sub']),
    expires: typeof body['exp'] === 'number' ? body['exp'] : undefined,
  };
}

/**
 * A shared secret; its fingerprint is that of `sidegate token`.
 *
 * @returns the key; or what is wrong with it
 */
export function secretKey(secret: string): DoctorKey | string {
  try {
    const handler = new JWTHandler({ legacySharedSecret: true, secretKey: secret, warn: () => {} });
    return {
      fingerprint: handler.keyFingerprints.join('+'),
      signed: (token) => isSigned(() => handler.verify(token)),
    };
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/**
 * Public keys: one in PEM, or a JWK set.
 *
 * @returns the key; or what is wrong with the file
 */
export function publicKeys(file: string): DoctorKey | string {
  if (file.includes('PRIVATE KEY')) return 'is a private key, which nobody who verifies needs';
  const keySet = (keyId?: string): PushedJwks | string => {
    const source = createPushedJwks();
    const [finding] = source.push(Buffer.from(file.includes('-----BEGIN') ? pemKeySet(file, keyId) : file));
    return finding !== undefined && source.current() === undefined ? finding.reason : source;
  };
  try {
    const read = keySet();
    if (typeof read === 'string') return read;
    const names = read.current()?.keys.map(({ kid, thumbprint }) => kid ?? thumbprint) ?? [];
    return {
      fingerprint: names.join('+'),
      signed: (token) =>
        isSigned(async () => {
          const jwt = readJwt(token, TYPES);
          const keys = keySet(jwt.header.kid);
          if (typeof keys !== 'string') await verifyJwt(jwt, { keys, owner: 'the key given here' });
        }),
    };
  } catch {
    return 'is neither a public key in PEM nor a JWK set';
  }
}

/** PEM has no place for the id of a key: it is taken for the one that the token names. */
function pemKeySet(pem: string, keyId: string | undefined): string {
  const jwk = createPublicKey(pem).export({ format: 'jwk' });
  return JSON.stringify({ keys: [{ ...jwk, ...(keyId === undefined ? {} : { kid: keyId }) }] });
}

const OTHER_KEY: ReadonlySet<string> = new Set([
  'token_signature_invalid',
  'token_key_not_found',
  'token_key_alg_mismatch',
  'token_alg_not_allowed',
]);

/** Whatever is wrong besides, such as its dates, is found before or after. */
async function isSigned(verify: () => Promise<unknown>): Promise<boolean> {
  try {
    await verify();
    return true;
  } catch (error) {
    if (error instanceof Problem) return !OTHER_KEY.has(error.code);
    throw error;
  }
}

function readObject(part: string): JsonObject | undefined {
  try {
    const value: JsonValue = parseStrictJson(Buffer.from(part, 'base64url'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const text = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
