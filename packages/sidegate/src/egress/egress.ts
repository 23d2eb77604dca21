/** Everything that goes out, top to bottom. A stage refuses by throwing a Problem; `proxy/serve.ts` answers and records it. */
import { forward } from '../proxy/forward.ts';
import { IdentityHeaders } from '../proxy/identity-headers.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { learnTransaction } from '../proxy/transaction-token.ts';
import { type MatchOptions, matchRoute } from './match-route.ts';
import { type CredentialFields, obtainCredential } from './obtain-credential.ts';
import { shapeHeaders } from './shape-headers.ts';

export function createEgress(options: MatchOptions): Pipeline {
  const identityHeaders = new IdentityHeaders();
  return (exchange, request, reply) => {
    const { permit, target, hopByHop } = matchRoute(exchange, request, options);
    const learned = learnTransaction(exchange, request.fields, target.verifyTransaction);
    const obtained = learned === undefined ? obtainCredential(target) : learned.then(() => obtainCredential(target));
    const proceed = (credential: CredentialFields): Promise<void> => {
      const headers = shapeHeaders(exchange, { hopByHop, identityHeaders }, credential);
      return forward(permit, headers, exchange, { request, reply });
    };
    return obtained instanceof Promise ? obtained.then(proceed) : proceed(obtained);
  };
}
