/** Everything that goes out, top to bottom. A stage refuses by throwing a Problem; `proxy/serve.ts` answers and records it. */
import { forward } from '../proxy/forward.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { type MatchOptions, matchRoute } from './match-route.ts';
import { obtainCredential } from './obtain-credential.ts';
import { shapeHeaders } from './shape-headers.ts';

export function createEgress(options: MatchOptions): Pipeline {
  return async (exchange, request, response) => {
    const { permit, target, hopByHop } = matchRoute(exchange, request, options);
    const obtained = obtainCredential(target);
    const credential = obtained instanceof Promise ? await obtained : obtained;
    const headers = shapeHeaders(exchange, hopByHop, credential);
    await forward(permit, headers, exchange, { request, response });
  };
}
