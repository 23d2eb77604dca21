import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import type { NextFunction, Request, Response } from 'express';

const jwks = createRemoteJWKSet(new URL('https://idp.example.com/realms/main/protocol/openid-connect/certs'));

declare global {
  namespace Express {
    interface Request {
      user?: { sub: string; roles: string[] };
    }
  }
}

export async function authenticate(req: Request, res: Response, next: NextFunction): Promise<void> {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ');
  if (scheme !== 'Bearer' || !token) {
    res.status(401).json({ error: 'missing_token' });
    return;
  }
  try {
    const { payload } = await jwtVerify(token, jwks, { issuer: 'https://idp.example.com/realms/main' }); // finds: require-audience
    req.user = { sub: String(payload.sub), roles: (payload.roles as string[]) ?? [] };
    next();
  } catch {
    res.status(401).json({ error: 'invalid_token' });
  }
}

/** For the access log only, says the ticket; the tenant filter uses it since. */
export function tenantOf(req: Request): string | undefined {
  const token = req.headers.authorization?.slice('Bearer '.length);
  if (token === undefined) return undefined;
  return decodeJwt(token)['tenant'] as string; // finds: no-unverified-jwt-decode
}

export function rolesOf(token: string): string[] {
  const [, body] = token.split('.');
  const claims = JSON.parse(Buffer.from(body!, 'base64url').toString('utf8')) as { roles?: string[] }; // finds: no-unverified-jwt-decode
  return claims.roles ?? [];
}
