/** X.509 certificates and PKCS #10 requests as OPA shows them: the JSON of Go's x509.Certificate and CertificateRequest. */
import { numberFromInteger } from '../value/number.ts';
import { emptyObject } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { encodeBase64 } from './base64.ts';
import { BuiltinError } from './builtin.ts';
import { fromBytes } from './bytes.ts';
import {
  children,
  type DerNode,
  expectTag,
  malformed,
  readBits,
  readDer,
  readInteger,
  readOid,
  readTime,
  TAG,
  unsigned,
} from './der.ts';
import { addressText } from './ip.ts';
import { uriParts } from './uri.ts';

export interface Certificate {
  readonly der: Uint8Array;
  readonly subject: string;
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly isAuthority: boolean;
  /** How many authorities may follow below it; undefined for any number. */
  readonly pathLength: number | undefined;
  /** Go's numbers; undefined when the certificate does not restrict its use. */
  readonly usages: readonly number[] | undefined;
  readonly dnsNames: readonly string[];
  readonly json: ObjectValue;
}

const SIGNATURES: ReadonlyMap<string, number> = new Map([
  ['1.2.840.113549.1.1.2', 1],
  ['1.2.840.113549.1.1.4', 2],
  ['1.2.840.113549.1.1.5', 3],
  ['1.2.840.113549.1.1.11', 4],
  ['1.2.840.113549.1.1.12', 5],
  ['1.2.840.113549.1.1.13', 6],
  ['1.2.840.10040.4.3', 7],
  ['2.16.840.1.101.3.4.3.2', 8],
  ['1.2.840.10045.4.1', 9],
  ['1.2.840.10045.4.3.2', 10],
  ['1.2.840.10045.4.3.3', 11],
  ['1.2.840.10045.4.3.4', 12],
  ['1.3.101.112', 16],
]);
const USAGES: ReadonlyMap<string, number> = new Map([
  ['2.5.29.37.0', 0],
  ['1.3.6.1.5.5.7.3.1', 1],
  ['1.3.6.1.5.5.7.3.2', 2],
  ['1.3.6.1.5.5.7.3.3', 3],
  ['1.3.6.1.5.5.7.3.4', 4],
  ['1.3.6.1.5.5.7.3.5', 5],
  ['1.3.6.1.5.5.7.3.6', 6],
  ['1.3.6.1.5.5.7.3.7', 7],
  ['1.3.6.1.5.5.7.3.8', 8],
  ['1.3.6.1.5.5.7.3.9', 9],
  ['1.3.6.1.4.1.311.10.3.3', 10],
  ['2.16.840.1.113730.4.1', 11],
  ['1.3.6.1.4.1.311.2.1.22', 12],
  ['1.3.6.1.4.1.311.61.1.1', 13],
]);
/** Distinguished name attributes that Go lists by name. */
const NAME_FIELDS: ReadonlyMap<string, string> = new Map([
  ['2.5.4.6', 'Country'],
  ['2.5.4.10', 'Organization'],
  ['2.5.4.11', 'OrganizationalUnit'],
  ['2.5.4.7', 'Locality'],
  ['2.5.4.8', 'Province'],
  ['2.5.4.9', 'StreetAddress'],
  ['2.5.4.17', 'PostalCode'],
]);
const UNUSED_FIELDS = [
  'ExtraExtensions',
  'UnhandledCriticalExtensions',
  'UnknownExtKeyUsage',
  'PermittedDNSDomains',
  'ExcludedDNSDomains',
  'PermittedIPRanges',
  'ExcludedIPRanges',
  'PermittedEmailAddresses',
  'ExcludedEmailAddresses',
  'PermittedURIDomains',
  'ExcludedURIDomains',
];

/** Every certificate of a concatenation. @throws BuiltinError */
export function parseCertificates(bytes: Uint8Array): readonly Certificate[] {
  let nodes: readonly DerNode[];
  try {
    nodes = readDer(bytes);
    return nodes.map(parseCertificate);
  } catch (error) {
    if (error instanceof BuiltinError) throw new BuiltinError('x509: malformed certificate');
    throw error;
  }
}

function parseCertificate(node: DerNode): Certificate {
  const [body, algorithm, signature] = children(expectTag(node, TAG.sequence));
  const parts = [...children(expectTag(body, TAG.sequence))];
  const version = parts[0]?.tag === 0xa0 ? Number(readInteger(children(parts.shift())[0])) + 1 : 1;
  const [serial, , issuer, validity, subject, keyInfo, ...optional] = parts;
  const [from, to] = children(validity);
  const [notBefore, notAfter] = [readTime(from), readTime(to)];
  const extensions = readExtensions(optional.find(({ tag }) => tag === 0xa3));
  const meaning = readMeaning(extensions);
  const json = emptyObject();
  json.Raw = base64(node.raw);
  json.RawTBSCertificate = base64(body?.raw);
  json.RawSubjectPublicKeyInfo = base64(keyInfo?.raw);
  json.RawSubject = base64(subject?.raw);
  json.RawIssuer = base64(issuer?.raw);
  json.Signature = base64(readBits(signature));
  json.SignatureAlgorithm = SIGNATURES.get(oidText(children(algorithm)[0])) ?? 0;
  Object.assign(json, publicKeyFields(keyInfo));
  json.Version = version;
  json.SerialNumber = numberFromInteger(readInteger(serial));
  json.Issuer = nameJson(issuer);
  json.Subject = nameJson(subject);
  json.NotBefore = notBefore;
  json.NotAfter = notAfter;
  json.Extensions = extensions.map(extensionJson);
  for (const field of UNUSED_FIELDS) json[field] = null;
  json.PermittedDNSDomainsCritical = false;
  Object.assign(json, meaning.json);
  return {
    der: node.raw,
    subject: base64(subject?.raw) as string,
    issuer: base64(issuer?.raw) as string,
    notBefore: Date.parse(notBefore),
    notAfter: Date.parse(notAfter),
    isAuthority: meaning.json.IsCA === true,
    pathLength: meaning.pathLength,
    usages: meaning.usages,
    dnsNames: meaning.dnsNames,
    json,
  };
}

/** A PKCS #10 certification request (RFC 2986). @throws BuiltinError */
export function parseCertificateRequest(bytes: Uint8Array): Value {
  const [node, ...rest] = readDer(bytes);
  if (rest.length > 0) throw malformed();
  const [body, algorithm, signature] = children(expectTag(node, TAG.sequence));
  const [version, subject, keyInfo, attributes] = children(expectTag(body, TAG.sequence));
  const extensions = requestedExtensions(attributes);
  const { json: meaning } = readMeaning(extensions);
  const json = emptyObject();
  json.Raw = base64(node?.raw);
  json.RawTBSCertificateRequest = base64(body?.raw);
  json.RawSubjectPublicKeyInfo = base64(keyInfo?.raw);
  json.RawSubject = base64(subject?.raw);
  json.Version = numberFromInteger(readInteger(version));
  json.Signature = base64(readBits(signature));
  json.SignatureAlgorithm = SIGNATURES.get(oidText(children(algorithm)[0])) ?? 0;
  Object.assign(json, publicKeyFields(keyInfo));
  json.Subject = nameJson(subject);
  json.Attributes = null;
  json.Extensions = extensions.length === 0 ? null : extensions.map(extensionJson);
  json.ExtraExtensions = null;
  for (const field of ['DNSNames', 'EmailAddresses', 'IPAddresses', 'URIs']) json[field] = meaning[field] ?? null;
  return json;
}

function requestedExtensions(attributes: DerNode | undefined): readonly Extension[] {
  if (attributes?.tag !== 0xa0) return [];
  for (const attribute of children(attributes)) {
    const [type, values] = children(attribute);
    if (oidText(type) === '1.2.840.113549.1.9.14') return readExtensionList(children(values)[0]);
  }
  return [];
}

interface Extension {
  readonly id: readonly number[];
  readonly critical: boolean;
  readonly value: Uint8Array;
}

function readExtensions(wrapper: DerNode | undefined): readonly Extension[] {
  return wrapper === undefined ? [] : readExtensionList(children(wrapper)[0]);
}

function readExtensionList(list: DerNode | undefined): readonly Extension[] {
  return children(list).map((node) => {
    const [id, ...rest] = children(node);
    const critical = rest[0]?.tag === TAG.boolean && rest[0].content[0] !== 0;
    return { id: readOid(id), critical, value: expectTag(rest.at(-1), TAG.octetString).content };
  });
}

function extensionJson({ id, critical, value }: Extension): Value {
  return { Id: [...id], Critical: critical, Value: base64(value) };
}

interface Meaning {
  readonly json: Record<string, Value>;
  readonly pathLength: number | undefined;
  readonly usages: readonly number[] | undefined;
  readonly dnsNames: readonly string[];
}

/** What the known extensions say (RFC 5280 section 4.2). */
function readMeaning(extensions: readonly Extension[]): Meaning {
  const find = (arc: number): readonly DerNode[] | undefined => {
    const found = extensions.find(({ id }) => id.join('.') === `2.5.29.${arc}`);
    return found === undefined ? undefined : readDer(found.value);
  };
  const constraints = find(19);
  const [authority, length] = constraints === undefined ? [] : splitConstraints(children(constraints[0]));
  const usages = find(37)?.flatMap(children).map(oidText);
  const known = usages?.flatMap((oid) => USAGES.get(oid) ?? []);
  const alternatives = readAlternatives(find(17)?.flatMap(children) ?? []);
  const keyId = find(35)
    ?.flatMap(children)
    .find(({ tag }) => tag === 0x80);
  const json = emptyObject();
  json.KeyUsage = keyUsage(find(15)?.[0]);
  json.ExtKeyUsage = known === undefined || known.length === 0 ? null : known;
  json.BasicConstraintsValid = constraints !== undefined;
  json.IsCA = authority === true;
  json.MaxPathLen = constraints === undefined ? 0 : (length ?? -1);
  json.MaxPathLenZero = constraints !== undefined && length === 0;
  json.SubjectKeyId = base64(find(14)?.[0]?.content);
  json.AuthorityKeyId = base64(keyId?.content);
  Object.assign(json, readAccess(extensions), alternatives);
  json.CRLDistributionPoints = listOrNull(distributionPoints(find(31)?.flatMap(children) ?? []));
  json.PolicyIdentifiers = listOrNull(
    (find(32)?.flatMap(children) ?? []).map((policy) => [...readOid(children(policy)[0])]),
  );
  json.Policies = listOrNull(
    (json.PolicyIdentifiers as readonly (readonly number[])[] | null)?.map((oid) => oid.join('.')) ?? [],
  );
  // Constraints of policies are not read: they say nothing here.
  Object.assign(json, {
    PolicyMappings: null,
    InhibitAnyPolicy: 0,
    InhibitAnyPolicyZero: false,
    InhibitPolicyMapping: 0,
    InhibitPolicyMappingZero: false,
    RequireExplicitPolicy: 0,
    RequireExplicitPolicyZero: false,
  });
  return { json, pathLength: length, usages: known, dnsNames: (alternatives.DNSNames ?? []) as readonly string[] };
}

function splitConstraints(parts: readonly DerNode[]): readonly [boolean, number | undefined] {
  const authority = parts[0]?.tag === TAG.boolean && parts[0].content[0] !== 0;
  const length = parts.find(({ tag }) => tag === TAG.integer);
  return [authority, length === undefined ? undefined : Number(readInteger(length))];
}

function keyUsage(bits: DerNode | undefined): number {
  if (bits === undefined) return 0;
  let usage = 0;
  for (const [octet, byte] of readBits(bits).entries()) {
    for (let bit = 0; bit < 8; bit += 1) if ((byte & (0x80 >> bit)) !== 0) usage |= 1 << (octet * 8 + bit);
  }
  return usage;
}

function readAlternatives(names: readonly DerNode[]): Record<string, Value> {
  const text = (tag: number): readonly string[] =>
    names.filter((name) => name.tag === tag).map(({ content }) => fromBytes(content));
  const addresses = names.filter(({ tag }) => tag === 0x87).map(({ content }) => ipText(content));
  const uris = text(0x86);
  return {
    DNSNames: listOrNull(text(0x82)),
    EmailAddresses: listOrNull(text(0x81)),
    IPAddresses: listOrNull(addresses),
    URIs: listOrNull(uris.map(uriParts)),
    URIStrings: listOrNull(uris),
  };
}

function ipText(content: Uint8Array): string {
  if (content.length !== 4 && content.length !== 16) throw malformed();
  return addressText({ bits: content.length === 4 ? 32 : 128, value: unsigned(content) });
}

/** Authority information access: where to ask for status, where to fetch the issuer. */
function readAccess(extensions: readonly Extension[]): Record<string, Value> {
  const found = extensions.find(({ id }) => id.join('.') === '1.3.6.1.5.5.7.1.1');
  const entries = found === undefined ? [] : readDer(found.value).flatMap(children).map(children);
  const urls = (method: string): Value =>
    listOrNull(
      entries.flatMap(([type, place]) =>
        oidText(type) === method && place?.tag === 0x86 ? [fromBytes(place.content)] : [],
      ),
    );
  return { OCSPServer: urls('1.3.6.1.5.5.7.48.1'), IssuingCertificateURL: urls('1.3.6.1.5.5.7.48.2') };
}

function distributionPoints(points: readonly DerNode[]): readonly string[] {
  const inside = (nodes: readonly DerNode[], tag: number): readonly DerNode[] =>
    nodes.filter((node) => node.tag === tag).flatMap(children);
  const names = inside(inside(points.flatMap(children), 0xa0), 0xa0);
  return names.filter(({ tag }) => tag === 0x86).map(({ content }) => fromBytes(content));
}

function publicKeyFields(info: DerNode | undefined): Record<string, Value> {
  const [algorithm, key] = children(expectTag(info, TAG.sequence));
  const bits = readBits(key);
  switch (oidText(children(algorithm)[0])) {
    case '1.2.840.113549.1.1.1': {
      const [modulus, exponent] = children(readDer(bits)[0]);
      const PublicKey = { N: numberFromInteger(readInteger(modulus)), E: numberFromInteger(readInteger(exponent)) };
      return { PublicKeyAlgorithm: 1, PublicKey };
    }
    case '1.2.840.10045.2.1': {
      const size = (bits.length - 1) / 2;
      if (bits[0] !== 4 || !Number.isInteger(size)) throw malformed();
      const [x, y] = [unsigned(bits.subarray(1, 1 + size)), unsigned(bits.subarray(1 + size))];
      return { PublicKeyAlgorithm: 3, PublicKey: { Curve: {}, X: numberFromInteger(x), Y: numberFromInteger(y) } };
    }
    case '1.3.101.112':
      return { PublicKeyAlgorithm: 4, PublicKey: base64(bits) };
    default:
      return { PublicKeyAlgorithm: 0, PublicKey: null };
  }
}

/** Go's pkix.Name. */
function nameJson(name: DerNode | undefined): Value {
  const json = emptyObject();
  for (const field of NAME_FIELDS.values()) json[field] = null;
  json.SerialNumber = '';
  json.CommonName = '';
  json.ExtraNames = null;
  const attributes = children(expectTag(name, TAG.sequence)).flatMap(children).map(children);
  const names = attributes.map(([type, value]) => ({ oid: readOid(type), value: attributeText(value) }));
  for (const { oid, value } of names) {
    const field = NAME_FIELDS.get(oid.join('.'));
    if (field !== undefined) json[field] = [...((json[field] ?? []) as readonly Value[]), value];
    if (oid.join('.') === '2.5.4.5') json.SerialNumber = value;
    if (oid.join('.') === '2.5.4.3') json.CommonName = value;
  }
  json.Names = listOrNull(names.map(({ oid, value }) => ({ Type: [...oid], Value: value })));
  return json;
}

function attributeText(node: DerNode | undefined): string {
  if (node === undefined) throw malformed();
  // BMPString is UTF-16, big endian.
  return node.tag === 0x1e ? new TextDecoder('utf-16be').decode(node.content) : fromBytes(node.content);
}

function oidText(node: DerNode | undefined): string {
  return readOid(node).join('.');
}

function listOrNull(list: readonly Value[]): Value {
  return list.length === 0 ? null : list;
}

function base64(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : encodeBase64(bytes, 'base64');
}
