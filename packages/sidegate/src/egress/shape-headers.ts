/** Stage 3: the header fields that leave: the app's, without any credential or identity of its own making, and ours. */
import { CORRELATION_HEADER, LOWER_CORRELATION_HEADER } from '../proxy/correlation.ts';
import type { CredentialFields } from '../proxy/credential.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { OutgoingHeaders } from '../proxy/forward.ts';
import { setField, shapedLines } from '../proxy/headers.ts';
import type { IdentityHeaders } from '../proxy/identity-headers.ts';
import { transactionField } from '../proxy/transaction-token.ts';
import { formatTraceparent } from '../telemetry/trace-context.ts';

/** The app names the user for whom it calls; whether that is believed is the next ingress's decision. */
const SPOKEN_BY_THE_APP = 'x-user-context';

const NEVER_FORWARDED: ReadonlySet<string> = new Set(['authorization', 'dpop', 'expect', 'cookie']);

export function shapeHeaders(
  exchange: Exchange,
  { hopByHop, identityHeaders }: { readonly hopByHop: ReadonlySet<string>; readonly identityHeaders: IdentityHeaders },
  credential: CredentialFields,
): OutgoingHeaders {
  const stripped = (name: string): boolean =>
    name !== SPOKEN_BY_THE_APP && (NEVER_FORWARDED.has(name) || hopByHop.has(name) || identityHeaders.has(name));
  const lines = shapedLines(exchange.fields, {
    stripped,
    set: [
      ...(exchange.transaction === undefined ? [] : [transactionField(exchange.transaction.text)]),
      ...credential,
      setField(CORRELATION_HEADER, exchange.correlationId, LOWER_CORRELATION_HEADER),
      setField('traceparent', formatTraceparent(exchange.trace), 'traceparent'),
    ],
  });
  return { lines, host: undefined };
}
