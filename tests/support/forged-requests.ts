/** Signing requests that no honest program makes: other names, extensions, keys and signatures, byte by byte. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  bits,
  boolean,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  utf8,
} from '../../packages/sdk/src/x509/der-writer.ts';

export interface ForgedRequest {
  readonly commonNames?: readonly string[];
  readonly dns?: readonly string[];
  readonly uris?: readonly string[];
  readonly emails?: readonly string[];
  readonly ips?: readonly (readonly number[])[];
  readonly authority?: boolean;
  /** Bits of keyUsage's first byte. */
  readonly keyUsage?: number;
  /** Object identifiers. */
  readonly extendedKeyUsage?: readonly string[];
  /** Another extension, by its object identifier. */
  readonly extension?: string;
  readonly extensionsTwice?: boolean;
  readonly privateKey?: KeyObject;
  /** Default: its own key. */
  readonly signedBy?: KeyObject;
  readonly hash?: 'sha1' | 'sha256' | null;
  /** Object identifier of the signature's algorithm. */
  readonly algorithm?: string;
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  'ec sha256': '1.2.840.10045.4.3.2',
  'ec sha1': '1.2.840.10045.4.1',
  'rsa sha256': '1.2.840.113549.1.1.11',
  'rsa sha1': '1.2.840.113549.1.1.5',
  'dsa sha256': '2.16.840.1.101.3.4.3.2',
};

/** A request in PEM; without changes a good one for the service `order-service`. */
export function forgeRequest(forged: ForgedRequest = {}): string {
  const privateKey = forged.privateKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const hash = forged.hash === undefined ? 'sha256' : forged.hash;
  const extensions = extensionsOf(forged);
  const attribute = sequence(oid('1.2.840.113549.1.9.14'), set(sequence(...extensions)));
  const names = (forged.commonNames ?? ['order-service']).map((name) => set(sequence(oid('2.5.4.3'), utf8(name))));
  const body = sequence(
    integer(Buffer.from([0])),
    sequence(...names),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    explicit(0, ...(extensions.length === 0 ? [] : [attribute]), ...(forged.extensionsTwice ? [attribute] : [])),
  );
  const signer = forged.signedBy ?? privateKey;
  const algorithm = forged.algorithm ?? ALGORITHMS[`${signer.asymmetricKeyType} ${hash}`] ?? '1.3.101.112';
  const request = sequence(body, sequence(oid(algorithm)), bits(sign(hash, body, signer)));
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join('\n');
}

function extensionsOf({ dns = [], uris = [], emails = [], ips = [], ...forged }: ForgedRequest): Buffer[] {
  const names = [
    ...emails.map((name) => implicit(1, name)),
    ...dns.map((name) => implicit(2, name)),
    ...uris.map((name) => implicit(6, name)),
    ...ips.map((address) => implicit(7, Buffer.from(address))),
  ];
  const { extendedKeyUsage: purposes } = forged;
  const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), octets(value));
  return [
    ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]),
    ...(forged.authority ? [extension('2.5.29.19', sequence(boolean(true)))] : []),
    ...(forged.keyUsage === undefined ? [] : [extension('2.5.29.15', bits(Buffer.from([forged.keyUsage])))]),
    ...(purposes === undefined ? [] : [extension('2.5.29.37', sequence(...purposes.map(oid)))]),
    ...(forged.extension === undefined ? [] : [extension(forged.extension, sequence())]),
  ];
}
