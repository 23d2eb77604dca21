/**
 * Headers by which a service would recognise a caller. They are set by us or removed, never passed through:
 * whatever the client sent under one of these names, or under a name that looks like one, does not arrive.
 */
import { Problem } from '@sidegate/sdk';
import type { RawHeaders } from '../net/raw-headers.ts';

/** Removed at every hop; a name ending in `-` stands for the whole family. */
const RESERVED: readonly string[] = [
  'x-user-',
  'x-original-',
  'x-service-',
  'x-auth-',
  'x-forwarded-',
  'x-envoy-',
  'x-ssl-',
  'x-sidegate-',
  'x-real-ip',
  'x-client-cn',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-rewrite-url',
  'forwarded',
  'client-cert',
  'client-cert-chain',
  'early-data',
];

const FAMILIES = RESERVED.filter((name) => name.endsWith('-'));
const NAMES: ReadonlySet<string> = new Set(RESERVED.filter((name) => !name.endsWith('-')));

/** `configured`: lower-case names that this sidecar sets itself. */
export function isIdentityHeader(lowerName: string, configured: ReadonlySet<string>): boolean {
  return NAMES.has(lowerName) || configured.has(lowerName) || FAMILIES.some((family) => lowerName.startsWith(family));
}

/**
 * CGI-like programs read `X_User_ID` and `X.User.Id` as `X-User-ID`, so such look-alikes are refused.
 *
 * @throws Problem `header_name_ambiguous` or `header_value_invalid`
 */
export function refuseLookAlikes(headers: RawHeaders, configured: ReadonlySet<string>): void {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const lower = name.toLowerCase();
    if (/[^a-z0-9-]/.test(lower)) {
      const folded = lower.replaceAll(/[^a-z0-9]/g, '-');
      if (isIdentityHeader(folded, configured)) {
        throw new Problem(
          'header_name_ambiguous',
          `the header "${name.slice(0, 64)}" looks like "${folded.slice(0, 64)}"`,
        );
      }
    } else if (isIdentityHeader(lower, configured) && /[^\x20-\x7e]/.test(headers[i + 1] ?? '')) {
      throw new Problem('header_value_invalid', `the identity header "${name.slice(0, 64)}" has a byte outside ASCII`);
    }
  }
}
