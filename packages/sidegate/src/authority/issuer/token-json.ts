/** The parameters of a token request as JSON: no standard, only for realms that say that their clients are old (`sidegate.json_token_endpoint`). */
import { isJsonObject, JsonError, parseStrictJson } from '@sidegate/sdk';
import { OAuthError } from './oauth-error.ts';
import { MAX_PARAMETERS, type TokenForm } from './token-form.ts';

export function isJsonBody(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;\s*charset=utf-8\s*)?$/i.test(contentType ?? '');
}

/** One object of texts, each as it could stand in a form. @throws OAuthError `invalid_request` */
export function parseTokenJson(body: Buffer): TokenForm {
  const value = parsed(body);
  if (!isJsonObject(value)) throw refused();
  const members = Object.entries(value);
  if (members.length > MAX_PARAMETERS) throw new OAuthError('invalid_request', 'too many parameters');
  const form = new Map<string, string>();
  for (const [name, text] of members) {
    // oxlint-disable-next-line no-control-regex -- control characters are what must not pass
    if (typeof text !== 'string' || /[\x00-\x1f\x7f]/.test(name + text)) throw refused();
    if (text !== '') form.set(name, text);
  }
  return form;
}

function parsed(body: Buffer): ReturnType<typeof parseStrictJson> {
  try {
    return parseStrictJson(body);
  } catch (error) {
    if (error instanceof JsonError) throw refused();
    throw error;
  }
}

const refused = (): OAuthError => new OAuthError('invalid_request', 'the body must be one JSON object of texts');
