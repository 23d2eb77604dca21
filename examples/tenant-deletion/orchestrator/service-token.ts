/** The orchestrator's own token: the one that it was given, or one that it makes when it holds the key. */
import type { Credentials } from '@sidegate/sdk/client';
import type { JWTHandler } from '@sidegate/sdk/service-tokens';
import { ORCHESTRATOR } from '../services/topology.ts';

/** Renewed when less than this is left. */
const RENEW_BEFORE_SECONDS = 60;

/** A fixed token, as `SERVICE_TOKEN` holds it: it is read once, so that a new one needs a restart. */
export const givenToken = (token: string): Credentials => credentials(() => token);

/** Tokens that the orchestrator signs for itself. */
export function mintedTokens(handler: JWTHandler, now: () => number = Date.now): Credentials {
  let own: { readonly token: string; readonly until: number } | undefined;
  return credentials(() => {
    if (own === undefined || own.until <= now()) {
      const until = now() + (handler.defaultLifetimeSeconds - RENEW_BEFORE_SECONDS) * 1000;
      own = { token: handler.createServiceToken(ORCHESTRATOR), until };
    }
    return own.token;
  });
}

const credentials = (token: () => string): Credentials => ({
  kind: 'service_token',
  authorize: async () => ({ authorization: `Bearer ${token()}` }),
  refused: () => {},
  close: () => {},
});
