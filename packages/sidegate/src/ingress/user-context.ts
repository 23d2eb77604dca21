/**
 * On whose behalf: a user's token speaks for its subject; a service's own token speaks for nobody, so the user
 * is the one whom the calling service names in `X-User-Context`, believed only from an identified peer.
 */
import { headerValues } from '../net/raw-headers.ts';
import type { Exchange } from '../proxy/exchange.ts';

export const USER_CONTEXT_HEADER = 'X-User-Context';

const USABLE = /^[\x21-\x7e]{1,256}$/;

export function learnUserContext(exchange: Exchange): void {
  const { token, peer } = exchange;
  if (token !== undefined && token.clientId !== peer?.binding?.clientId) {
    const name = token.claims['preferred_username'];
    exchange.user = { sub: token.subject, name: typeof name === 'string' ? name.slice(0, 256) : undefined };
    exchange.userContext = { value: token.subject, verified: true };
    return;
  }
  const [value, ...others] = headerValues(exchange.headers, 'x-user-context');
  if (value === undefined) return;
  const believed = peer !== undefined && others.length === 0 && USABLE.test(value);
  exchange.userContext = believed ? { value, verified: true } : { value: '', verified: false };
}
