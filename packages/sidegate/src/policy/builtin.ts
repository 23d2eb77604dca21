/** The engine without a policy language: roles of the token, each with methods and paths. What no role permits is denied. */
import { compilePathGlob } from '../net/path-glob.ts';
import type { Decision, PolicyInput } from './decision.ts';

export interface Permission {
  /** Absent = every method; `GET` is not `HEAD`. */
  readonly methods?: readonly string[] | undefined;
  /** `*` is one segment, a final `**` is the path itself and everything below. */
  readonly path: string;
}

/** Role → what it may do. */
export type Roles = ReadonlyMap<string, readonly Permission[]>;

interface CompiledPermission extends Permission {
  readonly matches: (path: string) => boolean;
}

export function createBuiltin(roles: Roles): (input: PolicyInput) => Decision {
  const compiled = new Map(
    Array.from(roles, ([role, permissions]): [string, readonly CompiledPermission[]] => [
      role,
      permissions.map((permission) => ({ ...permission, matches: compilePathGlob(permission.path) })),
    ]),
  );
  return ({ token, request }) => {
    const held = rolesOf(token);
    for (const role of held) {
      for (const { methods, path, matches } of compiled.get(role) ?? []) {
        if (methods !== undefined && !methods.includes(request.method)) continue;
        if (matches(request.path)) return { allow: true, reasons: [`role ${role}: ${path}`] };
      }
    }
    const reason = held.length === 0 ? 'the token has no role' : 'no role of the token permits this request';
    return { allow: false, reasons: [reason] };
  };
}

/** The names in `realm_access.roles`. */
function rolesOf(token: PolicyInput['token']): readonly string[] {
  const access = token?.['realm_access'];
  const roles: unknown = typeof access === 'object' && access !== null && 'roles' in access ? access.roles : undefined;
  return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [];
}
