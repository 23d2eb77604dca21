/** One service JWT, for callers that need no scopes, no users and no cache: who calls, and whom. */
import type { AssertionKey } from '../oauth/client-assertion.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { createServiceTokenIssuer } from './issue.ts';
import { createServiceKeys } from './service-keys.ts';

/**
 * A token by which `serviceName` proves to `audience` who calls, for five minutes. An RSA key signs RS256.
 *
 * @param key of that service alone, see `readSigningKey`
 * @example
 * ```ts
 * import { createServiceJwt, readSigningKey } from '@sidegate/sdk/service-tokens';
 *
 * const key = readSigningKey(process.env['SERVICE_A_SIGNING_KEY'] ?? '', 'key-2026-11');
 * const headers = { authorization: `Bearer ${createServiceJwt('service-a', 'service-b', key)}` };
 * ```
 *
 * @throws RangeError when a name is empty or has control characters
 */
export function createServiceJwt(
  serviceName: string,
  audience: string,
  key: AssertionKey,
  runtime: Pick<Runtime, 'clock'> = systemRuntime(),
): string {
  const keys = createServiceKeys({ service: serviceName, keys: [{ ...key, signsFrom: 0 }] }, runtime);
  const issuer = createServiceTokenIssuer({ keys }, runtime);
  return issuer.issueServiceToken({ callerService: serviceName, targetService: audience, scopes: [] });
}
