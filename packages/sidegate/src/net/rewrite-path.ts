/** Path rewriting between the hops: strip whole segments, then prepend. */

export interface PathRewrite {
  readonly stripPrefix?: string;
  readonly rewritePrefix?: string;
}

/** Never empty: what strips to nothing becomes `/`. */
export function rewritePath(path: string, { stripPrefix = '', rewritePrefix = '' }: PathRewrite): string {
  const strip = withoutFinalSlash(stripPrefix);
  const stripped = path === strip || path.startsWith(`${strip}/`) ? path.slice(strip.length) : path;
  const rewritten = `${withoutFinalSlash(rewritePrefix)}${stripped}`;
  return rewritten === '' ? '/' : rewritten;
}

function withoutFinalSlash(prefix: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}
