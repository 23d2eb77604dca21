import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { createSecretKey } from 'node:crypto';

const ISSUERS = ['https://idp.example.com/realms/users', 'https://idp.example.com/realms/services'] as const;
const keys = new Map(ISSUERS.map((issuer) => [issuer, createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`))]));

const checks = { audience: 'order-service', clockTolerance: 5, algorithms: ['ES256', 'EdDSA'] };

/** The issuer is read first, to know whose keys to ask; nothing is believed before the signature is checked. */
export async function verify(token: string): Promise<JWTPayload> {
  const { iss } = decodeJwt(token);
  const issuer = ISSUERS.find((each) => each === iss);
  const set = issuer && keys.get(issuer);
  if (!set) throw new Error('unknown issuer');
  const { payload } = await jwtVerify(token, set, { ...checks, issuer });
  return payload;
}

export function keyIdOf(token: string): string | undefined {
  return decodeProtectedHeader(token).kid;
}

export async function internalToken(subject: string, secret: Uint8Array): Promise<string> {
  return new SignJWT({ role: 'reader' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setAudience('audit-service')
    .setExpirationTime('5m')
    .sign(createSecretKey(secret));
}

/** `orders.2026.11` → its parts; no token. */
export function versionOf(topic: string): number {
  const [, year, month] = topic.split('.');
  return Number(year) * 100 + Number(month);
}
