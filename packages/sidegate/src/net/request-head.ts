/**
 * The head of one HTTP/1.1 request, RFC 9112 sections 3 and 5: strictly less than llhttp takes, since no bare line feed,
 * no folding, no leading blank lines beyond one and no unknown method is let through.
 */
import { METHODS } from 'node:http';
import { Problem } from '@sidegate/sdk';
import { BROKEN_LINES, FieldSyntaxError, type Fields, readFields } from './fields.ts';

export interface RequestHead {
  readonly method: string;
  /** The request target as received. */
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly fields: Fields;
}

/** Every further piece means one more look at all of a head: nobody cuts one up like that but to keep us busy. */
export const MAX_HEAD_PIECES = 1_024;

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
const TARGET_AND_VERSION = /^([\x21-\x7e\x80-\xff]+) HTTP\/(\d\.\d)$/;
const THIS_VERSION = ' HTTP/1.1';
const METHOD_BEGINS = /^[A-Z-]{0,20}(?: |$)/;
const NO_TARGET = /[^\x21-\x7e\x80-\xff]/;

/**
 * Reads a whole head.
 *
 * @param text `bytes` as latin-1, with the empty line that ends the head beginning at `end`
 * @param start of the request line
 * @throws Problem `framing_invalid` or `http_version_unsupported`
 */
export function readRequestHead(bytes: Uint8Array, text: string, start: number, end: number): RequestHead {
  const lineEnd = text.indexOf('\r\n', start);
  const { method, target, version } = readRequestLine(text.slice(start, lineEnd));
  try {
    return { method, target, version, fields: readFields(bytes, text, lineEnd + 2, end + 2) };
  } catch (error) {
    if (error instanceof FieldSyntaxError) throw invalid(error.message);
    throw error;
  }
}

/**
 * What has arrived of a head that is not whole yet: refused as soon as nothing that follows could mend it.
 *
 * @throws Problem `framing_invalid` or `http_version_unsupported`
 */
export function refuseBrokenStart(text: string): void {
  if (BROKEN_LINES.test(text)) throw invalid('a control character, or half a line end');
  const lineEnd = text.indexOf('\r\n');
  if (lineEnd > 0) readRequestLine(text.slice(0, lineEnd));
  else if (lineEnd < 0 && !METHOD_BEGINS.test(text.replace(/\r$/, ''))) throw invalid('no request line');
}

function readRequestLine(line: string): Omit<RequestHead, 'fields'> {
  const blank = line.indexOf(' ');
  const method = line.slice(0, blank);
  if (blank < 0 || !KNOWN_METHODS.has(method)) throw invalid('no request line');
  if (line.endsWith(THIS_VERSION)) {
    const target = line.slice(blank + 1, -THIS_VERSION.length);
    if (target === '' || NO_TARGET.test(target)) throw invalid('no request line');
    return { method, target, version: '1.1' };
  }
  const [, target = '', version] = TARGET_AND_VERSION.exec(line.slice(blank + 1)) ?? [];
  if (version === undefined || version === '0.9') throw invalid('no request line');
  if (version !== '1.0') throw new Problem('http_version_unsupported', `HTTP/${version} on an HTTP/1.1 listener`);
  return { method, target, version };
}

function invalid(what: string): Problem {
  return new Problem('framing_invalid', `the bytes are not an HTTP/1.1 request (${what})`);
}
