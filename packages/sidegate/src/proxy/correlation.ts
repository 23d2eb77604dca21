/** `X-Correlation-ID`: one id over all hops, kept when it is harmless, made when it is not there. */
import { headerValues, type RawHeaders } from '../net/raw-headers.ts';
import type { RandomHex } from '../telemetry/trace-context.ts';

export const CORRELATION_HEADER = 'X-Correlation-ID';

const HARMLESS = /^[\w.-]{1,128}$/;

export function correlationIdOf(headers: RawHeaders, randomHex: RandomHex): string {
  const [value, ...others] = headerValues(headers, 'x-correlation-id');
  return value !== undefined && others.length === 0 && HARMLESS.test(value) ? value : `req-${randomHex(12)}`;
}
