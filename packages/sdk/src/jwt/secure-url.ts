/** Where secrets and keys may travel: https, or http to this machine itself. */
import { excerpt } from '../x509/excerpt.ts';

/** @throws TypeError when the URL is not https (or http on a loopback host), or holds credentials */
export function requireSecureUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new TypeError(`${excerpt(text)} is not a URL`);
  if (url.username !== '' || url.password !== '') throw new TypeError('a URL of keys must not hold credentials');
  if (isSecure(url)) return url;
  throw new TypeError(`${excerpt(text)} is neither https nor http on a loopback host`);
}

export function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/** `URL` has already written every form of an IPv4 address as four decimal numbers. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.[0-9]{1,3}){3}$/.test(hostname);
}
