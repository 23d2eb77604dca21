/** The values that `format` knows; an unknown format accepts everything. */
import { RE2JS } from 're2js';
import { parseAddress } from '../ip.ts';
import { isTime } from '../time-parse.ts';
import { isUri, uriPath } from '../uri.ts';

const DATE = '2006-01-02';
/** Longer texts are no addresses that mail could be sent to. */
const MAX_EMAIL = 1_000;

const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', (text) => isTime(DATE, text)],
  ['time', isClock],
  ['date-time', isDateTime],
  [
    'hostname',
    (text) => text.length <= 255 && /^(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*$/.test(text),
  ],
  ['email', isEmail],
  ['idn-email', isEmail],
  ['ipv4', (text) => text.includes('.') && parseAddress(text) !== undefined],
  ['ipv6', (text) => text.includes(':') && parseAddress(text) !== undefined],
  ['uri', (text) => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && !text.includes('\\') && isUri(text)],
  ['iri', (text) => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && !text.includes('\\') && isUri(text)],
  ['uri-reference', (text) => !text.includes('\\') && isUri(text)],
  ['iri-reference', (text) => !text.includes('\\') && isUri(text)],
  ['uri-template', isTemplate],
  ['uuid', (text) => /^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/i.test(text)],
  ['regex', isPattern],
  ['json-pointer', (text) => /^(?:\/(?:[^/~]|~[01])*)*$/.test(text)],
  ['relative-json-pointer', (text) => /^(?:0|[1-9][0-9]*)(?:#|(?:\/(?:[^/~]|~[01])*)*)$/.test(text)],
]);

export function hasFormat(text: string, format: string): boolean {
  return FORMATS.get(format)?.(text) ?? true;
}

function isDateTime(text: string): boolean {
  return isClock(text) || [DATE, `${DATE}T15:04:05Z07:00`].some((layout) => isTime(layout, text));
}

function isClock(text: string): boolean {
  return ['15:04:05Z07:00', '15:04:05'].some((layout) => isTime(layout, text));
}

/** What Go's URL parser takes for a path decides; the braces in it must not nest and must be closed. */
function isTemplate(text: string): boolean {
  return !text.includes('\\') && isUri(text) && /^(?:[^{]|\{[^}]*\})*$/.test(uriPath(text));
}

const ATOM = "[\\w!#$%&'*+\\-/=?^`{|}~\\u0080-\\uffff]+";
const WORD = `(?:${ATOM}|"(?:[^"\\\\]|\\\\.)*")`;
const LOCAL = `(?:${ATOM}(?:\\.${ATOM})*|"(?:[^"\\\\]|\\\\.)*")`;
const ADDRESS = `${LOCAL}@(?:${ATOM}(?:\\.${ATOM})*|\\[[^\\[\\]\\\\]*\\])`;
const EMAIL = new RegExp(`^\\s*(?:${ADDRESS}|(?:${WORD}(?:[ .]+${WORD})* *)?<${ADDRESS}>)\\s*$`);

/** An address, also one in angle brackets after a name (RFC 5322). */
function isEmail(text: string): boolean {
  return text.length <= MAX_EMAIL && EMAIL.test(text);
}

function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text);
    return true;
  } catch {
    return false;
  }
}
