/** A path for records and spans, which many may read: without whatever a client took for a good place for its token. */

/** A compact JWS, or what is called a token. */
const TOKEN = /eyJ[\w-]+\.[\w-]+\.[\w-]*|access_token(?:=|%3d)[^/]+/gi;
/** Where a program may see the path end: what follows is a query, a fragment or a parameter to it, and can hold anything. */
const END = /[?#;\\]|%(?:3f|23|3b)/i;

/** Of a path that was found to be one. */
export function shownPath(path: string): string {
  return path.replaceAll(TOKEN, '[token]');
}

/** Of a target that nobody has judged; an absolute one could hold a password, and is left out. */
export function shownTarget(target: string): string {
  if (!target.startsWith('/')) return '';
  const end = target.search(END);
  return shownPath(end < 0 ? target : target.slice(0, end));
}
