/** Everything that goes out, top to bottom. A stage refuses by throwing a Problem; `proxy/serve.ts` answers and records it. */
import { type CredentialFields, type OutgoingCall, renewing, tryingAgain } from '../proxy/credential.ts';
import { forward } from '../proxy/forward.ts';
import { IdentityHeaders } from '../proxy/identity-headers.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { learnTransaction } from '../proxy/transaction-token.ts';
import { type MatchOptions, matchRoute } from './match-route.ts';
import { shapeHeaders } from './shape-headers.ts';
import { subjectToken, type VerifySubject } from './subject-token.ts';

export interface EgressOptions extends MatchOptions {
  /** Undefined: this sidecar knows no issuer. */
  readonly verifySubject: VerifySubject | undefined;
}

export function createEgress(options: EgressOptions): Pipeline {
  const identityHeaders = new IdentityHeaders();
  return (exchange, request, reply) => {
    const { permit, target, hopByHop } = matchRoute(exchange, request, options);
    const { credential } = target;
    const call: OutgoingCall = {
      permit,
      exchange,
      subjectToken: () => subjectToken(request.fields, options.verifySubject),
    };
    const learned = learnTransaction(exchange, request.fields, target.verifyTransaction);
    const obtained = learned === undefined ? credential.fields(call) : learned.then(() => credential.fields(call));
    const shape = (fields: CredentialFields) => shapeHeaders(exchange, { hopByHop, identityHeaders }, fields);
    const proceed = (fields: CredentialFields): Promise<void> => {
      const onAnswer = tryingAgain(credential, request, { call, shape });
      const renew = renewing(credential, { call, shape });
      return forward(permit, shape(fields), exchange, { request, reply, onAnswer, renew });
    };
    return obtained instanceof Promise ? obtained.then(proceed) : proceed(obtained);
  };
}
