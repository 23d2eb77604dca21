/**
 * Service tokens that one holder of a key makes for many services: whose it is, that it is a service and, where it is not to be good
 * for everything, which tenants and operations it is for.
 */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { excerpt } from '../x509/excerpt.ts';
import { type HandlerKeys, type KeySettings, keysOf, type SharedSecretSettings } from './handler-keys.ts';
import { KNOWN_SERVICES } from './known-services.ts';

export interface CommonSettings {
  /** Who may have a token: {@link KNOWN_SERVICES} by default. */
  readonly services?: readonly string[];
  /** Whether the token with this `jti` was taken back; see {@link readTokenInventory}. */
  readonly isRevoked?: (id: string) => boolean;
  /** Told of what is weaker than it could be; by default a warning of the process. */
  readonly warn?: (message: string) => void;
}

export type JWTHandlerSettings = CommonSettings & (KeySettings | SharedSecretSettings);

/** What a token is good for; what is absent has no limit. */
export interface TokenLimits {
  readonly tenants?: readonly string[] | undefined;
  readonly operations?: readonly string[] | undefined;
}

export const DAY_SECONDS = 86_400;
/** Above it somebody is told. */
const LONG_LIVED_SECONDS = 30 * DAY_SECONDS;
const MAX_LIFETIME_SECONDS = 366 * DAY_SECONDS;
const MAX_LIMITS = 256;

/**
 * Makes and verifies service tokens. Keys are asymmetric and tokens live for a day, unless the settings ask for the legacy way: HS256
 * under a secret that everybody shares, and tokens that live for a year.
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { JWTHandler, readSigningKey } from '@sidegate/sdk/service-tokens';
 *
 * const signingKey = readSigningKey(readFileSync('/etc/secrets/service-signing-key.pem', 'utf8'), 'key-2026-04');
 * const handler = new JWTHandler({ signingKey });
 * const token = handler.createServiceToken('tenant-deletion-orchestrator', 900, { operations: ['tenant:delete'] });
 * const { service, type } = await handler.verify(token);
 * ```
 */
export class JWTHandler {
  readonly #keys: HandlerKeys;
  readonly #settings: CommonSettings;
  readonly #clock: Runtime['clock'];
  readonly services: readonly string[];
  /** How long a token lives when nobody says. */
  readonly defaultLifetimeSeconds: number;

  /** @throws RangeError when there is no key or no secret, or one is too weak */
  constructor(settings: JWTHandlerSettings, { clock }: Pick<Runtime, 'clock'> = systemRuntime()) {
    this.#settings = settings;
    this.#clock = clock;
    this.#keys = keysOf(settings, () => clock.now() / 1000);
    this.services = settings.services ?? KNOWN_SERVICES;
    this.defaultLifetimeSeconds = this.#keys.isLegacy ? 365 * DAY_SECONDS : DAY_SECONDS;
    if (this.#keys.isLegacy) {
      this.#warn(
        'service tokens are signed with HS256: every service that can verify one can make one for any service. Use a signing key instead.',
      );
    }
  }

  /** Which keys or secrets these are, the one that signs first; nothing can be made from it. */
  get keyFingerprints(): readonly string[] {
    return this.#keys.fingerprints();
  }

  /**
   * @param expiresInSeconds {@link defaultLifetimeSeconds} by default
   * @returns the token
   * @throws RangeError for a name that is not listed, or a lifetime or limit that makes no sense
   */
  createServiceToken(
    serviceName: string,
    expiresInSeconds: number = this.defaultLifetimeSeconds,
    limits: TokenLimits = {},
  ): string {
    this.#checkName(serviceName);
    this.#checkLifetime(expiresInSeconds);
    const iat = Math.floor(this.#clock.now() / 1000);
    return this.#keys.sign({
      sub: serviceName,
      user_id: serviceName,
      service: serviceName,
      type: 'service',
      is_service: true,
      role: 'admin',
      email: `${serviceName}@internal.service`,
      ...listed('tenants', limits.tenants),
      ...listed('operations', limits.operations),
      jti: randomUUID(),
      iat,
      exp: iat + expiresInSeconds,
    });
  }

  /**
   * The claims of a token of either type whose signature and dates hold.
   * Rejects with a Problem: `token_*`, or `jwks_unavailable`.
   */
  async verify(token: string): Promise<JsonObject> {
    const claims = await this.#keys.verify(token);
    const { jti } = claims;
    if (typeof jti === 'string' && this.#settings.isRevoked?.(jti) === true) {
      throw new Problem('token_revoked', `jti ${excerpt(jti)} was taken back`);
    }
    return claims;
  }

  #checkName(name: string): void {
    if (name === '') throw new RangeError('the service has no name');
    if (this.services.includes(name)) return;
    throw new RangeError(`${excerpt(name)} is no known service; known are ${this.services.join(', ')}`);
  }

  #checkLifetime(seconds: number): void {
    if (!(Number.isInteger(seconds) && seconds > 0 && seconds <= MAX_LIFETIME_SECONDS)) {
      throw new RangeError(
        `a lifetime of ${seconds} seconds: at least 1 and at most ${MAX_LIFETIME_SECONDS}, a leap year`,
      );
    }
    if (seconds > LONG_LIVED_SECONDS) {
      this.#warn(
        `a token that lives ${Math.round(seconds / DAY_SECONDS)} days: whoever finds it can use it that long. A day is the default.`,
      );
    }
  }

  #warn(message: string): void {
    const { warn = (text) => process.emitWarning(text, { code: 'SIDEGATE_SERVICE_TOKEN' }) } = this.#settings;
    warn(message);
  }
}

function listed(name: 'tenants' | 'operations', values: readonly string[] | undefined): object {
  if (values === undefined) return {};
  if (values.length === 0 || values.length > MAX_LIMITS || values.includes('')) {
    throw new RangeError(`${name}: 1 to ${MAX_LIMITS} names, none of them empty; leave it out for no limit`);
  }
  return { [name]: values };
}
