/**
 * A certificate and its key on disk: `<path>.crt` (0644) and `<path>.key` (0600). Each file appears whole or not
 * at all; the key is written first, so a run that ends in between leaves a pair that does not match and is remade.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, join } from 'node:path';
import { Problem, readCertificate } from '@sidegate/sdk';
import type { StoredCertificate } from './certificate-findings.ts';
import { fileErrorCode } from './file-error.ts';
import { type Finding, PkiRefused } from './finding.ts';
import { privateKeyPem } from './key-algorithm.ts';

/** What was found on disk. A file that is absent is no finding here: who needs it says so. */
export interface StoredPair {
  readonly certificate: StoredCertificate | undefined;
  readonly privateKey: KeyObject | undefined;
  readonly findings: readonly Finding[];
}

const MAX_FILE_BYTES = 64 * 1024;
const GROUP_AND_OTHERS = 0o077;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Reads what is there; what cannot be read, or cannot be trusted as it lies there, is a finding. */
export async function readPair(directory: string, path: string): Promise<StoredPair> {
  const findings: Finding[] = [];
  const [certificateFile, keyFile] = await Promise.all([
    readBounded(directory, `${path}.crt`, findings),
    readBounded(directory, `${path}.key`, findings),
  ]);
  const certificate = certificateFile && parseCertificate(certificateFile, findings);
  const privateKey = keyFile && parseKey(keyFile, findings);
  if (certificate && privateKey && !certificate.certificate.checkPrivateKey(privateKey)) {
    findings.push({ file: `${path}.key`, code: 'key_mismatch', message: `is not the key of ${path}.crt` });
  }
  return { certificate, privateKey, findings };
}

/**
 * Writes both files, each atomically, and makes their folder.
 *
 * @throws {PkiRefused} when the file system does not let it.
 */
export async function writePair(
  directory: string,
  path: string,
  pair: { readonly certificate: X509Certificate; readonly privateKey: KeyObject },
): Promise<void> {
  try {
    await mkdir(dirname(join(directory, path)), { recursive: true, mode: 0o700 });
    await writeAtomically(join(directory, `${path}.key`), privateKeyPem(pair.privateKey), 0o600);
    await writeAtomically(join(directory, `${path}.crt`), pair.certificate.toString(), 0o644);
  } catch (error) {
    const message = `cannot be written (${fileErrorCode(error)})`;
    throw new PkiRefused([{ file: `${path}.crt`, code: 'unwritable', message }]);
  }
}

interface FileContent {
  readonly file: string;
  readonly text: string;
  readonly mode: number;
}

function parseCertificate({ file, text }: FileContent, findings: Finding[]): StoredCertificate | undefined {
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  const [only] = blocks;
  if (only === undefined || blocks.length > 1) {
    findings.push({ file, code: 'unreadable', message: `holds ${blocks.length} PEM certificates instead of one` });
    return undefined;
  }
  try {
    const certificate = new X509Certificate(only);
    return { file, certificate, facts: readCertificate(certificate.raw) };
  } catch (error) {
    const reason = error instanceof Problem ? error.message : 'it is damaged';
    findings.push({ file, code: 'unreadable', message: `holds no usable certificate: ${reason}` });
    return undefined;
  }
}

function parseKey({ file, text, mode }: FileContent, findings: Finding[]): KeyObject | undefined {
  if ((mode & GROUP_AND_OTHERS) !== 0 && platform() !== 'win32') {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    const message = `can be read by others (mode ${shown}): chmod 600, and renew it if others use this machine`;
    findings.push({ file, code: 'key_mode', message });
  }
  try {
    return createPrivateKey(text);
  } catch {
    // The parser's own error may quote its input, so it goes no further.
    findings.push({ file, code: 'unreadable', message: 'is not an unencrypted PEM private key' });
    return undefined;
  }
}

async function readBounded(directory: string, file: string, findings: Finding[]): Promise<FileContent | undefined> {
  try {
    await using handle = await open(join(directory, file));
    const { size, mode } = await handle.stat();
    if (size <= MAX_FILE_BYTES) return { file, text: await handle.readFile('utf8'), mode };
    findings.push({ file, code: 'unreadable', message: `is larger than ${MAX_FILE_BYTES} bytes` });
  } catch (error) {
    const code = fileErrorCode(error);
    if (code !== 'ENOENT') findings.push({ file, code: 'unreadable', message: `cannot be read (${code})` });
  }
  return undefined;
}

async function writeAtomically(file: string, text: string, mode: number): Promise<void> {
  // Always the same name: what an interrupted run leaves is replaced by the run that completes it.
  const temporary = `${file}.tmp`;
  await rm(temporary, { force: true });
  await writeFile(temporary, text, { mode, flag: 'wx', flush: true });
  await rename(temporary, file);
}
