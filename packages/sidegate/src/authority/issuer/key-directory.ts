/**
 * Where a realm's signing keys come from: a directory that keeps them over restarts, or memory. A directory holds
 * one PKCS #8 file per realm and algorithm and is filled on the first start.
 */
import { createPrivateKey, KeyObject } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { newPrivateKey } from '../keys/key-custody.ts';
import type { Finding } from './finding.ts';
import { type Algorithms, type KeyRing, type SignatureAlgorithm, type SigningKey, signingKey } from './signing-key.ts';

export interface LoadedKeys {
  /** Complete only when there is no finding. */
  readonly keys: KeyRing;
  readonly findings: readonly Finding[];
}

const RSA_BITS = 2048;

export async function loadSigningKeys(
  realm: string,
  algorithms: Algorithms,
  directory: string | undefined,
): Promise<LoadedKeys> {
  const loaded = await Promise.all(
    algorithms.map(async (algorithm) => {
      if (directory === undefined) return { algorithm, file: '', key: await newPrivateKey(algorithm) };
      const file = path.join(directory, `${realm}.${algorithm.toLowerCase()}.pem`);
      return { algorithm, file, key: await readOrCreate(file, algorithm) };
    }),
  );
  const keys = new Map<SignatureAlgorithm, SigningKey>();
  const findings: Finding[] = [];
  for (const { algorithm, file, key } of loaded) {
    if (key instanceof KeyObject) keys.set(algorithm, signingKey(algorithm, key));
    else findings.push({ where: { file }, severity: 'error', message: key });
  }
  const published = [...keys.values()].map(({ publicJwk }) => publicJwk);
  return { keys: { current: (algorithm) => keys.get(algorithm), published: () => published }, findings };
}

/** The key, or what is wrong with its file. */
async function readOrCreate(file: string, algorithm: SignatureAlgorithm): Promise<KeyObject | string> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) return 'is a private key that others can read; run chmod 600 on it';
    const key = parse(await readFile(file, 'utf8'));
    return key !== undefined && fits(key, algorithm)
      ? key
      : `is not a private key for ${algorithm}; remove it and a new one is made`;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' ? await create(file, algorithm) : `cannot be read (${String(code)})`;
  }
}

async function create(file: string, algorithm: SignatureAlgorithm): Promise<KeyObject | string> {
  const key = await newPrivateKey(algorithm);
  try {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    // never over a file that appeared meanwhile: two processes must not sign with different keys under one name
    await using handle = await open(file, 'wx', 0o600);
    await handle.writeFile(key.export({ type: 'pkcs8', format: 'pem' }));
    return key;
  } catch (error) {
    return `cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'})`;
  }
}

function parse(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function fits(key: KeyObject, algorithm: SignatureAlgorithm): boolean {
  const details = key.asymmetricKeyDetails;
  return algorithm === 'RS256'
    ? key.asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= RSA_BITS
    : key.asymmetricKeyType === 'ec' && details?.namedCurve === 'prime256v1';
}
