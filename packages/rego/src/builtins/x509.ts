/** `crypto.x509.*` and `crypto.parse_private_keys`. */
import { isNumber, toInteger } from '../value/number.ts';
import { objectEntries, objectFromEntries } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { fromBytes, toBytes } from './bytes.ts';
import { type Certificate, parseCertificateRequest, parseCertificates } from './certificate.ts';
import { cryptoOf } from './crypto.ts';
import { membersOf, objectOperand, stringOperand } from './operand.ts';
import { firstPemBlock, type PemBlock } from './pem.ts';
import { ANY, arrayOf, BOOLEAN, objectOf, STRING, tuple } from './type.ts';

const OBJECT = objectOf(STRING, ANY);
const VERIFIED = tuple(BOOLEAN, arrayOf(OBJECT));
type Verified = readonly [isVerified: boolean, chain: readonly ObjectValue[]];
const REFUSED: Verified = [false, []];

export const X509: readonly Builtin[] = [
  {
    name: 'crypto.x509.parse_certificates',
    args: [STRING],
    result: arrayOf(OBJECT),
    evaluate: (_, text) => certificatesFrom(stringOperand(text, 1)).map(({ json }) => json),
  },
  {
    name: 'crypto.x509.parse_and_verify_certificates',
    args: [STRING],
    result: VERIFIED,
    evaluate: (context, text) => verifyAll(context, stringOperand(text, 1), {}),
  },
  {
    name: 'crypto.x509.parse_and_verify_certificates_with_options',
    args: [STRING, OBJECT],
    result: VERIFIED,
    evaluate: (context, text, options) => {
      const [isVerified, chain] = verifyAll(context, stringOperand(text, 1), readOptions(options));
      return [isVerified, chain.map(withoutUriStrings)];
    },
  },
  {
    name: 'crypto.x509.parse_certificate_request',
    args: [STRING],
    result: OBJECT,
    evaluate: (_, text) => parseRequest(stringOperand(text, 1)),
  },
  {
    name: 'crypto.x509.parse_keypair',
    args: [STRING, STRING],
    result: OBJECT,
    evaluate: (context, certificate, key) => keyPair(context, stringOperand(certificate, 1), stringOperand(key, 1)),
  },
  {
    name: 'crypto.x509.parse_rsa_private_key',
    args: [STRING],
    result: OBJECT,
    evaluate: (context, text) => firstPrivateKey(context, stringOperand(text, 1)),
  },
  {
    name: 'crypto.parse_private_keys',
    args: [STRING],
    result: arrayOf(OBJECT),
    evaluate: (context, text) => privateKeys(context, stringOperand(text, 1)),
  },
];

const BEGIN = '-----BEGIN';
const PRIVATE_KEYS: ReadonlySet<string> = new Set(['RSA PRIVATE KEY', 'PRIVATE KEY', 'EC PRIVATE KEY']);

/** PEM, base64 of PEM, or base64 of DER. */
function certificatesFrom(text: string): readonly Certificate[] {
  if (text.startsWith(BEGIN)) return parseCertificates(pemCertificates(text));
  const bytes = decodeBase64(text, 'base64');
  const decoded = fromBytes(bytes);
  return parseCertificates(decoded.startsWith(BEGIN) ? pemCertificates(decoded) : bytes);
}

function pemCertificates(text: string): Uint8Array {
  const blocks = pemBlocks(text);
  const other = blocks.find(({ type }) => type !== 'CERTIFICATE');
  if (other !== undefined) throw new BuiltinError(`PEM block type is '${other.type}', expected CERTIFICATE`);
  return concatenate(blocks.map(({ bytes }) => bytes));
}

function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let block = firstPemBlock(text); block !== undefined; block = firstPemBlock(block.rest)) blocks.push(block);
  return blocks;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

interface VerifyOptions {
  readonly dnsName?: string;
  readonly nanoseconds?: bigint;
  /** Go's numbers of extended key usages, one of which must be allowed. */
  readonly usages?: readonly number[];
}

const ANY_USAGE = 0;
const SERVER_AUTH = 1;
const USAGE_NAMES = [
  'Any',
  'ServerAuth',
  'ClientAuth',
  'CodeSigning',
  'EmailProtection',
  'IPSECEndSystem',
  'IPSECTunnel',
  'IPSECUser',
  'TimeStamping',
  'OCSPSigning',
  'MicrosoftServerGatedCrypto',
  'NetscapeServerGatedCrypto',
  'MicrosoftCommercialCodeSigning',
  'MicrosoftKernelCodeSigning',
].map((name) => `KeyUsage${name}`);

function readOptions(value: Value): VerifyOptions {
  const options: { dnsName?: string; nanoseconds?: bigint; usages?: readonly number[] } = {};
  for (const [key, option] of objectEntries(objectOperand(value, 2))) {
    if (key === 'DNSName') {
      if (typeof option !== 'string') throw new BuiltinError("'DNSName' should be a string");
      options.dnsName = option;
    } else if (key === 'CurrentTime') {
      if (!isNumber(option)) throw new BuiltinError("'CurrentTime' should be a number");
      const time = toInteger(option);
      if (time === undefined) throw new BuiltinError("'CurrentTime' should be a valid int64 number");
      options.nanoseconds = time;
    } else if (key === 'KeyUsages') options.usages = readUsages(option);
    else if (key === 'MaxConstraintComparisons') {
      if (!isNumber(option)) throw new BuiltinError("'MaxConstraintComparisons' should be a number");
    } else throw new BuiltinError('invalid key option');
  }
  return options;
}

function readUsages(value: Value): readonly number[] {
  const names = membersOf(value);
  if (names === undefined) throw new BuiltinError("'KeyUsages' should be an Array or Set");
  const texts = names.filter((name) => typeof name === 'string');
  const unknown = texts.filter((name) => !USAGE_NAMES.includes(name));
  if (unknown.length > 0) throw new BuiltinError(`invalid entries for 'KeyUsages' found: [${unknown.join(' ')}]`);
  return texts.map((name) => USAGE_NAMES.indexOf(name));
}

/** The first certificate is the root, the last the leaf, the others may serve between them. Fails closed. */
function verifyAll(context: BuiltinContext, text: string, options: VerifyOptions): Verified {
  let certificates: readonly Certificate[];
  try {
    certificates = certificatesFrom(text);
  } catch (error) {
    if (error instanceof BuiltinError) return REFUSED;
    throw error;
  }
  const [root, ...others] = certificates;
  const leaf = others.pop();
  if (root === undefined || leaf === undefined) return REFUSED;
  const time = Number((options.nanoseconds ?? context.now) / 1_000_000n);
  const usages = options.usages ?? [SERVER_AUTH];
  if (!isCurrent(leaf, time) || !allows(leaf, usages) || !hasName(leaf, options.dnsName ?? '')) return REFUSED;
  // A certificate that is trusted itself needs no issuer.
  const chain = isSame(leaf, root) ? [leaf] : findChain(context, [leaf], others, { root, time, usages });
  return chain === undefined ? REFUSED : [true, chain.map(({ json }) => json)];
}

/** Which OPA adds to the answers of some builtins only. */
function withoutUriStrings(json: ObjectValue): Value {
  return objectFromEntries(objectEntries(json).filter(([name]) => name !== 'URIStrings'));
}

function isSame(a: Certificate, b: Certificate): boolean {
  return encodeBase64(a.der, 'base64') === encodeBase64(b.der, 'base64');
}

interface Trust {
  readonly root: Certificate;
  readonly time: number;
  readonly usages: readonly number[];
}

function findChain(
  context: BuiltinContext,
  chain: readonly Certificate[],
  intermediates: readonly Certificate[],
  trust: Trust,
): readonly Certificate[] | undefined {
  context.spend(1);
  const last = chain.at(-1);
  if (last === undefined) return undefined;
  const mayIssue = (issuer: Certificate): boolean =>
    issuer.subject === last.issuer &&
    issuer.isAuthority &&
    isCurrent(issuer, trust.time) &&
    allows(issuer, trust.usages) &&
    (issuer.pathLength === undefined || chain.length - 1 <= issuer.pathLength) &&
    cryptoOf(context).isIssuedBy(last.der, issuer.der);
  if (mayIssue(trust.root)) return [...chain, trust.root];
  for (const candidate of intermediates) {
    if (chain.includes(candidate) || !mayIssue(candidate)) continue;
    const found = findChain(context, [...chain, candidate], intermediates, trust);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isCurrent({ notBefore, notAfter }: Certificate, time: number): boolean {
  return notBefore <= time && time <= notAfter;
}

function allows({ usages }: Certificate, wanted: readonly number[]): boolean {
  if (usages === undefined || usages.includes(ANY_USAGE) || wanted.includes(ANY_USAGE)) return true;
  return wanted.some((usage) => usages.includes(usage));
}

/** RFC 6125: a wildcard stands for one leftmost label. */
function hasName({ dnsNames }: Certificate, wanted: string): boolean {
  if (wanted === '') return true;
  const name = wanted.toLowerCase().replace(/\.$/, '');
  return dnsNames.some((candidate) => {
    const pattern = candidate.toLowerCase();
    if (!pattern.startsWith('*.')) return pattern === name;
    return name.includes('.') && name.slice(name.indexOf('.')) === pattern.slice(1);
  });
}

function parseRequest(text: string): Value {
  const type = 'CERTIFICATE REQUEST';
  const bytes = text.startsWith(`${BEGIN} ${type}-----`) ? toBytes(text) : decodeBase64(text, 'base64');
  const block = firstPemBlock(fromBytes(bytes));
  if (block !== undefined && block.type !== type)
    throw new BuiltinError('invalid PEM-encoded certificate signing request');
  return parseCertificateRequest(block?.bytes ?? bytes);
}

/** PEM, or base64 of PEM. */
function pemText(text: string): string {
  return text.startsWith(BEGIN) ? text : fromBytes(decodeBase64(text, 'base64'));
}

function keyPair(context: BuiltinContext, certificateText: string, keyText: string): Value {
  const certificates = certificatesAmong(certificateText);
  const [leaf] = certificates;
  if (leaf === undefined) throw new BuiltinError('tls: failed to find any PEM data in certificate input');
  const key = pemText(keyText);
  const crypto = cryptoOf(context);
  const jwk = readKey(() => crypto.privateKeyJwk(key.startsWith(BEGIN) ? key : derAsPem(key)));
  if (!crypto.matches(leaf.der, jwk)) throw new BuiltinError('tls: private key does not match public key');
  return {
    Certificate: certificates.map(({ der }) => encodeBase64(der, 'base64')),
    PrivateKey: jwk as Record<string, Value>,
    SupportedSignatureAlgorithms: null,
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    Leaf: withoutUriStrings(leaf.json),
  };
}

/** Other blocks, such as the key, may stand between them. */
function certificatesAmong(text: string): readonly Certificate[] {
  if (!text.startsWith(BEGIN)) return certificatesFrom(text);
  const blocks = pemBlocks(text).filter(({ type }) => type === 'CERTIFICATE');
  return parseCertificates(concatenate(blocks.map(({ bytes }) => bytes)));
}

function derAsPem(der: string): string {
  return `${BEGIN} PRIVATE KEY-----\n${encodeBase64(toBytes(der), 'base64')}\n-----END PRIVATE KEY-----\n`;
}

function readKey<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BuiltinError(
      `x509: failed to parse private key: ${error instanceof Error ? error.message : 'unreadable'}`,
    );
  }
}

function firstPrivateKey(context: BuiltinContext, text: string): Value {
  if (text === '') throw new BuiltinError('input PEM data was empty');
  const [first] = keysIn(context, pemText(text));
  return first ?? null;
}

function privateKeys(context: BuiltinContext, text: string): Value {
  if (text === '') return null;
  return keysIn(context, isBase64(text) ? fromBytes(decodeBase64(text, 'base64')) : text);
}

function isBase64(text: string): boolean {
  try {
    decodeBase64(text, 'base64');
    return true;
  } catch {
    return false;
  }
}

/** As JSON Web Keys. */
function keysIn(context: BuiltinContext, text: string): readonly Value[] {
  return pemBlocks(text)
    .filter(({ type }) => PRIVATE_KEYS.has(type))
    .map((block) => readKey(() => cryptoOf(context).privateKeyJwk(block.text)) as Record<string, Value>);
}
