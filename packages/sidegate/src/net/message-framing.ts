/**
 * How long a request body is, in the one way that leaves no second reading: RFC 9112 section 6.
 * llhttp refuses contradictions; what it would take and another parser might not, is refused here.
 */
import { Problem } from '@sidegate/sdk';
import { headerValues, type RawHeaders } from './raw-headers.ts';

/** @throws Problem `framing_invalid` or `transfer_encoding_unsupported` */
export function refuseDoubtfulFraming(httpVersion: string, headers: RawHeaders): void {
  const fields = headerValues(headers, 'transfer-encoding');
  if (fields.length === 0) return;
  if (httpVersion !== '1.1') throw new Problem('framing_invalid', `Transfer-Encoding on HTTP/${httpVersion}`);
  if (fields.length === 1 && fields[0]?.toLowerCase() === 'chunked') return;
  const codings = fields.flatMap((field) => field.split(',')).map((coding) => coding.trim().toLowerCase());
  const others = codings.slice(0, -1);
  if (codings.at(-1) === 'chunked' && others.every((coding) => !AMBIGUOUS.has(coding))) {
    throw new Problem('transfer_encoding_unsupported', 'a transfer coding besides chunked');
  }
  throw new Problem('framing_invalid', 'Transfer-Encoding is not "chunked" once');
}

/** Before the final `chunked` these are no codings that we lack, but mistakes. */
const AMBIGUOUS: ReadonlySet<string> = new Set(['', 'chunked', 'identity']);
