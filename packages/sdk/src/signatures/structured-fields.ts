/** Structured fields, RFC 9651, read so that every reader of the same bytes understands the same. */
import {
  type Dictionary,
  type Item,
  type List,
  parseDictionary,
  parseItem,
  parseList,
  serializeDictionary,
  serializeItem,
  serializeList,
} from 'structured-headers';
import { Problem } from '../problem.ts';

export type StructuredType = 'dictionary' | 'list' | 'item';

const MAX_FIELD_LENGTH = 16_384;

/**
 * The grammar lets a later member or parameter replace an earlier one of its name, and one value be written in several
 * ways. Two readers may then disagree on what was signed, so only white space may differ from the canonical form.
 *
 * @throws Problem `invalid_request` for what is not of this type, `signature_invalid` for what has a second reading
 */
export function readDictionary(text: string, field: string): Dictionary {
  const dictionary = parsed(text, field, parseDictionary);
  requireCanonical(
    text,
    serialized(field, () => serializeDictionary(dictionary)),
    field,
  );
  return dictionary;
}

/** The one canonical form of a field, for the parameter `sf`. */
export function canonicalField(text: string, type: StructuredType, field: string): string {
  const canonical = CANONICAL[type](text, field);
  requireCanonical(text, canonical, field);
  return canonical;
}

const CANONICAL: Readonly<Record<StructuredType, (text: string, field: string) => string>> = {
  dictionary: (text, field) => {
    const value: Dictionary = parsed(text, field, parseDictionary);
    return serialized(field, () => serializeDictionary(value));
  },
  list: (text, field) => {
    const value: List = parsed(text, field, parseList);
    return serialized(field, () => serializeList(value));
  },
  item: (text, field) => {
    const value: Item = parsed(text, field, parseItem);
    return serialized(field, () => serializeItem(value));
  },
};

function parsed<Value>(text: string, field: string, parse: (text: string) => Value): Value {
  if (text.length > MAX_FIELD_LENGTH) {
    throw new Problem('invalid_request', `${field} is longer than ${MAX_FIELD_LENGTH} characters`);
  }
  try {
    return parse(text);
  } catch (cause) {
    throw new Problem('invalid_request', `${field} is not the structured field it must be`, { cause });
  }
}

function serialized(field: string, serialize: () => string): string {
  try {
    return serialize();
  } catch (cause) {
    throw new Problem('invalid_request', `${field} has a value that cannot be written back`, { cause });
  }
}

function requireCanonical(text: string, canonical: string, field: string): void {
  if (withoutSpace(text) === withoutSpace(canonical)) return;
  throw new Problem('signature_invalid', `${field} names something twice or writes a value in an unusual way`);
}

/** White space outside quoted strings dropped. */
function withoutSpace(text: string): string {
  return text.replaceAll(/("(?:[^"\\]|\\.)*")|[ \t]+/g, (_, quoted: string | undefined) => quoted ?? '');
}
