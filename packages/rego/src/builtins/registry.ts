/** Every builtin this package has, and the few of OPA's that it refuses to have. */
import { AGGREGATES } from './aggregates.ts';
import { ARRAYS } from './arrays.ts';
import { AWS_SIGNING } from './aws-signing.ts';
import { BITS } from './bits.ts';
import type { Builtin } from './builtin.ts';
import { CRYPTO } from './crypto.ts';
import { ENCODING } from './encoding.ts';
import { GLOB } from './glob.ts';
import { GRAPH } from './graph.ts';
import { GRAPHQL } from './graphql.ts';
import { JSON_PATCH } from './json-patch.ts';
import { JSON_PATHS } from './json-paths.ts';
import { JSON_SCHEMA } from './json-schema.ts';
import { JWT } from './jwt.ts';
import { METADATA } from './metadata.ts';
import { NET } from './net.ts';
import { NUMBERS } from './numbers.ts';
import { OBJECTS } from './objects.ts';
import { OPERATORS } from './operators.ts';
import { PARSE_MODULE } from './parse-module.ts';
import { PRINTING } from './printing.ts';
import { REGEX } from './regex.ts';
import { SEMVER } from './semver.ts';
import { SETS } from './sets.ts';
import { STRINGS } from './strings.ts';
import { TEMPLATE } from './template.ts';
import { TIME } from './time.ts';
import { TYPES } from './type-predicates.ts';
import { UNITS } from './units.ts';
import { URI } from './uri.ts';
import { UUID } from './uuid.ts';
import { X509 } from './x509.ts';

const FAMILIES: readonly (readonly Builtin[])[] = [
  OPERATORS,
  NUMBERS,
  AGGREGATES,
  SETS,
  ARRAYS,
  OBJECTS,
  STRINGS,
  TYPES,
  GRAPH,
  PRINTING,
  BITS,
  ENCODING,
  GLOB,
  JSON_PATCH,
  JSON_PATHS,
  METADATA,
  PARSE_MODULE,
  NET,
  REGEX,
  SEMVER,
  TIME,
  UNITS,
  URI,
  UUID,
  CRYPTO,
  JWT,
  JSON_SCHEMA,
  TEMPLATE,
  GRAPHQL,
  X509,
  AWS_SIGNING,
];

/** By name. Operators are found under their builtin's name (`plus`), see {@link Builtin.infix}. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  FAMILIES.flat().map((builtin) => [builtin.name, builtin] as const),
);

/** OPA's builtins that do not exist here, and why; a policy that calls one is refused when it is loaded. */
export const EXCLUDED: ReadonlyMap<string, string> = new Map([
  ['http.send', 'a decision must not call out'],
  ['net.lookup_ip_addr', 'a decision must not wait for DNS'],
]);

/** Whether OPA has a builtin of this name. */
export function isBuiltin(name: string): boolean {
  return BUILTINS.has(name) || EXCLUDED.has(name);
}
