/**
 * What a gateway does with the tokens of users and services before anything behind it sees the request: verify, take away what the client
 * says of itself, put what the token says in its place.
 */
import { readCredentials } from '../jwt/bearer.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import { asProblem, type Problem, type ProblemCode } from '../problem.ts';
import type { ReceivedRequest } from '../server/received-request.ts';
import { KNOWN_SERVICES } from '../service-tokens/known-services.ts';
import {
  invalidTokenType,
  type PlatformCaller,
  readPlatformCaller,
  requirePlatformClaims,
} from '../service-tokens/platform-claims.ts';
import { identityHeaders, isIdentityHeader } from './identity-headers.ts';

export interface GatewayOptions {
  /** Such as a `JWTHandler`: the claims of a token whose signature and dates hold, or a rejection with a Problem. */
  readonly tokens: { verify(token: string): Promise<JsonObject> };
  /** Names that a service may have: the fifteen of the platform by default. */
  readonly services?: readonly string[];
  /** Told of each service that calls and of each request that is refused; no credential is in it. */
  readonly log?: (event: GatewayEvent) => void;
}

export interface GatewayEvent {
  readonly level: 'info' | 'warning';
  /** `Service authentication`, `Invalid token type: <type>` or `Request refused`. */
  readonly message: string;
  readonly service?: string;
  /** Why it was refused. */
  readonly code?: ProblemCode;
}

export interface Passage {
  readonly caller: PlatformCaller;
  /** The fields to send on: those of the request without what it says of its identity, and ours; `authorization` stays. */
  readonly headersOf: (
    sent: Readonly<Record<string, string | string[] | undefined>>,
  ) => Record<string, string | string[]>;
}

export interface Gateway {
  /** Rejects with a Problem: 401 for a token that is missing, not good, or of a type that is neither `access` nor `service`. */
  admit(request: Pick<ReceivedRequest, 'values'>): Promise<Passage>;
}

/**
 * @example
 * ```ts
 * import { createGateway } from '@sidegate/sdk/gateway';
 * import { JWTHandler, publicPemKeys } from '@sidegate/sdk/service-tokens';
 *
 * const verificationKeys = publicPemKeys({ pem: process.env['TOKEN_PUBLIC_KEY'] ?? '', keyId: 'key-2026-04' });
 * const gateway = createGateway({
 *   tokens: new JWTHandler({ verificationKeys }),
 *   log: (event) => console.log(JSON.stringify(event)),
 * });
 * ```
 */
export function createGateway({ tokens, services = KNOWN_SERVICES, log }: GatewayOptions): Gateway {
  return {
    async admit(request) {
      try {
        const claims = await tokens.verify(readCredentials(request.values('authorization')));
        requirePlatformClaims(claims);
        requireType(claims);
        const caller = readPlatformCaller(claims, services);
        const identity = identityHeaders(caller);
        if (caller.type === 'service')
          log?.({ level: 'info', message: 'Service authentication', service: caller.service });
        return { caller, headersOf: (sent) => ({ ...withoutIdentity(sent), ...identity }) };
      } catch (error) {
        log?.(refusalOf(asProblem(error)));
        throw error;
      }
    },
  };
}

/** `is_service` alone is enough for a service, but not for a gateway. */
function requireType({ type }: JsonObject): void {
  if (type === 'access' || type === 'service') return;
  throw invalidTokenType(type);
}

function refusalOf({ code, message }: Problem): GatewayEvent {
  return { level: 'warning', message: code === 'token_typ_mismatch' ? message : 'Request refused', code };
}

/** `Connection` is for this connection, and could have whoever forwards take away what we set. */
function endsHere(name: string): boolean {
  return isIdentityHeader(name) || /^(?:proxy-)?connection$|^keep-alive$/i.test(name);
}

function withoutIdentity(
  sent: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> {
  const kept = Object.entries(sent).filter(
    (field): field is [string, string | string[]] => field[1] !== undefined && !endsHere(field[0]),
  );
  return Object.fromEntries(kept);
}
