/** Reading the one bearer token of a request from its raw header fields, RFC 6750 section 2.1 and RFC 9110 section 11. */
import { Problem } from '../problem.ts';

export interface BearerOptions {
  /** Compared without case; `Authorization` by default. */
  readonly header?: string;
  /** Compared without case; `Bearer` by default. */
  readonly scheme?: string;
}

/**
 * Printable ASCII without a comma, so that a list of credentials is never taken for a token, and without outer blanks. A JSON
 * serialisation is let through although it has commas, and so is what has a blank inside: the token reader refuses them by name.
 */
const CREDENTIALS = /^(?! )(?:[\x20-\x2b\x2d-\x7e]+|\{[\x20-\x7e]*)(?<! )$/;

/**
 * The token of the only field of that name, as sent.
 *
 * @param rawHeaders names and values alternating, as `IncomingMessage.rawHeaders`
 * @throws Problem `token_missing` (none, or another scheme), `duplicate_header`, `authorization_malformed`
 */
export function readBearer(rawHeaders: readonly string[], options: BearerOptions = {}): string {
  const { header = 'Authorization' } = options;
  return readCredentials(fieldValues(rawHeaders, header.toLowerCase()), options);
}

/**
 * The token of the only value of the field, for servers that have the values of a field at hand.
 *
 * @param values of every field of that name, as sent
 * @throws Problem as {@link readBearer}
 */
export function readCredentials(values: readonly string[], options: BearerOptions = {}): string {
  const { header = 'Authorization', scheme = 'Bearer' } = options;
  const [value, another] = values;
  if (value === undefined) throw new Problem('token_missing', `no ${header} header`);
  if (another !== undefined) throw new Problem('duplicate_header', `${header} was sent more than once`);
  const space = value.indexOf(' ');
  const sentScheme = space < 0 ? value : value.slice(0, space);
  if (sentScheme.toLowerCase() !== scheme.toLowerCase()) {
    // "Bearer<TAB>token" is a spoiled bearer token, "Basic dTpw" is none
    if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(sentScheme)) {
      throw new Problem('token_missing', `another scheme than ${scheme} in ${header}`);
    }
    throw new Problem('authorization_malformed', `${header} does not start with a scheme and one space`);
  }
  const token = space < 0 ? '' : value.slice(space + 1);
  if (!CREDENTIALS.test(token))
    throw new Problem('authorization_malformed', `${header} is not one scheme and one token`);
  return token;
}

function fieldValues(rawHeaders: readonly string[], lowerName: string): string[] {
  const values: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(rawHeaders[index + 1] ?? '');
  }
  return values;
}
