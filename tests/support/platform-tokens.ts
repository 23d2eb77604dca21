/** Tokens of a platform's auth service, for its services and its users, right ones and wrong ones. */
import { generateKeyPairSync } from 'node:crypto';
import { JWTHandler, readSigningKey } from '@sidegate/sdk/service-tokens';
import { SignJWT } from 'jose';

export const ORCHESTRATOR = 'tenant-deletion-orchestrator';
const SECRET = 'a-shared-secret-of-the-legacy-mode-for-tests';

export interface TokenMaker {
  readonly handler: JWTHandler;
  /** Signed rightly, whatever it says; undefined removes a claim of a service token. */
  readonly sign: (changes: Readonly<Record<string, unknown>>) => Promise<string>;
}

const claimsOf = (changes: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const now = Math.floor(Date.now() / 1000);
  return {
    sub: ORCHESTRATOR,
    user_id: ORCHESTRATOR,
    service: ORCHESTRATOR,
    type: 'service',
    is_service: true,
    role: 'admin',
    email: `${ORCHESTRATOR}@internal.service`,
    iat: now,
    exp: now + 60,
    ...changes,
  };
};

/** What an admin has after signing in. */
export const USER_CLAIMS = {
  sub: 'mary',
  user_id: 'mary',
  email: 'mary@bakery.example',
  type: 'access',
  role: 'admin',
  is_service: undefined,
  service: undefined,
} as const;

export function keyPairTokens(): TokenMaker {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signingKey = readSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'key-1');
  return {
    handler: new JWTHandler({ signingKey }),
    sign: (changes) =>
      new SignJWT({ iss: 'service-tokens', aud: 'internal-services', ...claimsOf(changes) })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'key-1' })
        .sign(privateKey),
  };
}

export function sharedSecretTokens(): TokenMaker {
  return {
    handler: new JWTHandler({ legacySharedSecret: true, secretKey: SECRET, warn: () => {} }),
    sign: (changes) =>
      new SignJWT(claimsOf(changes)).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(Buffer.from(SECRET)),
  };
}
