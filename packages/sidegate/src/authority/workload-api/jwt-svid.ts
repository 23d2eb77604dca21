/** JWT-SVIDs (JWT-SVID sections 2 and 3), signed with the key ring that signs all tokens of the trust domain. */
import type { SpiffeId } from '@sidegate/sdk';
import type { KeyRing } from '../issuer/signing-key.ts';
import { Refusal } from './refusal.ts';

export interface JwtSvidGrant {
  readonly id: SpiffeId;
  readonly audiences: readonly string[];
  readonly ttlMs: number;
}

const [MAX_AUDIENCES, MAX_AUDIENCE_CHARACTERS] = [16, 512];

export async function signJwtSvid(
  { id, audiences, ttlMs }: JwtSvidGrant,
  keys: KeyRing,
  nowMs: number,
): Promise<string> {
  const key = keys.current('ES256') ?? keys.current('RS256');
  if (key === undefined) throw new Refusal('UNAVAILABLE', 'there is no key to sign with');
  const iat = Math.floor(nowMs / 1000);
  return key.signJwt('JWT', { sub: id.uri, aud: audiences, iat, exp: iat + Math.floor(ttlMs / 1000) });
}

/** @throws Refusal */
export function checkAudiences(audiences: readonly string[]): readonly string[] {
  const unique = [...new Set(audiences)];
  if (unique.length === 0) throw new Refusal('INVALID_ARGUMENT', 'audience must be specified');
  if (unique.length > MAX_AUDIENCES) throw new Refusal('INVALID_ARGUMENT', `more than ${MAX_AUDIENCES} audiences`);
  for (const audience of unique) {
    if (audience.length > MAX_AUDIENCE_CHARACTERS || !/^[\x21-\x7e]+$/.test(audience)) {
      throw new Refusal('INVALID_ARGUMENT', 'an audience is empty, too long, or not printable ASCII without spaces');
    }
  }
  return unique;
}
