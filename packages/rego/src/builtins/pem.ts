/** PEM blocks (RFC 7468), found as Go's encoding/pem finds them. */
import { decodeBase64 } from './base64.ts';
import { BuiltinError } from './builtin.ts';

export interface PemBlock {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** The block's own text, from BEGIN to END. */
  readonly text: string;
  /** What follows the line of its END. */
  readonly rest: string;
}

const BLOCK = /(?:^|\n)(-----BEGIN ([^\n-]*)-----[ \t\r]*\n([\s\S]*?)\n?-----END \2-----)[ \t\r]*(?:\n|$)/;

/** The first well-formed block of the text. */
export function firstPemBlock(text: string): PemBlock | undefined {
  const match = BLOCK.exec(text);
  if (match === null) return undefined;
  const [whole, block = '', type = '', body = ''] = match;
  const rest = text.slice(match.index + whole.length);
  const bytes = decodeBody(body);
  return bytes === undefined ? firstPemBlock(rest) : { type, bytes, text: block, rest };
}

/** Headers (`Proc-Type: …`) end with an empty line; the remainder is base64. */
function decodeBody(body: string): Uint8Array | undefined {
  const lines = body.split('\n').map((line) => line.trim());
  const start = lines[0]?.includes(':') === true ? lines.indexOf('') + 1 : 0;
  try {
    return decodeBase64(lines.slice(start).join(''), 'base64');
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}
