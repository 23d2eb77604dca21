/** Tokens of a service that are good for several calls: one for each target and set of scopes, and never one with a user in it. */
import { readClaims, splitCompact } from '../jwt/compact.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { ServiceTokenIssuer } from './issue.ts';

interface Cached {
  readonly token: string;
  /** Milliseconds since the epoch, as its `exp` says. */
  readonly expiresAt: number;
}

/** A token with less than this left could expire on its way. */
const SAFETY_MARGIN_MS = 30_000;
/** Pairs and scopes are configured, so there are few; this holds what a mistake makes of them. */
const MAX_TOKENS = 1_000;

/**
 * @example
 * ```ts
 * import { ServiceTokenCache, type ServiceTokenIssuer } from '@sidegate/sdk/service-tokens';
 *
 * declare const issuer: ServiceTokenIssuer;
 * const cache = new ServiceTokenCache(issuer);
 * const token = cache.getToken('checkout-service', 'order-service', ['orders:create']);
 * const headers = { authorization: `Bearer ${token}` };
 * ```
 */
export class ServiceTokenCache {
  readonly #issuer: ServiceTokenIssuer;
  readonly #clock: Runtime['clock'];
  /** Used longest ago first. */
  readonly #tokens = new Map<string, Cached>();

  constructor(issuer: ServiceTokenIssuer, { clock }: Pick<Runtime, 'clock'> = systemRuntime()) {
    this.#issuer = issuer;
    this.#clock = clock;
  }

  /** @throws RangeError as {@link ServiceTokenIssuer.issueServiceToken} */
  getToken(callerService: string, targetService: string, scopes: readonly string[]): string {
    const key = keyOf(callerService, targetService, scopes);
    const cached = this.#tokens.get(key);
    this.#tokens.delete(key);
    const usable = cached !== undefined && cached.expiresAt - this.#clock.now() > SAFETY_MARGIN_MS;
    const { token, expiresAt } = usable ? cached : this.#issue(callerService, targetService, scopes);
    this.#tokens.set(key, { token, expiresAt });
    for (const oldest of this.#tokens.keys()) {
      if (this.#tokens.size <= MAX_TOKENS) break;
      this.#tokens.delete(oldest);
    }
    return token;
  }

  /** The target refused it: the next call gets another one. */
  forget(callerService: string, targetService: string, scopes: readonly string[]): void {
    this.#tokens.delete(keyOf(callerService, targetService, scopes));
  }

  clear(): void {
    this.#tokens.clear();
  }

  #issue(callerService: string, targetService: string, scopes: readonly string[]): Cached {
    const token = this.#issuer.issueServiceToken({ callerService, targetService, scopes });
    return { token, expiresAt: Number(readClaims(splitCompact(token).payload)['exp']) * 1000 };
  }
}

/** Written so that no two of them can be confused, whatever characters names have. */
function keyOf(caller: string, target: string, scopes: readonly string[]): string {
  return JSON.stringify([caller, target, scopes.toSorted()]);
}
