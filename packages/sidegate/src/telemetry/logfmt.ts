/** Audit records for a person who watches: `key=value` pairs on one line, dots for what is inside, nothing that could end a line. */
import { asciiJson } from './ascii-json.ts';

const PLAIN = /^[\x21\x23-\x3c\x3e-\x5b\x5d-\x7e]+$/;

/** @param lines JSON records, each with its line end */
export function logfmt(lines: string): string {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `${[...pairs(JSON.parse(line), '')].join(' ')}\n`)
    .join('');
}

function* pairs(value: unknown, key: string): Generator<string> {
  if (typeof value !== 'object' || value === null) {
    yield `${shown(key)}=${typeof value === 'string' ? shown(value) : String(value)}`;
    return;
  }
  for (const [name, member] of Object.entries(value)) yield* pairs(member, key === '' ? name : `${key}.${name}`);
}

function shown(text: string): string {
  return PLAIN.test(text) ? text : asciiJson(text);
}
