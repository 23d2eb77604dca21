/**
 * What the platform's auth service has: the key that signs tokens. Services and gateway get its public half. Users' tokens are made
 * here, service tokens by `sidegate token` or by whoever holds the key.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { JWTHandler, publicPemKeys, readSigningKey } from '@sidegate/sdk/service-tokens';
import { SignJWT } from 'jose';

export interface PlatformKeys {
  /** PEM. */
  readonly privateKey: string;
  readonly publicKey: string;
  /** Its thumbprint, as `sidegate token` names it. */
  readonly keyId: string;
}

/** What verifies: nothing can be signed with it. */
export type PublicKeys = Pick<PlatformKeys, 'publicKey' | 'keyId'>;

export const createPlatformKeys = (): PlatformKeys =>
  platformKeys(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }));

/** The key of a file, which is made when it is not there, so that tokens outlive the platform. */
export function keysFromFile(file: string): PlatformKeys {
  if (existsSync(file)) return platformKeys(readFileSync(file, 'utf8'));
  const keys = createPlatformKeys();
  writeFileSync(file, keys.privateKey, { mode: 0o600, flag: 'wx' });
  return keys;
}

function platformKeys(privateKey: string): PlatformKeys {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  return { privateKey, publicKey, keyId: readSigningKey(privateKey).keyId };
}

/** Verifies, and cannot sign. */
export function verifyingHandler(...keys: readonly PublicKeys[]): JWTHandler {
  return new JWTHandler({
    verificationKeys: publicPemKeys(...keys.map(({ publicKey, keyId }) => ({ pem: publicKey, keyId }))),
  });
}

export const signingHandler = ({ privateKey }: PlatformKeys): JWTHandler =>
  new JWTHandler({ signingKey: readSigningKey(privateKey) });

/** The token that a user has after signing in: of type `access`, whatever the role. */
export async function userToken(keys: PlatformKeys, userId: string, role: string): Promise<string> {
  const { key } = readSigningKey(keys.privateKey);
  return await new SignJWT({ user_id: userId, email: `${userId}@bakery.example`, type: 'access', role })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: keys.keyId })
    .setIssuer('service-tokens')
    .setAudience('internal-services')
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime('15m')
    .setJti(crypto.randomUUID())
    .sign(key);
}
