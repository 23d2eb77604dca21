/**
 * What the platform's auth service has: the key that signs tokens. Services and gateway get its public half. Users' tokens are made
 * here, service tokens by `sidegate token` or by who holds the key.
 */
import { generateKeyPairSync } from 'node:crypto';
import { JWTHandler, publicPemKeys, readSigningKey } from '@sidegate/sdk/service-tokens';
import { SignJWT } from 'jose';

export interface PlatformKeys {
  /** PEM. */
  readonly privateKey: string;
  readonly publicKey: string;
  readonly keyId: string;
}

export function createPlatformKeys(keyId: string): PlatformKeys {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    keyId,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }),
  };
}

/** Verifies, and cannot sign. */
export function verifyingHandler(...keys: readonly Pick<PlatformKeys, 'publicKey' | 'keyId'>[]): JWTHandler {
  return new JWTHandler({
    verificationKeys: publicPemKeys(...keys.map(({ publicKey, keyId }) => ({ pem: publicKey, keyId }))),
  });
}

export function signingHandler({ privateKey, keyId }: PlatformKeys): JWTHandler {
  return new JWTHandler({ signingKey: readSigningKey(privateKey, keyId) });
}

/** The token that a user has after signing in: of type `access`, whatever the role. */
export async function userToken(keys: PlatformKeys, userId: string, role: string): Promise<string> {
  const { key } = readSigningKey(keys.privateKey, keys.keyId);
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
