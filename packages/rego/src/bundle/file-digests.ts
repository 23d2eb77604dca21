/** Compares the files of a bundle with the digests that were signed: every file, nothing missing, nothing changed. */
import { toBytes } from '../builtins/bytes.ts';
import { toHex } from '../builtins/encoding.ts';
import type { HashName, HostCrypto } from '../builtins/host.ts';
import { toPlainJson } from '../value/json.ts';
import { type BundleDiagnostic, BundleError } from './bundle-diagnostic.ts';
import { isDocument, readDocument } from './bundle-document.ts';
import { type FileDigest, SIGNATURES } from './signature.ts';

/** OPA's names; those that collide (MD5, SHA-1) sign nothing here. */
const HASHES: Readonly<Record<string, HashName>> = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };

/** @throws BundleError with every difference */
export function checkDigests(
  files: ReadonlyMap<string, Uint8Array>,
  digests: readonly FileDigest[],
  crypto: HostCrypto,
): void {
  const signed = new Map(digests.map((each) => [each.file, each]));
  const diagnostics: BundleDiagnostic[] = [];
  const wrong = (file: string, message: string, hint: string) => diagnostics.push({ file, message, hint });
  for (const [file, bytes] of files) {
    if (file === SIGNATURES) continue;
    const expected = signed.get(file);
    const hash = expected && Object.hasOwn(HASHES, expected.algorithm) ? HASHES[expected.algorithm] : undefined;
    if (expected === undefined) wrong(file, 'is not signed', 'sign the bundle with all its files');
    else if (hash === undefined) wrong(file, 'is signed by a weak or unknown digest', 'sign it with SHA-256');
    else if (toHex(crypto.hash(hash, signedBytes(file, bytes))) !== expected.digest.toLowerCase()) {
      wrong(file, 'is not what was signed', 'get the bundle from who signed it');
    }
    signed.delete(file);
  }
  for (const file of signed.keys()) wrong(file, 'is signed, but missing', 'get the bundle from who signed it');
  if (diagnostics.length > 0) throw new BundleError(diagnostics);
}

/** A document is signed as JSON with sorted keys and no spaces, so that its layout does not matter. */
function signedBytes(file: string, bytes: Uint8Array): Uint8Array {
  return isDocument(file) ? toBytes(toPlainJson(readDocument(file, bytes))) : bytes;
}
