/** What a request that was let in means for the calls that its handler makes: for whom they are, in which trace, by whose token. */
import type { CallContext } from '../context/call-context.ts';
import type { Principal } from './principal.ts';
import type { ReceivedRequest } from './received-request.ts';

/** @param principal undefined: the route is public, so that nobody is known whatever was sent */
export function arrivedContext(request: ReceivedRequest, principal: Principal | undefined): CallContext {
  const [traceparent] = request.values('traceparent');
  const tracestate = request.values('tracestate');
  return {
    ...(principal?.user === undefined ? {} : { userId: principal.user.id }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate.length === 0 ? {} : { tracestate: tracestate.join(',') }),
    ...subjectToken(request, principal),
  };
}

/** The verified token: kept so that it can be exchanged, and so that no call hands it on. */
function subjectToken(request: ReceivedRequest, principal: Principal | undefined): Pick<CallContext, 'subjectToken'> {
  if (principal?.claims === undefined) return {};
  const [, token] = /^\S+ (\S+)$/.exec(request.values('authorization')[0] ?? '') ?? [];
  return token === undefined ? {} : { subjectToken: token };
}
