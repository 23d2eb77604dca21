/** Takes values out of audit records that nobody is to read there. Fails closed: a record that cannot be masked is not written. */
import { asciiJson } from '../telemetry/ascii-json.ts';

const MASKED = '[masked]';

/** Where a value is: the names of members, from the record inwards. */
export type MemberPath = readonly string[];

/** @param line one record, without its line end */
export function maskedLine(line: string, paths: readonly MemberPath[]): string {
  const record = JSON.parse(line) as Record<string, unknown>;
  for (const path of paths) mask(record, path);
  return asciiJson(record);
}

function mask(value: unknown, [name, ...inner]: MemberPath): void {
  if (name === undefined || typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return;
  const members = value as Record<string, unknown>;
  if (inner.length === 0) members[name] = MASKED;
  else mask(members[name], inner);
}
