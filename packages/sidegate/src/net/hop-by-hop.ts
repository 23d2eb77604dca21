/** Connection-specific fields that end at this hop: RFC 9110 section 7.6.1. */
import { Problem, type ProblemCode } from '@sidegate/sdk';
import type { Fields } from './fields.ts';

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
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
  'client-cert',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'forwarded',
  'host',
  'origin',
  'x-forwarded-client-cert',
]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/**
 * The lower-case names that must not be forwarded with this message.
 *
 * @throws Problem with the code `refusal` when `Connection` names an end-to-end field that matters, or no field at all
 */
export function hopByHopNames(fields: Fields, refusal: ProblemCode): ReadonlySet<string> {
  const options = fields.tokens('connection');
  if (options.every((name) => HOP_BY_HOP.has(name) || name === 'close')) return HOP_BY_HOP;
  if (!options.every((name) => TOKEN.test(name))) throw new Problem(refusal, 'Connection is not a list of names');
  const forbidden = options.find((name) => NEVER_AN_OPTION.has(name));
  if (forbidden !== undefined) {
    throw new Problem(refusal, `Connection names the end-to-end header "${forbidden}"`);
  }
  return new Set([...HOP_BY_HOP, ...options]);
}
