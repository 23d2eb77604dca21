/**
 * Tokens that a service signs for itself, RFC 9068 as far as a token without authorization server can be one: who calls, whom, what
 * it may do there, on whose behalf, for five minutes.
 */
import { randomUUID } from 'node:crypto';
import { hasControlCharacters } from '../jwt/control-characters.ts';
import { readScopes } from '../jwt/scope.ts';
import { signJwt } from '../jwt/sign-jwt.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { EVERY_SCOPE, type UserContext } from './claims.ts';
import type { ServiceKeys } from './service-keys.ts';

export interface ServiceTokenRequest {
  /** Who calls: the service whose keys sign, and no other. */
  readonly callerService: string;
  /** Who is called: a service, or one operation of it as in `order-service:GET:/orders/:id`. */
  readonly targetService: string;
  /** The fewest that the call needs. */
  readonly scopes: readonly string[];
  readonly userContext?: UserContext | undefined;
}

export interface ServiceTokenIssuerOptions {
  readonly keys: ServiceKeys;
  /** 300 by default; more than {@link ServiceKeys.longestTokenSeconds} is refused. */
  readonly lifetimeSeconds?: number;
  /** The services that may be called; by default any. */
  readonly targets?: readonly string[];
  /**
   * Whether `scope` is written as an array, for verifiers that split no string; told with a warning. By default it is one string with
   * spaces between the scopes (RFC 9068 section 2.2.3).
   */
  readonly legacyScopeArray?: boolean;
}

export interface ServiceTokenIssuer {
  /**
   * @returns the token
   * @throws RangeError what is wrong with the request; Problem `not_ready` while no key signs
   */
  readonly issueServiceToken: (request: ServiceTokenRequest) => string;
}

const MAX_NAME_CHARACTERS = 256;

/**
 * Issues tokens of one service.
 *
 * @example
 * ```ts
 * import { createServiceKeys, createServiceTokenIssuer, readSigningKey } from '@sidegate/sdk/service-tokens';
 *
 * const signing = readSigningKey(process.env['SERVICE_SIGNING_KEY'] ?? '', 'key-2026-04');
 * const keys = createServiceKeys({ service: 'checkout-service', keys: [{ ...signing, signsFrom: Date.now() }] });
 * const { issueServiceToken } = createServiceTokenIssuer({ keys });
 * const token = issueServiceToken({
 *   callerService: 'checkout-service',
 *   targetService: 'order-service',
 *   scopes: ['orders:create'],
 *   userContext: { userId: 'user-123', roles: ['customer'] },
 * });
 * console.log(token.length);
 * ```
 *
 * @throws RangeError when tokens would live longer than the keys allow
 */
export function createServiceTokenIssuer(
  options: ServiceTokenIssuerOptions,
  { clock }: Pick<Runtime, 'clock'> = systemRuntime(),
): ServiceTokenIssuer {
  const { keys, lifetimeSeconds = 300, targets, legacyScopeArray = false } = options;
  const { service, longestTokenSeconds } = keys;
  if (!(Number.isInteger(lifetimeSeconds) && lifetimeSeconds > 0 && lifetimeSeconds <= longestTokenSeconds)) {
    throw new RangeError(
      `lifetimeSeconds of ${lifetimeSeconds}: at least 1 and at most ${longestTokenSeconds}, unless longestTokenSeconds of the keys says more`,
    );
  }
  if (legacyScopeArray) {
    process.emitWarning(
      `tokens of ${service} have scope as an array, which other verifiers of OAuth tokens do not read`,
      {
        code: 'SIDEGATE_LEGACY_SCOPE',
      },
    );
  }
  return {
    issueServiceToken(request) {
      checkCaller(request.callerService, service);
      checkTarget(request.targetService, targets);
      checkScopes(request.scopes);
      const iat = Math.floor(clock.now() / 1000);
      const claims = {
        iss: service,
        sub: service,
        client_id: service,
        aud: request.targetService,
        iat,
        exp: iat + lifetimeSeconds,
        jti: randomUUID(),
        ...scopeClaim(request.scopes, legacyScopeArray),
        ...userClaims(request.userContext),
      };
      return signJwt('at+jwt', claims, keys.current());
    },
  };
}

function checkCaller(caller: string, service: string): void {
  if (caller === service) return;
  throw new RangeError(`callerService ${caller}: these are keys of ${service}, which can call only as itself`);
}

function checkTarget(target: string, targets: readonly string[] | undefined): void {
  checkName('targetService', target);
  if (targets === undefined || targets.includes(target)) return;
  if (targets.some((service) => target.startsWith(`${service}:`))) return;
  throw new RangeError(`targetService ${target}: it may call ${targets.join(', ')} and nobody else`);
}

function checkScopes(scopes: readonly string[]): void {
  if (scopes.includes(EVERY_SCOPE)) throw new RangeError('scopes: * would grant everything; name what the call needs');
  if (readScopes(scopes).length < scopes.length) {
    throw new RangeError('scopes: one is not a scope, which has no blanks, quotes or backslashes');
  }
}

function checkName(what: string, name: string): void {
  if (name !== '' && name.length <= MAX_NAME_CHARACTERS && !hasControlCharacters(name)) return;
  throw new RangeError(`${what}: a name of 1 to ${MAX_NAME_CHARACTERS} printable characters is needed`);
}

/** RFC 6749 section 3.3: a scope has at least one token, so none is no claim. */
function scopeClaim(scopes: readonly string[], asArray: boolean): { readonly scope?: string | readonly string[] } {
  if (asArray) return { scope: scopes };
  return scopes.length === 0 ? {} : { scope: scopes.join(' ') };
}

function userClaims(user: UserContext | undefined): object {
  if (user === undefined) return {};
  checkName('userContext.userId', user.userId);
  return { user_id: user.userId, user_roles: user.roles };
}
