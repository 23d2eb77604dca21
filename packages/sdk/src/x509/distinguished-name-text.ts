/**
 * Distinguished names as people write them: `CN=api-gateway-client,O=MyOrg`, with the escapes of RFC 4514.
 * Unescaped spaces around names and values are dropped, so OpenSSL's `CN = a, O = b` reads the same.
 */
import { ATTRIBUTE_TYPES, type DistinguishedName, type NameAttribute } from './distinguished-name.ts';

/** Why a text is not a distinguished name, for the person who wrote it. */
export class DistinguishedNameError extends Error {
  override readonly name = 'DistinguishedNameError';
}

const OID = /^[0-2](\.(0|[1-9]\d*))+$/;
const TYPES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(ATTRIBUTE_TYPES),
  ['E', ATTRIBUTE_TYPES.EMAILADDRESS],
]);

/**
 * Reads a distinguished name.
 *
 * @throws DistinguishedNameError
 * @example
 * ```ts
 * parseDistinguishedName('CN=api-gateway-client,O=MyOrg').length; // 2
 * ```
 */
export function parseDistinguishedName(text: string): DistinguishedName {
  return splitUnescaped(text, ',').map((rdn) => splitUnescaped(rdn, '+').map(parseAttribute));
}

/** Splits at the separators that no backslash precedes; the parts keep their escapes. */
function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === separator) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function parseAttribute(text: string): NameAttribute {
  const equals = text.indexOf('=');
  if (equals === -1) throw new DistinguishedNameError(`${JSON.stringify(text.trim())} is not of the form NAME=value`);
  const name = text.slice(0, equals).trim();
  const type = TYPES.get(name.toUpperCase()) ?? (OID.test(name) ? name : undefined);
  if (type === undefined) {
    const known = [...TYPES.keys()].join(', ');
    throw new DistinguishedNameError(`${JSON.stringify(name)} is not one of ${known} or a dotted number`);
  }
  return { type, value: parseValue(text.slice(equals + 1), name) };
}

/** RFC 4514 section 2.4: a backslash before a special character, or before two hexadecimal digits of UTF-8. */
function parseValue(escaped: string, name: string): string {
  const text = withoutOuterBlanks(escaped);
  if (text === undefined) throw new DistinguishedNameError(`the value of ${name} ends in a lone backslash`);
  if (text === '') throw new DistinguishedNameError(`${name} has no value`);
  if (text.startsWith('#'))
    throw new DistinguishedNameError(`${name} has a value in hexadecimal DER; write it as text`);
  const bytes: Buffer[] = [];
  for (const [, pair, special, invalid, plain = ''] of text.matchAll(
    /\\([\da-f]{2})|\\([ "#+,;<=>\\])|(\\.|[";<>])|([^\\";<>]+)/gis,
  )) {
    if (invalid !== undefined)
      throw new DistinguishedNameError(`${name} has a wrong escape at ${JSON.stringify(invalid)}`);
    bytes.push(pair === undefined ? Buffer.from(special ?? plain) : Buffer.from(pair, 'hex'));
  }
  return checkedText(Buffer.concat(bytes), name);
}

/** Escaped blanks stay; undefined when the last backslash escapes nothing. One pass, however many blanks there are. */
function withoutOuterBlanks(escaped: string): string | undefined {
  const start = escaped.search(/[^ ]/);
  let end = 0;
  for (let index = Math.max(start, 0); index < escaped.length; index++) {
    if (escaped[index] === ' ') continue;
    if (escaped[index] === '\\') index++;
    end = index + 1;
  }
  if (end > escaped.length) return undefined;
  return escaped.slice(Math.max(start, 0), end);
}

function checkedText(bytes: Buffer, name: string): string {
  let value: string;
  try {
    value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DistinguishedNameError(`the value of ${name} is not UTF-8`, { cause });
  }
  if (/\p{Cc}/u.test(value)) {
    throw new DistinguishedNameError(
      `the value of ${name} has a control character; commas separate the parts of a name`,
    );
  }
  return value;
}
