/**
 * What `FetchX509SVID` answered, judged (X509-SVID sections 2 to 4 and 5.2): each identity is one leaf that its own key and a
 * path to an authority of its trust domain prove. One that is not right spoils the answer, so that the last good one stays.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { Problem } from '../problem.ts';
import { parseSpiffeId, type SpiffeId, SpiffeIdError } from '../spiffe/spiffe-id.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { certificateWeakness } from '../x509/certificate-strength.ts';
import { DerError } from '../x509/der.ts';
import { readX509BundlesResponse, readX509SvidResponse, type X509SvidMessage } from './messages.ts';
import { pem, splitCertificates } from './pem.ts';
import { WireError } from './wire.ts';

/** An identity with its key. */
export interface X509Svid {
  readonly id: SpiffeId;
  /** PEM: the leaf, then its intermediates. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** What it is for, where a workload has several. */
  readonly hint: string;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

/** Trust domain → its authorities, PEM. */
export type X509Bundles = ReadonlyMap<string, string>;

export interface X509Context {
  /** The first is the default one. */
  readonly svids: readonly [X509Svid, ...X509Svid[]];
  /** Of the own trust domain and of those that it federates with. */
  readonly bundles: X509Bundles;
  /** Revocation lists, PEM. */
  readonly crl: readonly string[];
}

/** An answer of a Workload API that must not be used; says what is wrong with it, never its content. */
export class WorkloadAnswerRefused extends Error {
  override readonly name = 'WorkloadAnswerRefused';
}

/** @throws WorkloadAnswerRefused */
export function readX509Context(bytes: Uint8Array, now: number): X509Context {
  return judged(() => {
    const { svids, crl, federatedBundles } = readX509SvidResponse(bytes);
    const bundles = new Map(readFederated(federatedBundles));
    const read = svids.map((message) => readSvid(message, now));
    for (const { svid, bundle } of read) {
      const known = bundles.get(svid.id.trustDomain);
      if (known !== undefined && known !== bundle) refuse('two bundles for one trust domain');
      bundles.set(svid.id.trustDomain, bundle);
    }
    const [first, ...more] = read.map(({ svid }) => svid);
    if (first === undefined) refuse('no identity');
    return { svids: [first, ...more], bundles, crl: crl.map((each) => pem('X509 CRL', each)) };
  });
}

/** @throws WorkloadAnswerRefused */
export function readX509Bundles(bytes: Uint8Array): X509Bundles {
  return judged(() => {
    const bundles = readBundles(readX509BundlesResponse(bytes).bundles);
    return bundles.size === 0 ? refuse('no bundle') : bundles;
  });
}

/** The name of a trust domain, which is written as a SPIFFE ID without path; some send the name alone. */
export function readTrustDomain(key: string): string {
  const { trustDomain, path } = parseSpiffeId(key.startsWith('spiffe://') ? key : `spiffe://${key}`);
  return path === '' ? trustDomain : refuse('a bundle of a workload instead of a trust domain');
}

/** Whatever a parser below throws is a refusal of the answer. */
export function judged<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const expected = [WireError, DerError, SpiffeIdError, Problem].some((kind) => error instanceof kind);
    if (!expected || !(error instanceof Error)) throw error;
    throw new WorkloadAnswerRefused(error.message, { cause: error });
  }
}

export function refuse(reason: string): never {
  throw new WorkloadAnswerRefused(reason);
}

function readBundles(bundles: ReadonlyMap<string, Uint8Array>): X509Bundles {
  const read = new Map<string, string>();
  for (const [key, der] of bundles) {
    const trustDomain = readTrustDomain(key);
    if (read.has(trustDomain)) refuse('two bundles for one trust domain');
    read.set(trustDomain, readBundle(der));
  }
  return read;
}

/** What another trust domain publishes must not keep an identity of ours from us: its bundle is left out, so nobody trusts it. */
function readFederated(bundles: ReadonlyMap<string, Uint8Array>): X509Bundles {
  return readBundles(new Map([...bundles].filter(([, der]) => isBundle(der))));
}

function isBundle(der: Uint8Array): boolean {
  try {
    judged(() => readBundle(der));
    return true;
  } catch (error) {
    if (error instanceof WorkloadAnswerRefused) return false;
    throw error;
  }
}

function readBundle(der: Uint8Array): string {
  const authorities = splitCertificates(der);
  if (authorities.length === 0) refuse('an empty bundle');
  for (const each of authorities) requireAuthority(readCertificate(each), 'a bundle');
  return authorities.map((each) => pem('CERTIFICATE', each)).join('');
}

function readSvid(message: X509SvidMessage, now: number): { readonly svid: X509Svid; readonly bundle: string } {
  const chain = splitCertificates(message.certificates);
  const [leafDer, ...intermediates] = chain;
  if (leafDer === undefined) refuse('an identity without certificate');
  const leaf = readCertificate(leafDer);
  const id = readLeafId(leaf);
  if (id.uri !== message.spiffeId) refuse('a certificate with another SPIFFE ID than the answer says');
  if (!(leaf.notBefore <= now + CLOCK_SKEW_MS && now < leaf.notAfter)) refuse('a certificate that is not valid now');
  for (const each of intermediates) requireAuthority(readCertificate(each), 'the chain');
  const bundle = readBundle(message.bundle);
  const authorities = splitCertificates(message.bundle);
  requirePath([leafDer, ...intermediates], authorities);
  const key = readKey(message.privateKey);
  if (!new X509Certificate(leafDer).checkPrivateKey(key)) refuse('the key of another certificate');
  const svid = {
    id,
    cert: chain.map((each) => pem('CERTIFICATE', each)).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }),
    hint: message.hint,
    notBefore: leaf.notBefore,
    notAfter: leaf.notAfter,
  };
  return { svid, bundle };
}

/** As everywhere else where clocks of two machines meet. */
const CLOCK_SKEW_MS = 60_000;

function readLeafId(leaf: Certificate): SpiffeId {
  const { isAuthority, keyUsage, subjectAltNames } = leaf;
  if (isAuthority || keyUsage?.has('keyCertSign') || keyUsage?.has('cRLSign')) refuse('an authority as a leaf');
  if (keyUsage?.has('digitalSignature') !== true) refuse('a leaf whose key is not meant for signatures');
  const weakness = certificateWeakness(leaf);
  if (weakness !== undefined) refuse(`a weak certificate: ${weakness}`);
  const [uri, another] = subjectAltNames.filter(({ kind }) => kind === 'uri');
  if (uri === undefined || another !== undefined) refuse('a leaf without exactly one URI name');
  const id = parseSpiffeId(uri.value);
  return id.path === '' ? refuse('a leaf that names a trust domain, not a workload') : id;
}

function requireAuthority({ isAuthority, keyUsage }: Certificate, where: string): void {
  if (!isAuthority) refuse(`${where} has a certificate that is no authority's`);
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign')) refuse(`${where} has an authority that may not sign`);
}

/** In order, as TLS sends it: each signed by the next, the last by an authority of the bundle. */
function requirePath(chain: readonly Buffer[], authorities: readonly Buffer[]): void {
  const path = chain.map((each) => new X509Certificate(each));
  const roots = authorities.map((each) => new X509Certificate(each));
  for (const [index, certificate] of path.entries()) {
    const above = path[index + 1];
    const issuers = above === undefined ? roots : [above];
    if (issuers.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))) continue;
    refuse('a certificate that no authority of its trust domain has signed');
  }
}

function readKey(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    return refuse('a private key that is not PKCS #8');
  }
}
