/**
 * The compact serialisation of a JWS, RFC 7515 sections 3.1 and 4, read so that each token has one spelling.
 * Nothing here looks at keys or claims; header members that name keys (`jwk`, `jku`, `x5u`, `x5c`) are not even read.
 */
import { Problem } from '../problem.ts';
import { decodeBase64url } from './base64url.ts';
import { hasControlCharacters } from './control-characters.ts';
import { isJsonObject, JsonError, type JsonObject, parseStrictJson } from './strict-json.ts';

export interface CompactSegments {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
  /** Header and payload as they were signed, with the dot between them. */
  readonly signingInput: string;
}

export interface JoseHeader {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
}

const MAX_TOKEN_CHARACTERS = 8192;
const MAX_KID_CHARACTERS = 256;
/** Members that ask for decryption, decompression or a payload that is not base64url. */
const UNSUPPORTED_MEMBERS: readonly string[] = ['b64', 'zip', 'enc', 'p2c', 'p2s', 'epk', 'apu', 'apv', 'iv', 'tag'];

/**
 * Cuts a token at its two dots; size first, nothing is decoded.
 *
 * @throws Problem `token_too_large`, `token_malformed`
 */
export function splitCompact(token: string): CompactSegments {
  if (token.length > MAX_TOKEN_CHARACTERS) {
    throw new Problem('token_too_large', `token of ${token.length} characters, at most ${MAX_TOKEN_CHARACTERS}`);
  }
  const first = token.indexOf('.');
  const second = first < 0 ? -1 : token.indexOf('.', first + 1);
  if (second < 0 || token.includes('.', second + 1)) {
    throw new Problem('token_malformed', 'a compact JWS has exactly three segments');
  }
  return {
    header: token.slice(0, first),
    payload: token.slice(first + 1, second),
    signature: token.slice(second + 1),
    signingInput: token.slice(0, second),
  };
}

/**
 * The protected header, after everything that it must not ask for is refused.
 *
 * @throws Problem `token_malformed`, `token_duplicate_member`, `token_header_unsupported`, `token_crit_unsupported`
 */
export function readHeader(segment: string): JoseHeader {
  return readJoseHeader(readHeaderMembers(segment));
}

/**
 * The members of the protected header, for who has to read more of them than the name of the key.
 *
 * @throws Problem as {@link readHeader}
 */
export function readHeaderMembers(segment: string): JsonObject {
  const header = readJsonObject(segment, 'header');
  const unsupported = UNSUPPORTED_MEMBERS.find((name) => header[name] !== undefined);
  if (unsupported !== undefined) throw new Problem('token_header_unsupported', `header member ${unsupported}`);
  // We understand no extension, so whatever it lists (or fails to list) cannot be honoured: RFC 7515 section 4.1.11.
  if (header['crit'] !== undefined) throw new Problem('token_crit_unsupported', 'header member crit');
  return header;
}

function readJoseHeader({ alg, kid, typ }: JsonObject): JoseHeader {
  if (typeof alg !== 'string') throw new Problem('token_malformed', 'alg is not a string');
  if (typ !== undefined && typeof typ !== 'string') throw new Problem('token_malformed', 'typ is not a string');
  if (kid !== undefined && !isKeyId(kid)) {
    throw new Problem('token_malformed', `kid is not a string of 1 to ${MAX_KID_CHARACTERS} printable characters`);
  }
  return Object.freeze({ alg, kid, typ });
}

/**
 * The claims of a payload segment.
 *
 * @throws Problem `token_malformed`, `token_duplicate_member`, `token_claim_type` (a number out of range)
 */
export function readClaims(segment: string): JsonObject {
  return readJsonObject(segment, 'payload');
}

/**
 * The bytes of a segment.
 *
 * @throws Problem `token_malformed` when it is empty or not canonical base64url
 */
export function decodeSegment(segment: string, what: string): Buffer {
  const bytes = decodeBase64url(segment);
  if (bytes === undefined || bytes.length === 0) {
    throw new Problem('token_malformed', `the ${what} is empty or not canonical base64url`);
  }
  return bytes;
}

function readJsonObject(segment: string, what: 'header' | 'payload'): JsonObject {
  const bytes = decodeSegment(segment, what);
  try {
    const value = parseStrictJson(bytes);
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (error.kind === 'duplicate_member') throw new Problem('token_duplicate_member', `${what}: ${error.message}`);
    if (error.kind === 'number_range' && what === 'payload') throw new Problem('token_claim_type', error.message);
    throw new Problem('token_malformed', `${what}: ${error.message}`);
  }
  throw new Problem('token_malformed', `the ${what} is not a JSON object`);
}

function isKeyId(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.length <= MAX_KID_CHARACTERS && !hasControlCharacters(value)
  );
}
