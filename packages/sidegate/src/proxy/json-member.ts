/** Members of a JSON object as text of printable ASCII: nothing in it can end a line, colour a terminal or turn its direction. */
import { asciiJson } from '../telemetry/ascii-json.ts';

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** How much of a text, and how many members of a list, are written. */
export interface MemberLimits {
  readonly text: number;
  readonly list: number;
}

/** @returns `"…"`, shortened to the limit */
export function quoted(value: string, { text }: MemberLimits): string {
  const bounded = value.length <= text ? value : `${value.slice(0, text)}…`;
  return PLAIN.test(bounded) ? `"${bounded}"` : asciiJson(bounded);
}

/**
 * @param key with its comma and its colon: `,"path":`
 * @returns nothing for what is undefined
 */
export function textMember(key: string, value: string | undefined, limits: MemberLimits): string {
  return value === undefined ? '' : key + quoted(value, limits);
}

/** A list of texts. */
export function listMember(key: string, values: readonly string[], limits: MemberLimits): string {
  let members = '';
  const count = Math.min(values.length, limits.list);
  for (let i = 0; i < count; i += 1) members += `${i === 0 ? '' : ','}${quoted(values[i] ?? '', limits)}`;
  return `${key}[${members}]`;
}
