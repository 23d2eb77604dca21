/** `auth.type: spiffe_jwt`: a JWT-SVID of this workload for the target as its audience. */
import type { AccessToken } from '@sidegate/sdk';
import type { Credential } from '../../proxy/credential.ts';
import { BEARER } from './token-presentation.ts';

/** @param svid from the cache while it is fresh */
export function spiffeJwt(svid: () => AccessToken | Promise<AccessToken>): Credential {
  return {
    fields: (call) => {
      const token = svid();
      return token instanceof Promise ? token.then((one) => BEARER.present(one, call)) : BEARER.present(token, call);
    },
    close: () => undefined,
  };
}
