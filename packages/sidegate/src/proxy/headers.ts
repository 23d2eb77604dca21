/** Builds the field lines of a forwarded message: strip, then set. */
import { type Fields, fieldLine } from '../net/fields.ts';

/** Replaces whatever was received under its name. */
export interface SetField {
  readonly lowerName: string;
  /** With its CRLF. */
  readonly line: string;
}

/** @throws Error when the value could end a line */
export function setField(name: string, value: string, lowerName: string = name.toLowerCase()): SetField {
  return { lowerName, line: fieldLine(name, value) };
}

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
  for (const { line } of set) lines += line;
  return lines;
}

function isSet(set: HeaderShape['set'], lowerName: string): boolean {
  for (const field of set) if (field.lowerName === lowerName) return true;
  return false;
}
