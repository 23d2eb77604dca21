/** What the claims of a token of the platform say: that it is a service's, or a user's. */
import { isJsonArray, type JsonObject, type JsonValue } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import type { PrincipalLimits } from '../server/limits.ts';
import { excerpt } from '../x509/excerpt.ts';

export type PlatformCaller = ServiceCaller | UserCaller;

interface Shared {
  readonly userId: string;
  readonly email: string | undefined;
  readonly role: string | undefined;
}

export interface ServiceCaller extends Shared {
  readonly type: 'service';
  readonly service: string;
  readonly limits: PrincipalLimits | undefined;
}

export interface UserCaller extends Shared {
  readonly type: 'access';
}

/** What every token must say. */
const REQUIRED_CLAIMS = ['user_id', 'email', 'exp', 'type'] as const;

/**
 * @throws Problem `token_claim_missing`
 */
export function requirePlatformClaims(claims: JsonObject): void {
  for (const name of REQUIRED_CLAIMS) {
    if (claims[name] === undefined || claims[name] === null || claims[name] === '') {
      throw new Problem('token_claim_missing', `no ${name} claim`, { detail: `The token has no ${name}` });
    }
  }
}

/**
 * Either mark makes a service: `type` or `is_service`; everybody else needs `type: access`.
 *
 * @param services that are known; a service by another name is refused
 * @throws Problem `token_typ_mismatch`, `token_claim_type`, `token_claim_missing`, `service_required`
 */
export function readPlatformCaller(claims: JsonObject, services: readonly string[]): PlatformCaller {
  const { type, is_service: isService } = claims;
  const shared = {
    userId: readText(claims, 'user_id') ?? missing('user_id'),
    email: readText(claims, 'email'),
    role: readText(claims, 'role'),
  };
  if (type !== 'service' && isService !== true) {
    if (type === 'access') return { ...shared, type };
    throw invalidTokenType(type);
  }
  const service = readText(claims, 'service') ?? missing('service');
  if (!services.includes(service)) {
    throw new Problem('service_required', `${excerpt(service)} is no known service`, {
      detail: 'This endpoint is only accessible to internal services',
    });
  }
  return { ...shared, type: 'service', service, limits: readLimits(claims) };
}

export function invalidTokenType(type: JsonValue | undefined): Problem {
  const shown = typeof type === 'string' && /^[\x21-\x7e]{1,64}$/.test(type) ? type : JSON.stringify(typeof type);
  return new Problem('token_typ_mismatch', `Invalid token type: ${shown}`, { detail: `Invalid token type: ${shown}` });
}

function readLimits(claims: JsonObject): PrincipalLimits | undefined {
  const limits = {
    tenants: readNames(claims['tenants'], 'tenants'),
    operations: readNames(claims['operations'], 'operations'),
  };
  return limits.tenants === undefined && limits.operations === undefined ? undefined : Object.freeze(limits);
}

function readNames(value: JsonValue | undefined, name: string): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (isJsonArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new Problem('token_claim_type', `${name} is not an array of strings`);
}

function readText(claims: JsonObject, name: string): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new Problem('token_claim_type', `${name} is not a text`);
}

function missing(name: string): never {
  throw new Problem('token_claim_missing', `no ${name} claim`);
}
