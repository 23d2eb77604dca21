/** How long a request body is, in the one way that leaves no second reading: RFC 9112 section 6. */
import { Problem } from '@sidegate/sdk';
import { trimmed } from './fields.ts';
import type { RequestHead } from './request-head.ts';

/**
 * @returns bytes, or `chunked`; undefined when no body is announced
 * @throws Problem `framing_invalid` or `transfer_encoding_unsupported`
 */
export function requestFraming({ version, fields }: RequestHead): number | 'chunked' | undefined {
  const codings = fields.all('transfer-encoding');
  const lengths = fields.all('content-length');
  if (codings.length === 0 && lengths.length === 0) return undefined;
  // RFC 9110 lets it stand around a value; readers disagree on it, and nobody needs it there.
  if (fields.hasTab('transfer-encoding') || fields.hasTab('content-length')) {
    throw new Problem('framing_invalid', 'a tab in a field that frames the message');
  }
  if (codings.length === 0) return contentLength(lengths);
  if (version !== '1.1') throw new Problem('framing_invalid', `Transfer-Encoding on HTTP/${version}`);
  if (lengths.length > 0) throw new Problem('framing_invalid', 'Transfer-Encoding beside Content-Length');
  if (codings.length === 1 && codings[0]?.toLowerCase() === 'chunked') return 'chunked';
  throw codingProblem(codings);
}

function contentLength(values: readonly string[]): number {
  const [value = '', ...others] = values;
  if (others.length > 0 || !/^\d{1,15}$/.test(value)) {
    throw new Problem('framing_invalid', 'a Content-Length that is not one number');
  }
  return Number(value);
}

/** Before the final `chunked` these are no codings that we lack, but mistakes. */
const AMBIGUOUS: ReadonlySet<string> = new Set(['chunked', 'identity']);
const CODING = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

function codingProblem(fields: readonly string[]): Problem {
  const codings = fields.flatMap((field) => field.split(',')).map((coding) => trimmed(coding).toLowerCase());
  const others = codings.slice(0, -1);
  if (codings.at(-1) === 'chunked' && others.every((coding) => CODING.test(coding) && !AMBIGUOUS.has(coding))) {
    return new Problem('transfer_encoding_unsupported', 'a transfer coding besides chunked');
  }
  return new Problem('framing_invalid', 'Transfer-Encoding is not "chunked" once');
}
