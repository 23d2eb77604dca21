/**
 * A certificate authority for tests that signs whatever it is asked to: two common names, NUL in a name, version 1,
 * RSA-1024, SHA-1. The certificates are built byte by byte, since no library agrees to make them.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import {
  bits,
  boolean,
  der,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  time,
  utf8,
} from '../../packages/sdk/src/x509/der-writer.ts';

export type TestKeyAlgorithm = 'p256' | 'p384' | 'p192' | 'ed25519' | 'rsa-1024' | 'rsa-2048';

/** One object for each RDN; an object with several attributes is one multi-valued RDN. */
type TestSubject = readonly Readonly<Record<string, string>>[];

export interface TestCertificateOptions {
  /** Default: the common name `client`. */
  readonly subject?: TestSubject;
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly emails?: readonly string[];
  readonly ips?: readonly string[];
  /** Values of otherName names, as user principal names. */
  readonly otherNames?: readonly string[];
  /** `clientAuth`, `serverAuth`, `any`; `null` leaves the extension out. Default: client authentication. */
  readonly eku?: readonly (keyof typeof EXTENDED_KEY_USAGES)[] | null;
  /** `null` leaves the extension out. Default: `digitalSignature`. */
  readonly keyUsage?: readonly (keyof typeof KEY_USAGE_BITS)[] | null;
  readonly ca?: boolean;
  /** How many authorities may stand below this one. Default: any number. */
  readonly pathLength?: number;
  /** Hosts in URI names, and DNS names, to which what is below is limited. */
  readonly permitted?: { readonly uriHosts?: readonly string[]; readonly dns?: readonly string[] };
  /** Version 1 has no extensions. */
  readonly version?: 1 | 3;
  /** Default: an hour ago. */
  readonly notBefore?: Date;
  /** Default: in a day. */
  readonly notAfter?: Date;
  /** Default: P-256. */
  readonly keyAlgorithm?: TestKeyAlgorithm;
  /** What the authority signs with. Default: SHA-256. */
  readonly hash?: 'sha1' | 'sha256';
  /** A key that exists already, for renewals. */
  readonly privateKey?: KeyObject;
}

export interface TestCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly der: Buffer;
  readonly privateKey: KeyObject;
  /** SHA-256 in base64url, as in `cnf.x5t#S256`. */
  readonly thumbprint: string;
}

export interface TestAuthority extends TestCertificate {
  /** What it issues brings the certificates of intermediate authorities along. */
  issue(options?: TestCertificateOptions): TestCertificate;
  /** PEM; by default current, and without an entry. */
  revocationList(options?: RevocationListOptions): string;
  /** An authority below this one; by default one that may issue anything. */
  intermediate(options?: TestCertificateOptions): TestAuthority;
}

export interface RevocationListOptions {
  readonly revoked?: readonly TestCertificate[];
  /** Default: an hour ago. */
  readonly thisUpdate?: Date;
  /** Default: in a day. */
  readonly nextUpdate?: Date;
}

const ATTRIBUTES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  C: '2.5.4.6',
  L: '2.5.4.7',
  O: '2.5.4.10',
  OU: '2.5.4.11',
};
const EXTENDED_KEY_USAGES = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  any: '2.5.29.37.0',
} as const;
const KEY_USAGE_BITS = {
  digitalSignature: 0,
  keyEncipherment: 2,
  keyAgreement: 4,
  keyCertSign: 5,
  cRLSign: 6,
} as const;
const USER_PRINCIPAL_NAME = '1.3.6.1.4.1.311.20.2.3';
const HOUR_MS = 3_600_000;

/** Makes an authority with a self-signed certificate; its name is its common name. */
export function createTestAuthority(
  name: string,
  { keyAlgorithm = 'p256' }: { readonly keyAlgorithm?: TestKeyAlgorithm } = {},
): TestAuthority {
  const privateKey = createKey(keyAlgorithm);
  const issuer: Issuer = { subject: [{ CN: name }], privateKey, chainPem: '' };
  const own = mint(
    {
      subject: issuer.subject,
      ca: true,
      eku: null,
      keyUsage: ['keyCertSign', 'cRLSign'],
      notAfter: new Date(Date.now() + 240 * HOUR_MS),
      privateKey,
    },
    issuer,
  );
  return authority(own, issuer);
}

interface Issuer {
  readonly subject: TestSubject;
  readonly privateKey: KeyObject;
  /** Its own certificate and those above, but for the root's. */
  readonly chainPem: string;
}

function authority(own: TestCertificate, issuer: Issuer): TestAuthority {
  return {
    ...own,
    issue: (options = {}) => mint(options, issuer),
    revocationList: (options = {}) => toPem(revocationList(options, issuer), 'X509 CRL'),
    intermediate: (options = {}) => {
      // Names of their own: one that seems to have issued itself does not count for a path length.
      const subject = options.subject ?? [{ CN: `intermediate ${randomBytes(4).toString('hex')}` }];
      const below = mint({ ca: true, eku: null, keyUsage: ['keyCertSign', 'cRLSign'], ...options, subject }, issuer);
      return authority(below, { subject, privateKey: below.privateKey, chainPem: below.certPem });
    },
  };
}

function mint(options: TestCertificateOptions, issuer: Issuer): TestCertificate {
  const privateKey = options.privateKey ?? createKey(options.keyAlgorithm ?? 'p256');
  const hash = options.hash ?? 'sha256';
  const algorithm = signatureAlgorithm(issuer.privateKey, hash);
  const body = sequence(
    ...(options.version === 1 ? [] : [explicit(0, integer(Buffer.from([2])))]),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    encodeName(issuer.subject),
    sequence(
      time(options.notBefore ?? new Date(Date.now() - HOUR_MS)),
      time(options.notAfter ?? new Date(Date.now() + 24 * HOUR_MS)),
    ),
    encodeName(options.subject ?? [{ CN: 'client' }]),
    publicKeyInfo(privateKey),
    ...(options.version === 1 ? [] : [explicit(3, sequence(...extensions(options, privateKey, issuer)))]),
  );
  const isEdwards = issuer.privateKey.asymmetricKeyType === 'ed25519';
  const encoded = sequence(body, algorithm, bits(sign(isEdwards ? null : hash, body, issuer.privateKey)));
  return {
    certPem: `${toPem(encoded)}${issuer.chainPem}`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    der: encoded,
    privateKey,
    thumbprint: createHash('sha256').update(encoded).digest('base64url'),
  };
}

/** RFC 5280 section 5.1. */
function revocationList({ revoked = [], thisUpdate, nextUpdate }: RevocationListOptions, issuer: Issuer): Buffer {
  const algorithm = signatureAlgorithm(issuer.privateKey, 'sha256');
  const since = time(new Date(Date.now() - HOUR_MS));
  const entries = revoked.map(({ der }) => {
    const serial = new X509Certificate(der).serialNumber;
    return sequence(integer(Buffer.from(serial.padStart(serial.length + (serial.length % 2), '0'), 'hex')), since);
  });
  const body = sequence(
    integer(Buffer.from([1])),
    algorithm,
    encodeName(issuer.subject),
    thisUpdate === undefined ? since : time(thisUpdate),
    time(nextUpdate ?? new Date(Date.now() + 24 * HOUR_MS)),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    explicit(
      0,
      sequence(
        extension('2.5.29.35', false, sequence(implicit(0, keyIdentifier(issuer.privateKey)))),
        extension('2.5.29.20', false, integer(Buffer.from([1]))),
      ),
    ),
  );
  const isEdwards = issuer.privateKey.asymmetricKeyType === 'ed25519';
  return sequence(body, algorithm, bits(sign(isEdwards ? null : 'sha256', body, issuer.privateKey)));
}

function extensions(options: TestCertificateOptions, privateKey: KeyObject, issuer: Issuer): Buffer[] {
  const { ca = false, eku = ['clientAuth'], keyUsage = ['digitalSignature'], pathLength, permitted } = options;
  const names = subjectAltNames(options);
  const limit = pathLength === undefined ? [] : [integer(Buffer.from([pathLength]))];
  return [
    extension('2.5.29.19', true, ca ? sequence(boolean(true), ...limit) : sequence()),
    ...(permitted === undefined ? [] : [extension('2.5.29.30', true, nameConstraints(permitted))]),
    extension('2.5.29.14', false, octets(keyIdentifier(privateKey))),
    extension('2.5.29.35', false, sequence(implicit(0, keyIdentifier(issuer.privateKey)))),
    ...(keyUsage === null ? [] : [extension('2.5.29.15', true, encodeKeyUsage(keyUsage))]),
    ...(eku === null
      ? []
      : [extension('2.5.29.37', false, sequence(...eku.map((use) => oid(EXTENDED_KEY_USAGES[use]))))]),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', false, sequence(...names))]),
  ];
}

/** RFC 5280 section 4.2.1.10, permitted subtrees only. */
function nameConstraints({ uriHosts = [], dns = [] }: NonNullable<TestCertificateOptions['permitted']>): Buffer {
  const bases = [...dns.map((name) => implicit(2, name)), ...uriHosts.map((host) => implicit(6, host))];
  return sequence(explicit(0, ...bases.map((base) => sequence(base))));
}

function subjectAltNames({
  uris = [],
  dns = [],
  emails = [],
  ips = [],
  otherNames = [],
}: TestCertificateOptions): Buffer[] {
  return [
    ...otherNames.map((name) => explicit(0, oid(USER_PRINCIPAL_NAME), explicit(0, utf8(name)))),
    ...emails.map((email) => implicit(1, email)),
    ...dns.map((name) => implicit(2, name)),
    ...uris.map((uri) => implicit(6, uri)),
    ...ips.map((ip) => implicit(7, Buffer.from(ip.split('.').map(Number)))),
  ];
}

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

function encodeKeyUsage(usages: readonly (keyof typeof KEY_USAGE_BITS)[]): Buffer {
  let byte = 0;
  for (const usage of usages) byte |= 0x80 >> KEY_USAGE_BITS[usage];
  const unused = byte === 0 ? 7 : Math.log2(byte & -byte);
  return bits(Buffer.from([byte]), unused);
}

function encodeName(subject: TestSubject): Buffer {
  const rdns = subject.map((rdn) =>
    set(
      ...Object.entries(rdn)
        .map(([type, value]) => sequence(oid(ATTRIBUTES[type] ?? type), utf8(value)))
        .sort((a, b) => a.compare(b)),
    ),
  );
  return sequence(...rdns);
}

function signatureAlgorithm(key: KeyObject, hash: 'sha1' | 'sha256'): Buffer {
  if (key.asymmetricKeyType === 'ed25519') return sequence(oid('1.3.101.112'));
  if (key.asymmetricKeyType === 'ec')
    return sequence(oid(hash === 'sha1' ? '1.2.840.10045.4.1' : '1.2.840.10045.4.3.2'));
  return sequence(oid(hash === 'sha1' ? '1.2.840.113549.1.1.5' : '1.2.840.113549.1.1.11'), der(0x05));
}

function createKey(algorithm: TestKeyAlgorithm): KeyObject {
  switch (algorithm) {
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'rsa-1024':
    case 'rsa-2048':
      return generateKeyPairSync('rsa', { modulusLength: algorithm === 'rsa-1024' ? 1024 : 2048 }).privateKey;
    default: {
      const curves = { p256: 'prime256v1', p384: 'secp384r1', p192: 'prime192v1' } as const;
      return generateKeyPairSync('ec', { namedCurve: curves[algorithm] }).privateKey;
    }
  }
}

const publicKeyInfo = (privateKey: KeyObject): Buffer =>
  createPublicKey(privateKey).export({ type: 'spki', format: 'der' });

const keyIdentifier = (privateKey: KeyObject): Buffer => createHash('sha1').update(publicKeyInfo(privateKey)).digest();

function toPem(encoded: Buffer, label: string = 'CERTIFICATE'): string {
  const lines = encoded.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
