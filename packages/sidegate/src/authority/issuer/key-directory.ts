/**
 * Where a realm's signing keys come from: a directory that keeps them over restarts, or memory. A directory holds
 * one PKCS #8 file per realm and algorithm and is filled on the first start.
 */
import { createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { mkdir, open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Algorithms, type SignatureAlgorithm, type SigningKeys, signingKey } from './signing-key.ts';

const RSA_BITS = 2048;

const generate = promisify(generateKeyPair);

/** @throws Error that names the file and what is wrong with it. */
export async function loadSigningKeys(
  realm: string,
  algorithms: Algorithms,
  directory: string | undefined,
): Promise<SigningKeys> {
  if (directory !== undefined) await mkdir(directory, { recursive: true, mode: 0o700 });
  const load = async (algorithm: SignatureAlgorithm) => {
    const file = directory && path.join(directory, `${realm}.${algorithm.toLowerCase()}.pem`);
    const privateKey = file ? await readOrCreate(file, algorithm) : await newKey(algorithm);
    return [algorithm, signingKey(algorithm, privateKey)] as const;
  };
  return new Map(await Promise.all(algorithms.map(load)));
}

async function readOrCreate(file: string, algorithm: SignatureAlgorithm): Promise<KeyObject> {
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${file} cannot be read (${error.code ?? 'unknown error'})`, { cause: error });
  });
  if (pem === undefined) return await create(file, algorithm);
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) throw new Error(`${file} can be read by others; run chmod 600 on it`);
  const key = parse(pem);
  if (key === undefined || !fits(key, algorithm)) {
    throw new Error(`${file} is not a private key for ${algorithm}; remove it and a new one is made`);
  }
  return key;
}

async function create(file: string, algorithm: SignatureAlgorithm): Promise<KeyObject> {
  const key = await newKey(algorithm);
  // never over a file that appeared meanwhile: two processes must not sign with different keys under one name
  await using handle = await open(file, 'wx', 0o600);
  await handle.writeFile(key.export({ type: 'pkcs8', format: 'pem' }));
  return key;
}

async function newKey(algorithm: SignatureAlgorithm): Promise<KeyObject> {
  const pair =
    algorithm === 'RS256'
      ? await generate('rsa', { modulusLength: RSA_BITS })
      : await generate('ec', { namedCurve: 'prime256v1' });
  return pair.privateKey;
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
