/** Component identifiers, RFC 9421 section 2: what of a message one line of the signature base speaks of. */
import { type Item, type Parameters, parseItem, serializeItem } from 'structured-headers';
import { Problem } from '../problem.ts';

export interface Component {
  /** A field name in lower case, or a derived component such as `@method`. */
  readonly name: string;
  readonly parameters: Parameters;
  /** As it stands in the signature base: `"@query-param";name="Pet"`. */
  readonly identifier: string;
  /** Equal for identifiers that mean the same: the order of parameters does not matter. */
  readonly identity: string;
}

/** Parameter → whether its value is a flag or a string, RFC 9421 section 6.5. */
const FIELD_PARAMETERS: Readonly<Record<string, 'boolean' | 'string'>> = {
  sf: 'boolean',
  key: 'string',
  bs: 'boolean',
  tr: 'boolean',
  req: 'boolean',
};
const DERIVED_PARAMETERS: Readonly<Record<string, 'boolean' | 'string'>> = { req: 'boolean' };
const QUERY_PARAM_PARAMETERS: Readonly<Record<string, 'boolean' | 'string'>> = { req: 'boolean', name: 'string' };

export const DERIVED: ReadonlySet<string> = new Set([
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
  '@query-param',
  '@status',
]);

const FIELD_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]{1,128}$/;

/** @throws Problem `signature_invalid` */
export function readComponent([value, parameters]: Item): Component {
  if (typeof value !== 'string') throw refused('a component identifier is not a string');
  if (!DERIVED.has(value) && !FIELD_NAME.test(value))
    throw refused('a component is neither a field in lower case nor known');
  checkParameters(value, parameters);
  return {
    name: value,
    parameters,
    identifier: serializeItem([value, parameters]),
    identity: identityOf(value, parameters),
  };
}

/** @param text as people write it: `@method`, `content-digest`, `@query-param;name="Pet"` */
export function componentNamed(text: string): Component {
  const end = text.indexOf(';');
  const [name, parameters] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end)];
  try {
    return readComponent(parseItem(`"${name}"${parameters}`));
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('signature_invalid', `${JSON.stringify(text)} is not a component`, { cause });
  }
}

function checkParameters(name: string, parameters: Parameters): void {
  const known = parametersOf(name);
  for (const [parameter, value] of parameters) {
    const type = Object.hasOwn(known, parameter) ? known[parameter] : undefined;
    if (type === undefined) throw refused(`${name} has a parameter that is not known for it`);
    if (typeof value !== type || value === false) throw refused(`${name} has a parameter of another type`);
  }
  if (name === '@query-param' && !parameters.has('name')) throw refused('@query-param names no parameter');
  if (name === '@status' && parameters.has('req')) throw refused('a request has no @status');
  if (parameters.has('bs') && (parameters.has('sf') || parameters.has('key'))) {
    throw refused(`${name} cannot be both wrapped in bytes and read as a structured field`);
  }
}

function parametersOf(name: string): Readonly<Record<string, 'boolean' | 'string'>> {
  if (name === '@query-param') return QUERY_PARAM_PARAMETERS;
  return name.startsWith('@') ? DERIVED_PARAMETERS : FIELD_PARAMETERS;
}

function identityOf(name: string, parameters: Parameters): string {
  const sorted = [...parameters].sort(([a], [b]) => (a < b ? -1 : 1));
  return serializeItem([name, new Map(sorted)]);
}

function refused(reason: string): Problem {
  return new Problem('signature_invalid', reason);
}
