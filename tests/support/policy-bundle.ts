/** Packs and signs OPA bundles: right ones and wrong ones. */
import { createHash, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { writeTar } from './tar-writer.ts';

/** Contents by path. */
export type BundleFiles<T = string> = Readonly<Record<string, T>>;

type Content = string | Uint8Array;

export function packBundle(files: BundleFiles<Content>): Buffer {
  return gzipSync(writeTar(Object.entries(files).map(([name, content]) => ({ name: `/${name}`, content }))));
}

export interface BundleSigner {
  readonly publicPem: string;
  readonly privateKey: KeyObject;
}

/** A fresh key for ES256. */
export function createBundleSigner(): BundleSigner {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { publicPem: publicKey.export({ format: 'pem', type: 'spki' }), privateKey };
}

export interface SignOptions {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Makes the signature from the signing input, instead of the key. */
  readonly sign?: (input: Buffer) => Buffer;
}

/**
 * The files and their `.signatures.json`. Documents must be written as OPA signs them: keys sorted, no spaces.
 */
export function signFiles<T extends Content>(
  files: BundleFiles<T>,
  { privateKey }: BundleSigner,
  options: SignOptions = {},
): BundleFiles<T | string> {
  const header = { alg: 'ES256', kid: 'default', ...options.header };
  const input = `${encoded(header)}.${encoded({ files: digestsOf(files), ...options.claims })}`;
  const make =
    options.sign ?? ((bytes: Buffer) => sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
  const token = `${input}.${make(Buffer.from(input)).toString('base64url')}`;
  return { ...files, '.signatures.json': JSON.stringify({ signatures: [token] }) };
}

export function hmacWith(secret: string): (input: Buffer) => Buffer {
  return (input) => createHmac('sha256', secret).update(input).digest();
}

export function digestsOf(files: BundleFiles<Content>, algorithm = 'SHA-256') {
  return Object.entries(files).map(([name, content]) => ({
    name,
    hash: createHash(algorithm.replace('-', '').toLowerCase()).update(content).digest('hex'),
    algorithm,
  }));
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
