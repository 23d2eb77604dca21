/**
 * Reads what somebody asks an authority to certify: PKCS#10 (RFC 2986 section 4), by the strict DER reader, and proves
 * that the asker has the key. What it asks for is reported, not judged.
 */
import { type KeyObject, verify } from 'node:crypto';
import { contentOf, contextTag, type DerElement, DerError, readDer, readFields, TAG } from './der.ts';
import { readInteger, readOid } from './der-values.ts';
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
import { EXTENSION_REQUEST } from './signing-request.ts';
import { readSubjectAltNames, type SubjectAltName } from './subject-alt-name.ts';

export interface CertificateSigningRequest {
  readonly subject: DistinguishedName;
  readonly publicKey: KeyObject;
  readonly subjectAltNames: readonly SubjectAltName[];
  readonly isAuthority: boolean;
  /** `undefined` when it asks for none. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Object identifiers; `undefined` when it asks for none. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** Object identifiers of the extensions that it asks for beside those above. */
  readonly otherExtensions: readonly string[];
}

/** The bytes are no request, or whoever made it does not have the key. */
export class SigningRequestRefused extends Error {
  override readonly name = 'SigningRequestRefused';
}

const MAX_REQUEST_BYTES = 16 * 1024;
const PEM = /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END \1CERTIFICATE REQUEST-----\s*$/;

/** Signature algorithm → the kind of key that makes it, and its hash; what is not here is weak or unknown. */
const SIGNATURES: ReadonlyMap<string, readonly [kind: string, hash: string | null]> = new Map([
  ['1.2.840.113549.1.1.11', ['rsa', 'sha256']],
  ['1.2.840.113549.1.1.12', ['rsa', 'sha384']],
  ['1.2.840.113549.1.1.13', ['rsa', 'sha512']],
  ['1.2.840.10045.4.3.2', ['ec', 'sha256']],
  ['1.2.840.10045.4.3.3', ['ec', 'sha384']],
  ['1.2.840.10045.4.3.4', ['ec', 'sha512']],
  ['1.3.101.112', ['ed25519', null]],
]);

const JUDGED: ReadonlySet<string> = new Set(Object.values(EXTENSION));

/**
 * Reads one PEM request. Fails closed: anything but exactly one well-formed request with a good self-signature is refused.
 *
 * @throws SigningRequestRefused
 */
export function readSigningRequest(pem: string): CertificateSigningRequest {
  const [, , base64] = (pem.length <= 2 * MAX_REQUEST_BYTES && PEM.exec(pem)) || [];
  if (base64 === undefined) throw new SigningRequestRefused('it is not one PEM block CERTIFICATE REQUEST');
  try {
    return readChecked(Buffer.from(base64, 'base64'));
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw new SigningRequestRefused(`it cannot be read: ${error.message}`, { cause: error });
  }
}

function readChecked(der: Buffer): CertificateSigningRequest {
  if (der.length > MAX_REQUEST_BYTES) throw new DerError(`it is larger than ${MAX_REQUEST_BYTES} bytes`);
  const [body, algorithm, signature, ...rest] = readFields(readDer(der), TAG.sequence, 'the request');
  if (body === undefined || algorithm === undefined || rest.length > 0) throw new DerError('it has not three parts');
  const [version, subject, spki, attributes, ...more] = readFields(body, TAG.sequence, 'the request body');
  if (readInteger(version, 'the version') !== '00') throw new DerError('its version is unknown');
  if (subject === undefined || spki === undefined || more.length > 0) throw new DerError('its body has other fields');
  const publicKey = readPublicKey(spki.encoded);
  const extensions = readExtensions(requestedExtensions(attributes));
  proveKey(publicKey, { body, algorithm, signature: contentOf(signature, TAG.bitString, 'the signature') });
  const asked = <T>(oid: string, read: (content: Buffer) => T): T | undefined => {
    const content = extensions.get(oid);
    return content === undefined ? undefined : read(content);
  };
  return {
    subject: readDistinguishedName(subject, 'the subject'),
    publicKey,
    subjectAltNames: asked(EXTENSION.subjectAltName, readSubjectAltNames) ?? [],
    isAuthority: asked(EXTENSION.basicConstraints, readIsAuthority) ?? false,
    keyUsage: asked(EXTENSION.keyUsage, readKeyUsage),
    extendedKeyUsage: asked(EXTENSION.extendedKeyUsage, readExtendedKeyUsage),
    otherExtensions: [...extensions.keys()].filter((oid) => !JUDGED.has(oid)),
  };
}

/** Of the attributes only this one says something about the certificate (RFC 2985 section 5.4.2). */
function requestedExtensions(attributes: DerElement | undefined): DerElement | undefined {
  if (attributes === undefined) return undefined;
  const found = readFields(attributes, contextTag(0, true), 'the attributes').flatMap((attribute) => {
    const [type, values, ...rest] = readFields(attribute, TAG.sequence, 'an attribute');
    if (values === undefined || rest.length > 0) throw new DerError('an attribute is malformed');
    return readOid(type, 'an attribute') === EXTENSION_REQUEST ? readFields(values, TAG.set, 'the extensions') : [];
  });
  if (found.length > 1) throw new DerError('it asks for extensions twice');
  return found[0];
}

interface Signed {
  readonly body: DerElement;
  readonly algorithm: DerElement;
  /** A BIT STRING's content. */
  readonly signature: Buffer;
}

function proveKey(key: KeyObject, { body, algorithm, signature }: Signed): void {
  const [oid] = readFields(algorithm, TAG.sequence, 'the signature algorithm');
  const [kind, hash] = SIGNATURES.get(readOid(oid, 'the signature algorithm')) ?? [];
  if (kind === undefined || kind !== key.asymmetricKeyType) {
    throw new SigningRequestRefused('it is signed with an algorithm that is weak, unknown or not of its key');
  }
  if (signature[0] !== 0 || !isSignedBy(key, hash ?? null, [body.encoded, signature.subarray(1)])) {
    throw new SigningRequestRefused('its signature is not made by the key that it is for');
  }
}

function isSignedBy(key: KeyObject, hash: string | null, [bytes, signature]: readonly [Buffer, Buffer]): boolean {
  try {
    return verify(hash, bytes, key, signature);
  } catch {
    return false;
  }
}
