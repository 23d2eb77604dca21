/** Proving who calls with a token that the service signs for itself. */
import type { Credentials, OutgoingRequest } from '../client/credentials.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { UserContext } from './claims.ts';
import type { ServiceTokenIssuer } from './issue.ts';
import { ServiceTokenCache } from './token-cache.ts';

export interface ServiceTokenCredentialsOptions {
  readonly issuer: ServiceTokenIssuer;
  /** Who calls. */
  readonly service: string;
  /** Who is called: a name for all requests, or the audience of this one. */
  readonly target: string | ((request: OutgoingRequest) => string);
  readonly scopes: readonly string[];
  /** On whose behalf this request is; by default the service calls for itself. */
  readonly userContext?: () => UserContext | undefined;
}

/**
 * @example
 * ```ts
 * import { type ServiceTokenIssuer, serviceTokenCredentials } from '@sidegate/sdk/service-tokens';
 *
 * declare const issuer: ServiceTokenIssuer;
 * const credentials = serviceTokenCredentials({
 *   issuer,
 *   service: 'checkout-service',
 *   target: 'order-service',
 *   scopes: ['orders:create'],
 * });
 * const url = new URL('https://order-service/orders');
 * const { authorization } = await credentials.authorize({ method: 'POST', url, headers: {}, body: undefined });
 * ```
 */
export function serviceTokenCredentials(
  options: ServiceTokenCredentialsOptions,
  runtime: Pick<Runtime, 'clock'> = systemRuntime(),
): Credentials {
  const { issuer, service, target, userContext } = options;
  const scopes = [...options.scopes];
  const cache = new ServiceTokenCache(issuer, runtime);
  const targetOf = (request: OutgoingRequest): string => (typeof target === 'string' ? target : target(request));
  return {
    kind: 'service_jwt',
    async authorize(request) {
      const user = userContext?.();
      const targetService = targetOf(request);
      // INVARIANT: what names a user is made for this request alone.
      const token =
        user === undefined
          ? cache.getToken(service, targetService, scopes)
          : issuer.issueServiceToken({ callerService: service, targetService, scopes, userContext: user });
      return { authorization: `Bearer ${token}` };
    },
    refused: (request) => cache.forget(service, targetOf(request), scopes),
    close: () => cache.clear(),
  };
}
