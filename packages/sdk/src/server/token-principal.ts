/** Whom a verified token speaks for: a service for itself, a service on behalf of a user, or a user. */
import { hasControlCharacters } from '../jwt/control-characters.ts';
import { isJsonArray, type JsonObject } from '../jwt/strict-json.ts';
import type { VerifiedToken } from '../jwt/verify.ts';
import { Problem } from '../problem.ts';
import type { Principal, ProofKind, UserPrincipal } from './principal.ts';
import { type RolesMapper, SYSTEM_ROLE } from './roles.ts';

const MAX_USER_ID_CHARACTERS = 256;

/**
 * The principal of a token. A service's token has its subject as its client or as its issuer, is a JWT-SVID, or has the
 * role `system`; only such a token may say on whose behalf it is (`user_id`, `user_roles`).
 *
 * @throws Problem `token_claim_type` when the user it names is none
 */
export function principalOfToken(token: VerifiedToken, roles: RolesMapper, proof: ProofKind): Principal {
  const { claims, scopes, subject, clientId, spiffeId } = token;
  const mapped = roles(claims, scopes);
  const ofToken = { proofs: [proof], scopes, claims };
  if (!isOfService(token, mapped)) {
    return Object.freeze({ ...ofToken, roles: mapped, service: undefined, user: { id: subject, roles: mapped } });
  }
  const service = { name: clientId ?? subject, spiffeId };
  return Object.freeze({ ...ofToken, roles: mapped, service, user: userContext(claims) });
}

/** RFC 9068 section 2.2 for the client as subject; RFC 8693 section 4.1: with an actor it is somebody else's. */
function isOfService(
  { subject, clientId, issuer, spiffeId, claims }: VerifiedToken,
  roles: readonly string[],
): boolean {
  if (roles.includes(SYSTEM_ROLE) || spiffeId !== undefined) return true;
  return claims['act'] === undefined && (subject === clientId || subject === issuer);
}

function userContext({ user_id: id, user_roles: roles = [] }: JsonObject): UserPrincipal | undefined {
  if (id === undefined) return undefined;
  const named = isJsonArray(roles) && roles.every((role) => typeof role === 'string') ? roles : undefined;
  if (named === undefined || typeof id !== 'string' || id === '' || hasControlCharacters(id)) {
    throw new Problem('token_claim_type', 'user_id or user_roles is not what names a user');
  }
  if (id.length > MAX_USER_ID_CHARACTERS) {
    throw new Problem('token_claim_type', `user_id has more than ${MAX_USER_ID_CHARACTERS} characters`);
  }
  return Object.freeze({ id, roles: named });
}
