/**
 * A form that brings a second token in its body, RFC 6750 section 2: refused, since the service might believe that one. The form is
 * looked through while it streams; the service gets nothing of it before all of it, or the first 64 KiB, is known to be clean.
 */
import { Problem } from '@sidegate/sdk';
import type { InboundRequest } from '../net/listener.ts';
import { RequestBody } from '../net/request-body.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { TokenSearch } from './token-parameter.ts';

const FORM = /(?:^|[;,])\s*application\/x-www-form-urlencoded\s*(?:[;,]|$)/i;
const HELD_BYTES = 64 * 1024;

/** Whether the body could hold a token beside the one in the head. */
export function mayHoldToken({ body, fields }: InboundRequest, { token }: Exchange): boolean {
  if (body === undefined || (token === undefined && !fields.has('authorization'))) return false;
  return fields.all('content-type').some((type) => FORM.test(type));
}

/**
 * The same body, looked through; resolves when its beginning may be sent on.
 *
 * @throws Problem `invalid_request`, as a rejection; later, the exchange is broken off with it
 */
export function withoutToken(body: RequestBody, exchange: Exchange): Promise<RequestBody> {
  const { promise, resolve, reject } = Promise.withResolvers<RequestBody>();
  const search = new TokenSearch();
  let flowing = true;
  let seen = 0;
  let refused = false;
  const passed = new RequestBody(body.length, {
    pause: () => {
      flowing = false;
    },
    resume: () => {
      flowing = true;
      body.resume();
    },
  });
  const refuse = (): void => {
    refused = true;
    const problem = new Problem('invalid_request', 'a token in the body beside one in the header');
    reject(problem);
    exchange.problem ??= problem;
    exchange.forwarded = false;
    exchange.cancellation.cancel();
  };
  body.receive({
    write: (piece) => {
      if (refused) return true;
      if (search.find(piece.toString('latin1'))) refuse();
      else passed.push(piece);
      seen += piece.length;
      if (seen >= HELD_BYTES) resolve(passed);
      return refused || (flowing && (seen < HELD_BYTES || !passed.held));
    },
    end: () => {
      if (refused) return;
      if (search.end()) refuse();
      else passed.finish();
      resolve(passed);
    },
    cut: () => {
      passed.cut();
      resolve(passed);
    },
  });
  return promise;
}
