/**
 * What a certificate says, exactly (RFC 5280 section 4.1). Node's X509Certificate prints names as strings and does
 * not tell an absent extension from an empty one, so this reads the DER itself; verifying the chain stays with TLS.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { Problem } from '../problem.ts';
import { contentOf, contextTag, type DerElement, DerError, readDer, readFields, TAG } from './der.ts';
import { readInteger, readOid, readTime } from './der-values.ts';
import { type DistinguishedName, readDistinguishedName } from './distinguished-name.ts';
import {
  EXTENSION,
  type KeyUsage,
  readExtendedKeyUsage,
  readExtensions,
  readIsAuthority,
  readKeyUsage,
  readPublicKey,
} from './extensions.ts';
import { readSubjectAltNames, type SubjectAltName } from './subject-alt-name.ts';

/** A certificate as read; nothing in it is judged yet. */
export interface Certificate {
  readonly version: 1 | 2 | 3;
  /** Lower-case hexadecimal, two's complement. */
  readonly serialNumber: string;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  readonly subjectAltNames: readonly SubjectAltName[];
  /** Object identifiers; `undefined` when the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** `undefined` when the extension is absent. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  readonly isAuthority: boolean;
  readonly publicKey: KeyObject;
  /** Object identifier of the algorithm that signed it. */
  readonly signatureAlgorithm: string;
  /** DER of that algorithm's parameters, if any: RSASSA-PSS names its hash there. */
  readonly signatureParameters: Buffer | undefined;
  /** SHA-256 of the DER in base64url: `x5t#S256` of RFC 8705. */
  readonly thumbprint: string;
}

const MAX_CERTIFICATE_BYTES = 64 * 1024;

/**
 * Reads one certificate. Fails closed: bytes that are not exactly one well-formed certificate are refused.
 *
 * @throws Problem `peer_identity_invalid`
 */
export function readCertificate(der: Buffer): Certificate {
  try {
    return readChecked(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new Problem('peer_identity_invalid', `the certificate cannot be read: ${error.message}`, { cause: error });
  }
}

function readChecked(der: Buffer): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw new DerError(`it is larger than ${MAX_CERTIFICATE_BYTES} bytes`);
  const [body, algorithm, signature, ...rest] = readFields(readDer(der), TAG.sequence, 'the certificate');
  if (body === undefined || rest.length > 0) throw new DerError('it does not have three parts');
  contentOf(signature, TAG.bitString, 'the signature');
  const fields = readBody(body);
  if (algorithm === undefined || !algorithm.encoded.equals(fields.algorithm.encoded)) {
    throw new DerError('it names two signature algorithms');
  }
  const [oid, parameters] = readFields(algorithm, TAG.sequence, 'the signature algorithm');
  const [notBefore, notAfter, ...later] = readFields(fields.validity, TAG.sequence, 'the validity');
  if (later.length > 0) throw new DerError('the validity has more than two times');
  const extensions = readExtensions(fields.extensions && readDer(fields.extensions.content));

  return {
    version: fields.version,
    serialNumber: readInteger(fields.serialNumber, 'the serial number'),
    issuer: readDistinguishedName(fields.issuer, 'the issuer'),
    subject: readDistinguishedName(fields.subject, 'the subject'),
    notBefore: readTime(notBefore, 'notBefore'),
    notAfter: readTime(notAfter, 'notAfter'),
    subjectAltNames: mapDefined(extensions.get(EXTENSION.subjectAltName), readSubjectAltNames) ?? [],
    extendedKeyUsage: mapDefined(extensions.get(EXTENSION.extendedKeyUsage), readExtendedKeyUsage),
    keyUsage: mapDefined(extensions.get(EXTENSION.keyUsage), readKeyUsage),
    isAuthority: mapDefined(extensions.get(EXTENSION.basicConstraints), readIsAuthority) ?? false,
    publicKey: readPublicKey(fields.publicKey.encoded),
    signatureAlgorithm: readOid(oid, 'the signature algorithm'),
    signatureParameters: parameters?.encoded,
    thumbprint: createHash('sha256').update(der).digest('base64url'),
  };
}

interface Body {
  readonly version: 1 | 2 | 3;
  readonly serialNumber: DerElement;
  readonly algorithm: DerElement;
  readonly issuer: DerElement;
  readonly validity: DerElement;
  readonly subject: DerElement;
  readonly publicKey: DerElement;
  readonly extensions: DerElement | undefined;
}

/** TBSCertificate: seven fields, an optional version before them, optional unique identifiers and extensions after. */
function readBody(element: DerElement): Body {
  const fields = readFields(element, TAG.sequence, 'the certificate body');
  const version = fields[0]?.tag === contextTag(0, true) ? readVersion(fields.shift()) : 1;
  const [serialNumber, algorithm, issuer, validity, subject, publicKey, ...optional] = fields;
  if (!serialNumber || !algorithm || !issuer || !validity || !subject || !publicKey) {
    throw new DerError('a field of the certificate body is missing');
  }
  // Unique identifiers are a relic that no service certificate has (RFC 5280 section 4.1.2.8): only extensions may follow.
  const [extensions, ...rest] = optional;
  if (rest.length > 0 || (extensions !== undefined && extensions.tag !== contextTag(3, true))) {
    throw new DerError('the certificate body has unexpected fields');
  }
  if (extensions !== undefined && version !== 3) throw new DerError('only version 3 has extensions');
  return { version, serialNumber, algorithm, issuer, validity, subject, publicKey, extensions };
}

function readVersion(element: DerElement | undefined): 2 | 3 {
  const number = readInteger(readDer(contentOf(element, contextTag(0, true), 'the version')), 'the version');
  if (number === '01') return 2;
  if (number === '02') return 3;
  throw new DerError('the version is unknown');
}

function mapDefined<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}
