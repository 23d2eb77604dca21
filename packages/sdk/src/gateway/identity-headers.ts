/** The header fields by which a gateway tells the services behind it who calls; from anybody else they mean nothing. */
import { Problem } from '../problem.ts';
import type { PlatformCaller } from '../service-tokens/platform-claims.ts';

export const USER_ID = 'x-user-id';
export const USER_EMAIL = 'x-user-email';
export const USER_ROLE = 'x-user-role';
export const USER_TYPE = 'x-user-type';
export const SERVICE_NAME = 'x-service-name';
export const SERVICE_TENANTS = 'x-service-tenants';
export const SERVICE_OPERATIONS = 'x-service-operations';

/** Printable, and no comma where a list is made of it. */
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?$/;

/**
 * Whether a field that a client sent speaks of who it is. Servers of other kinds take `x_user_type` for `x-user-type`, so that goes as well.
 */
export function isIdentityHeader(name: string): boolean {
  return /^x[-_](?:user|service)(?:[-_]|$)/i.test(name);
}

/** @throws Problem `token_claim_unsafe` */
export function identityHeaders(caller: PlatformCaller): Readonly<Record<string, string>> {
  const { type, userId, email, role } = caller;
  const limits = type === 'service' ? caller.limits : undefined;
  const fields = {
    [USER_TYPE]: type,
    [USER_ID]: userId,
    [USER_EMAIL]: email,
    [USER_ROLE]: role,
    [SERVICE_NAME]: type === 'service' ? caller.service : undefined,
    [SERVICE_TENANTS]: listValue(limits?.tenants),
    [SERVICE_OPERATIONS]: listValue(limits?.operations),
  };
  const set = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  for (const [name, value] of set) {
    if (!VALUE.test(value)) throw new Problem('token_claim_unsafe', `what would be ${name} cannot stand in a header`);
  }
  return Object.fromEntries(set);
}

/** @returns undefined: there is no limit; a limit to nothing is not sent as none */
export function readList(value: string | undefined): readonly string[] | undefined {
  return value?.split(',');
}

function listValue(names: readonly string[] | undefined): string | undefined {
  if (names === undefined) return undefined;
  if (names.length === 0 || names.some((name) => name === '' || name.includes(','))) {
    throw new Problem('token_claim_unsafe', 'a tenant or an operation of the token cannot stand in a list');
  }
  return names.join(',');
}
