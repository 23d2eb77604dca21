/** Builds the header fields of a forwarded message: strip, then set. */
import type { RawHeaders } from '../net/raw-headers.ts';

export interface HeaderShape {
  /** Tells by lower-case name what must not pass. */
  readonly stripped: (lowerName: string) => boolean;
  /** Set after stripping; each name replaces whatever the client sent under it. */
  readonly set: readonly (readonly [name: string, value: string])[];
}

/** @returns `[name, value, …]` for the wire, the passed fields first and in their order */
export function shapedHeaders(headers: RawHeaders, shape: HeaderShape): string[] {
  const replaced = new Set(shape.set.map(([name]) => name.toLowerCase()));
  const shaped: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const lower = name.toLowerCase();
    if (!replaced.has(lower) && !shape.stripped(lower)) shaped.push(name, headers[i + 1] ?? '');
  }
  for (const [name, value] of shape.set) shaped.push(name, value);
  return shaped;
}
