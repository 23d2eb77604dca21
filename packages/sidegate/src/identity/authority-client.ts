/** What a sidecar asks of the authority: a certificate, its renewal, the trust bundle, revocation lists. Answers are checked before they are believed. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { type HttpClient, type HttpResponse, JsonError, type JsonObject, parseStrictJson } from '@sidegate/sdk';
import { type BundleMap, readBundleMap } from './bundle-map.ts';
import { certificatesOf, type KeyPair } from './key-pair.ts';

export interface AuthorityClientOptions {
  /** Origin of the authority. */
  readonly url: string;
  /** A client that shows this pair; without one it shows none. */
  readonly connect: (shown: KeyPair | undefined) => { readonly send: HttpClient; close(): Promise<void> };
}

export interface IssuedIdentity {
  /** PEM: the certificate, and the authority that signed it. */
  readonly chain: string;
  readonly bundle: TrustedRoots;
}

export interface TrustedRoots {
  /** PEM. */
  readonly pem: string;
  readonly sequence: number;
  readonly refreshHintSeconds: number;
  /** Ids of the authorities that sign now; undefined: not told. */
  readonly signing: readonly string[] | undefined;
}

/** The authority said no, in its words. */
export class AuthorityRefused extends Error {
  override readonly name = 'AuthorityRefused';
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, description: string, retryAfterSeconds: number | undefined) {
    super(`${description} (${code})`);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The answer is not one that can be used. */
export class BadAuthorityAnswer extends Error {
  override readonly name = 'BadAuthorityAnswer';
}

export interface Published {
  /** Of the trust domains that it federates with. */
  readonly federated: BundleMap;
  /** PEM, one for each authority. */
  readonly revocationLists: string;
}

export interface AuthorityClient {
  /** @throws AuthorityRefused, BadAuthorityAnswer, or the error of the network */
  enrol(csr: string, joinToken: string, key: KeyObject): Promise<IssuedIdentity>;
  renew(csr: string, key: KeyObject, shown: KeyPair): Promise<IssuedIdentity>;
  /** Tells which one is in use, where one is; undefined: that is still the one. */
  bundle(inUse: number | undefined, shown: KeyPair): Promise<TrustedRoots | undefined>;
  /** What everybody may read, on one connection. */
  published(): Promise<Published>;
}

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 256 * 1024;
const MAX_MAP_BYTES = 4 * 1024 * 1024;
const MAX_LIST_BYTES = 64 * 1024 * 1024;

export function createAuthorityClient({ url, connect }: AuthorityClientOptions): AuthorityClient {
  async function ask(request: Parameters<HttpClient>[0], shown: KeyPair | undefined): Promise<HttpResponse> {
    const client = connect(shown);
    try {
      return await client.send(request);
    } finally {
      await client.close();
    }
  }
  const get = (path: string, headers: Record<string, string>, maxBytes: number) =>
    ({ method: 'GET', url: `${url}${path}`, headers, timeoutMs: TIMEOUT_MS, maxBytes }) as const;
  async function post(path: string, body: unknown, shown: KeyPair | undefined): Promise<JsonObject> {
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const request = { method: 'POST', url: `${url}${path}`, headers, body: JSON.stringify(body) } as const;
    return membersOf(await ask({ ...request, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }, shown));
  }
  return {
    enrol: async (csr, joinToken, key) =>
      issuedOf(await post('/ca/enrol', { csr, join_token: joinToken }, undefined), key),
    renew: async (csr, key, shown) => issuedOf(await post('/ca/renew', { csr }, shown), key),
    bundle: async (inUse, shown) => {
      const known: Record<string, string> = inUse === undefined ? {} : { 'if-none-match': `"${inUse}"` };
      const answer = await ask(get('/ca/bundle', known, MAX_BYTES), shown);
      return answer.status === 304 ? undefined : bundleOf(membersOf(answer));
    },
    published: async () => {
      const client = connect(undefined);
      try {
        const revocationLists = listsOf(await client.send(get('/ca/crl', {}, MAX_LIST_BYTES)));
        return { revocationLists, federated: bundlesOf(await client.send(get('/ca/bundles', {}, MAX_MAP_BYTES))) };
      } finally {
        await client.close();
      }
    },
  };
}

function listsOf(answer: HttpResponse): string {
  if (answer.status !== 200) refused(answer);
  const text = answer.body.toString('latin1');
  if (!text.startsWith('-----BEGIN X509 CRL-----')) throw new BadAuthorityAnswer('there is no revocation list in it');
  return text;
}

/** An authority that does not know the question federates with nobody. */
function bundlesOf(answer: HttpResponse): BundleMap {
  return answer.status === 404 ? { bundles: {}, unusable: [] } : readBundleMap(membersOf(answer));
}

/** As the authority names itself: SHA-256 of its certificate. */
export const authorityIdOf = ({ raw }: X509Certificate): string => createHash('sha256').update(raw).digest('base64url');

function issuedOf(members: JsonObject, key: KeyObject): IssuedIdentity {
  const chain = textOf(members, 'certificate_chain');
  const pem = textOf(members, 'trust_bundle');
  const [leaf, ...above] = readAll(chain);
  if (leaf === undefined || !leaf.checkPrivateKey(key))
    throw new BadAuthorityAnswer('the certificate is for another key');
  const roots = readAll(pem);
  const links = [leaf, ...above];
  const linked = links.every((certificate, index) => {
    const issuers = index + 1 < links.length ? links.slice(index + 1, index + 2) : roots;
    return issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  });
  if (!linked) throw new BadAuthorityAnswer('the certificate is not one that the bundle verifies');
  const sequence = numberOf(members, 'bundle_sequence');
  const refreshHintSeconds = numberOf(members, 'bundle_refresh_hint_seconds');
  return { chain, bundle: { pem, sequence, refreshHintSeconds, signing: undefined } };
}

function bundleOf(members: JsonObject): TrustedRoots {
  const { keys, sidegate_signing: signing } = members;
  if (!Array.isArray(keys)) throw new BadAuthorityAnswer('the bundle has no keys');
  const roots = keys.flatMap((key) => {
    const { use, x5c } = key as JsonObject;
    if (use !== 'x509-svid') return [];
    const [only] = Array.isArray(x5c) ? x5c : [];
    if (typeof only !== 'string') throw new BadAuthorityAnswer('a key of the bundle has no certificate');
    return [readCertificate(Buffer.from(only, 'base64'))];
  });
  return {
    pem: pemOf(roots),
    sequence: numberOf(members, 'spiffe_sequence'),
    refreshHintSeconds: numberOf(members, 'spiffe_refresh_hint'),
    signing: Array.isArray(signing) ? signing.map(String) : undefined,
  };
}

/** At least one, all of them authorities that sign themselves. */
function pemOf(roots: readonly X509Certificate[]): string {
  if (roots.length === 0) throw new BadAuthorityAnswer('the bundle is empty');
  for (const root of roots) {
    if (!root.ca || !root.verify(root.publicKey))
      throw new BadAuthorityAnswer('the bundle has a certificate of no root');
  }
  return roots.map(String).join('');
}

function readAll(pem: string): readonly X509Certificate[] {
  try {
    return certificatesOf(pem);
  } catch (error) {
    throw new BadAuthorityAnswer('a certificate cannot be read', { cause: error });
  }
}

function readCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new BadAuthorityAnswer('a certificate of the bundle cannot be read', { cause: error });
  }
}

function membersOf(answer: HttpResponse): JsonObject {
  if (answer.status !== 200) refused(answer);
  const members = objectIn(answer.body);
  if (members === undefined) throw new BadAuthorityAnswer('it is no JSON object');
  return members;
}

function refused({ status, headers, body }: HttpResponse): never {
  const { error, error_description: description } = objectIn(body) ?? {};
  const seconds = /^\d{1,9}$/.test(headers['retry-after'] ?? '') ? Number(headers['retry-after']) : undefined;
  const [code, text] = [error, description].map((value) => (typeof value === 'string' ? printable(value) : undefined));
  throw new AuthorityRefused(code ?? String(status), text ?? `it answered ${status}`, seconds);
}

const printable = (text: string): string => text.replaceAll(/[^ -~]/g, '?').slice(0, 300);

function objectIn(body: Buffer): JsonObject | undefined {
  try {
    const value = parseStrictJson(body);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

function textOf(members: JsonObject, name: string): string {
  const value = members[name];
  if (typeof value !== 'string') throw new BadAuthorityAnswer(`${name} is missing`);
  return value;
}

function numberOf(members: JsonObject, name: string): number {
  const value = members[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new BadAuthorityAnswer(`${name} is missing`);
  }
  return value;
}
