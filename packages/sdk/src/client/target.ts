/** The one service that a client calls: where it is, and which URLs are still it. */
import { isLoopback } from '../jwt/secure-url.ts';
import { excerpt } from '../x509/excerpt.ts';

export interface TargetRules {
  /** The sidecar beside this process makes the connection safe. */
  readonly mesh: boolean;
  /** Plain HTTP to this machine. */
  readonly development: boolean;
}

export interface Target {
  readonly origin: string;
  /** @throws TypeError when it would be another service, or another part of this one */
  resolve(path: string | URL): URL;
}

/** @throws TypeError on a URL that no client may call */
export function readTarget(text: string, { mesh, development }: TargetRules): Target {
  const base = URL.parse(text);
  if (base === null) throw new TypeError(`target ${excerpt(text)} is not a URL`);
  if (base.username !== '' || base.password !== '') throw new TypeError('a target must not hold credentials');
  if (base.search !== '' || base.hash !== '') throw new TypeError(`target ${excerpt(text)} must end with its path`);
  checkScheme(base, { mesh, development });
  const prefix = base.pathname.replace(/\/$/, '');
  return {
    origin: base.origin,
    resolve(path) {
      const url = path instanceof URL ? path : resolved(path, base.origin, prefix);
      const inside = url.pathname === prefix || url.pathname.startsWith(`${prefix}/`);
      if (url.origin !== base.origin || !inside || url.username !== '' || url.password !== '') {
        throw new TypeError(
          `${excerpt(String(path))} is not below ${base.origin}${prefix}: a client calls its own target alone`,
        );
      }
      return url;
    },
  };
}

function checkScheme({ protocol, hostname, origin }: URL, { mesh, development }: TargetRules): void {
  if (protocol === 'https:') {
    if (mesh) throw new TypeError(`${origin}: with mesh: true the sidecar speaks TLS, so the target is http://`);
    return;
  }
  if (protocol !== 'http:') throw new TypeError(`${origin}: a target is https://`);
  if (mesh || (development && isLoopback(hostname))) return;
  throw new TypeError(
    `${origin}: calls between services are encrypted, so http:// is refused. ` +
      'Use https://, mesh: true behind a sidecar, or development: true for a loopback host',
  );
}

function resolved(path: string, origin: string, prefix: string): URL {
  const url = URL.canParse(path)
    ? URL.parse(path)
    : URL.parse(`${origin}${prefix}${path.startsWith('/') ? '' : '/'}${path}`);
  if (url === null) throw new TypeError(`${excerpt(path)} is not a path`);
  return url;
}
