/** `X-Correlation-ID`: one id over all hops, kept when it is harmless, made when it is not there. */
import type { Fields } from '../net/fields.ts';
import type { RandomHex } from '../telemetry/trace-context.ts';

export const CORRELATION_HEADER = 'X-Correlation-ID';
export const LOWER_CORRELATION_HEADER = 'x-correlation-id';

const HARMLESS = /^[\w.-]{1,128}$/;

export function correlationIdOf(fields: Fields, randomHex: RandomHex): string {
  const value = fields.single(LOWER_CORRELATION_HEADER);
  return value !== undefined && HARMLESS.test(value) ? value : `req-${randomHex(12)}`;
}
