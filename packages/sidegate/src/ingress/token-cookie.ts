/**
 * The token in a cookie, for browsers. They send cookies along with whatever page asks, so one counts only for pages of our own
 * origin and of those that CORS names; without an `Origin`, only for a request that changes nothing. Fails closed.
 */
import { Problem } from '@sidegate/sdk';
import type { Fields } from '../net/fields.ts';
import type { RequestHead } from '../net/request-head.ts';
import { requestedTunnel } from '../net/tunnel.ts';

export interface TokenCookie {
  readonly name: string;
  /** Whether pages of this origin may call with credentials. */
  readonly allowsOrigin: (origin: string) => boolean;
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * @returns the token, undefined when the cookie was not sent
 * @throws Problem `duplicate_header` or `cross_site_request`
 */
export function tokenOfCookie(request: RequestHead, { name, allowsOrigin }: TokenCookie): string | undefined {
  const [token, another] = cookiesOf(request.fields)
    .filter((cookie) => cookie.name === name)
    .map(({ value }) => value);
  if (token === undefined) return undefined;
  if (another !== undefined) throw new Problem('duplicate_header', `the cookie ${name} was sent more than once`);
  refuseCrossSite(request, allowsOrigin);
  return token;
}

/** What is left of `Cookie` without the token; undefined when that is nothing. */
export function otherCookies(fields: Fields, name: string): string | undefined {
  const others = cookiesOf(fields).filter((cookie) => cookie.name !== name);
  return others.length === 0 ? undefined : others.map(({ text }) => text).join('; ');
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  /** As sent. */
  readonly text: string;
}

function cookiesOf(fields: Fields): readonly Cookie[] {
  return fields
    .all('cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const equals = text.indexOf('=');
      const [name, value] = equals < 0 ? ['', text] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
      return { name, value, text };
    });
}

function refuseCrossSite(request: RequestHead, allowsOrigin: TokenCookie['allowsOrigin']): void {
  const { method, fields } = request;
  if (!fields.has('origin')) {
    if (SAFE.has(method) && requestedTunnel(request) === undefined) return;
    throw new Problem('cross_site_request', 'a cookie without an Origin to say which page used it');
  }
  const origin = fields.single('origin') ?? '';
  const [, authority = ''] = /^https?:\/\/(.+)$/.exec(origin) ?? [];
  if (authority === fields.single('host')?.toLowerCase() || allowsOrigin(origin)) return;
  throw new Problem('cross_site_request', 'a cookie that a page of another origin used');
}
