/** Stage 3: the header fields that leave: the app's, without any credential or identity of its own making, and ours. */
import { CORRELATION_HEADER } from '../proxy/correlation.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { shapedHeaders } from '../proxy/headers.ts';
import { isIdentityHeader } from '../proxy/identity-headers.ts';
import { formatTraceparent } from '../telemetry/trace-context.ts';
import type { CredentialFields } from './obtain-credential.ts';

/** The app names the user for whom it calls; whether that is believed is the next ingress's decision. */
const SPOKEN_BY_THE_APP = 'x-user-context';

const NONE: ReadonlySet<string> = new Set();
const NEVER_FORWARDED: ReadonlySet<string> = new Set(['authorization', 'host', 'expect', 'cookie']);

export function shapeHeaders(
  exchange: Exchange,
  hopByHop: ReadonlySet<string>,
  credential: CredentialFields,
): string[] {
  return shapedHeaders(exchange.headers, {
    stripped: (name) =>
      name !== SPOKEN_BY_THE_APP && (NEVER_FORWARDED.has(name) || hopByHop.has(name) || isIdentityHeader(name, NONE)),
    set: [
      ...credential,
      [CORRELATION_HEADER, exchange.correlationId],
      ['traceparent', formatTraceparent(exchange.trace)],
    ],
  });
}
