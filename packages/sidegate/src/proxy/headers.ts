/** Builds the field lines of a forwarded message: strip, then set. */
import { type Fields, fieldLine } from '../net/fields.ts';

/** Replaces whatever was received under its name. */
export type SetField = readonly [name: string, lowerName: string, value: string];

export interface HeaderShape {
  /** Tells by lower-case name what must not pass; what frames the message and `Host` never do. */
  readonly stripped: (lowerName: string) => boolean;
  readonly set: readonly SetField[];
}

/** Written anew by whoever sends the message. */
const REWRITTEN: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'host']);

/** @returns lines for the wire, the passed fields first and in their order */
export function shapedLines(fields: Fields, { stripped, set }: HeaderShape): string {
  let lines = fields.lines((name) => !REWRITTEN.has(name) && !isSet(set, name) && !stripped(name));
  for (const [name, , value] of set) lines += fieldLine(name, value);
  return lines;
}

function isSet(set: HeaderShape['set'], lowerName: string): boolean {
  for (const [, name] of set) if (name === lowerName) return true;
  return false;
}
