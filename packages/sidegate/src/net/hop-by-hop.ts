/** Connection-specific fields that end at this hop: RFC 9110 section 7.6.1. */
import { Problem, type ProblemCode } from '@sidegate/sdk';
import type { Fields } from './fields.ts';

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Naming one of these in `Connection` would make us drop what the next hop decides by. */
const NEVER_AN_OPTION: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'content-type',
  'cookie',
  'forwarded',
  'host',
  'x-forwarded-client-cert',
  'client-cert',
]);

/**
 * The lower-case names that must not be forwarded with this message.
 *
 * @throws Problem with the code `refusal` when `Connection` names an end-to-end field that matters
 */
export function hopByHopNames(fields: Fields, refusal: ProblemCode): ReadonlySet<string> {
  const options = fields.tokens('connection');
  if (options.every((name) => HOP_BY_HOP.has(name) || name === 'close')) return HOP_BY_HOP;
  const forbidden = options.find((name) => NEVER_AN_OPTION.has(name));
  if (forbidden !== undefined) {
    throw new Problem(refusal, `Connection names the end-to-end header "${forbidden}"`);
  }
  return new Set([...HOP_BY_HOP, ...options]);
}
