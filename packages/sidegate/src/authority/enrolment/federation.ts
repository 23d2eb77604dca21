/**
 * Bundles of other trust domains (SPIFFE Federation, section 5): read from files or URLs that the configuration names, checked, and
 * served as they were published. What cannot be read, or is not newer, leaves the one before in its place.
 */
import { X509Certificate } from 'node:crypto';
import { JsonError, type JsonObject, type JsonValue, parseStrictJson } from '@sidegate/sdk';

export interface FederatedTrustDomain {
  readonly trustDomain: string;
  /** The document as it is now. */
  readonly read: () => Promise<Buffer>;
}

export interface Federation {
  /** The last good document of a trust domain. */
  bundle(trustDomain: string): Buffer | undefined;
  /** Reads all of them anew. @returns what is wrong, for people; then the one before stays */
  refresh(): Promise<string[]>;
}

interface Kept {
  readonly document: Buffer;
  readonly sequence: number;
}

export function createFederation(trustDomains: readonly FederatedTrustDomain[]): Federation {
  const kept = new Map<string, Kept>();
  async function refreshOne({ trustDomain, read }: FederatedTrustDomain): Promise<string[]> {
    try {
      const document = await read();
      const sequence = checkSpiffeBundle(document);
      const before = kept.get(trustDomain);
      if (before !== undefined && sequence < before.sequence) {
        return [`${trustDomain}: its bundle ${sequence} is older than ${before.sequence}, which is kept`];
      }
      kept.set(trustDomain, { document, sequence });
      return [];
    } catch (error) {
      return [`${trustDomain}: ${error instanceof Error ? error.message : 'its bundle cannot be read'}`];
    }
  }
  return {
    bundle: (trustDomain) => kept.get(trustDomain)?.document,
    refresh: async () => (await Promise.all(trustDomains.map(refreshOne))).flat(),
  };
}

/**
 * The sequence number of a bundle that can be used; 0 when it has none.
 *
 * @throws TypeError in words
 */
export function checkSpiffeBundle(document: Buffer): number {
  const { keys, spiffe_sequence: sequence = 0 } = objectOf(parsed(document));
  if (!Array.isArray(keys)) throw new TypeError('its bundle has no keys');
  if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0) {
    throw new TypeError('the sequence number of its bundle is none');
  }
  const usable = keys.map(objectOf).filter(isUsable);
  if (usable.length === 0) throw new TypeError('its bundle has no key that can be used');
  return sequence;
}

/** Keys for uses that are not known are left out, as the specification asks; one that is known must be right. */
function isUsable({ use, x5c, kid, kty }: JsonObject): boolean {
  if (use === 'jwt-svid') {
    if (typeof kid !== 'string' || typeof kty !== 'string') throw new TypeError('a key for JWT-SVIDs has no kid');
    return true;
  }
  if (use !== 'x509-svid') return false;
  const [only, ...others] = Array.isArray(x5c) ? x5c : [];
  if (typeof only !== 'string' || others.length > 0)
    throw new TypeError('a key for X.509-SVIDs has not one certificate');
  const authority = certificateOf(only);
  if (!authority.ca) throw new TypeError('a certificate of its bundle is of no authority');
  return true;
}

function certificateOf(base64: string): X509Certificate {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'));
  } catch {
    throw new TypeError('a certificate of its bundle cannot be read');
  }
}

function parsed(document: Buffer): JsonValue {
  try {
    return parseStrictJson(document);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new TypeError(`its bundle is no JSON: ${error.message}`, { cause: error });
  }
}

function objectOf(value: JsonValue): JsonObject {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as JsonObject;
  throw new TypeError('its bundle has something that is no object');
}
