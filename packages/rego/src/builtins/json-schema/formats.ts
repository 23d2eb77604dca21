/** The values that `format` knows; an unknown format accepts everything. */
import { RE2JS } from 're2js';
import { parseAddress } from '../ip.ts';
import { isUri } from '../uri.ts';

const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', isDate],
  ['time', isTime],
  ['date-time', isDateTime],
  [
    'hostname',
    (text) => text.length <= 255 && /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\.?$/.test(text),
  ],
  ['email', isEmail],
  ['idn-email', isEmail],
  ['ipv4', (text) => !text.includes(':') && parseAddress(text) !== undefined],
  ['ipv6', (text) => text.includes(':') && parseAddress(text) !== undefined],
  ['uri', (text) => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && !text.includes('\\') && isUri(text)],
  ['iri', (text) => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && isUri(text)],
  ['uri-reference', (text) => !text.includes('\\') && isUri(text)],
  ['iri-reference', (text) => !text.includes('\\') && isUri(text)],
  ['uuid', (text) => /^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/i.test(text)],
  ['regex', isPattern],
  ['json-pointer', (text) => /^(?:\/(?:[^/~]|~[01])*)*$/.test(text)],
  ['relative-json-pointer', (text) => /^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^/~]|~[01])*)*)$/.test(text)],
]);

export function hasFormat(text: string, format: string): boolean {
  return FORMATS.get(format)?.(text) ?? true;
}

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isTime(text: string): boolean {
  return /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?$/.test(text);
}

function isDateTime(text: string): boolean {
  const [date = '', time = ''] = text.split(/[Tt]/);
  return isDate(date) && /(?:[Zz]|[+-]\d{2}:\d{2})$/.test(time) && isTime(time.toUpperCase());
}

function isEmail(text: string): boolean {
  return /^[^\s@<>()[\],;:\\"]+@[^\s@<>()[\],;:\\"]+$/.test(text);
}

function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text);
    return true;
  } catch {
    return false;
  }
}
