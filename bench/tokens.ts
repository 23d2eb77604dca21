/** The users' tokens: about 700 bytes each, minted before a row begins. */
import { sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { encode, mint, type SigningKey } from '../tests/support/tokens.ts';
import type { BenchFiles } from './files.ts';

export const ISSUER = 'https://keycloak.example.com/realms/users';

/** As many signatures as the thread pool makes at a time, and some that wait. */
const BATCH = 64;

export function mintToken(key: SigningKey, user = 123): string {
  return mint(userClaims(user), { key });
}

/**
 * Distinct tokens, signed by all threads of the pool: RSA-2048 takes half a millisecond a token.
 *
 * @returns the file that holds them, one a line
 */
export async function mintTokenFile({ directory, keys }: BenchFiles, count: number): Promise<string> {
  const tokens: string[] = [];
  while (tokens.length < count) {
    const users = Array.from({ length: Math.min(BATCH, count - tokens.length) }, (_, index) => tokens.length + index);
    tokens.push(...(await Promise.all(users.map((user) => mintAside(keys.RS256, user)))));
  }
  const file = path.join(directory, `tokens-${count}.txt`);
  writeFileSync(file, tokens.join('\n'), { mode: 0o600 });
  return file;
}

function mintAside(key: SigningKey, user: number): Promise<string> {
  const header = encode(JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'at+jwt' }));
  const input = `${header}.${encode(JSON.stringify(userClaims(user)))}`;
  return new Promise((resolve, reject) => {
    sign('sha256', Buffer.from(input), key.privateKey, (error, signature) => {
      if (error !== null) reject(error);
      else resolve(`${input}.${signature.toString('base64url')}`);
    });
  });
}

function userClaims(user: number): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: ISSUER,
    aud: 'order-service',
    sub: `user-${user}`,
    azp: 'web-app',
    iat: now,
    exp: now + 3_600,
    email: 'john@example.com',
    realm_access: { roles: ['customer', 'orders:read'] },
  };
}
