/** Asks an authority for a certificate: PKCS#10 (RFC 2986), signed by the key that it is for. */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { bits, explicit, implicit, integer, octets, oid, sequence, set, utf8 } from './der-writer.ts';
import { EXTENSION } from './extensions.ts';

export interface RequestedNames {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly spiffeId?: string;
}

export const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const COMMON_NAME = '2.5.4.3';

/**
 * Makes a request in PEM.
 *
 * @param privateKey P-256, Ed25519 or RSA
 */
export function createSigningRequest(names: RequestedNames, privateKey: KeyObject): string {
  const body = sequence(
    integer(Buffer.from([0])),
    sequence(set(sequence(oid(COMMON_NAME), utf8(names.commonName)))),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    explicit(0, ...attributes(names)),
  );
  const { algorithm, hash } = SIGNATURES[privateKey.asymmetricKeyType ?? ''] ?? unknownKey(privateKey);
  const request = sequence(body, algorithm, bits(sign(hash, body, privateKey)));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join('\n');
}

const SIGNATURES: Readonly<Record<string, { readonly algorithm: Buffer; readonly hash: string | null }>> = {
  ec: { algorithm: sequence(oid('1.2.840.10045.4.3.2')), hash: 'sha256' },
  ed25519: { algorithm: sequence(oid('1.3.101.112')), hash: null },
  rsa: { algorithm: sequence(oid('1.2.840.113549.1.1.11'), Buffer.from([0x05, 0])), hash: 'sha256' },
};

function unknownKey({ asymmetricKeyType }: KeyObject): never {
  throw new TypeError(`a key of the kind ${asymmetricKeyType ?? 'unknown'} signs no requests`);
}

function attributes({ dnsNames = [], spiffeId }: RequestedNames): Buffer[] {
  const names = [
    ...dnsNames.map((name) => implicit(2, name)),
    ...(spiffeId === undefined ? [] : [implicit(6, spiffeId)]),
  ];
  if (names.length === 0) return [];
  const extensions = sequence(sequence(oid(EXTENSION.subjectAltName), octets(sequence(...names))));
  return [sequence(oid(EXTENSION_REQUEST), set(extensions))];
}
