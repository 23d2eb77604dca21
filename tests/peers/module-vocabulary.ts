/** What the bodies of generated modules can name, and what `with` replaces for them. */

export const SCALARS = ['0', '1', '2', '"a"', '"b"', '"amal"', 'true', 'false', 'null', '"x-y"'] as const;
export const KEYS = ['"a"', '"b"', '"x-y"', '0', '1'] as const;
export const SOURCES = [
  'input',
  'input.a',
  'input.b',
  'input.list',
  'data.base.users',
  'data.base.list',
  '[1, "a", 2]',
] as const;
export const BUILTINS = [
  'count(?)',
  'is_string(?)',
  'sprintf("%v", [?])',
  'json.marshal(?)',
  'type_name(?)',
  'to_number(?)',
] as const;
/** Documents that the type checker may take for scalars: nothing is found in those. */
export const SCALAR_DOCUMENT = /(?:\bn|one|fixed|value)$/;

/** What a body can name. */
export interface Names {
  readonly functions: readonly string[];
  readonly documents: readonly string[];
  readonly mocks: readonly string[];
}

export const BASE: Names = {
  functions: ['id'],
  documents: ['data.base.n', 'data.base.users'],
  mocks: ['data.base.n as 7'],
};
export const LIB: Names = {
  functions: ['id', 'pick', 'shape'],
  documents: [...BASE.documents, 'data.base.virt', 'data.base.virt.one', 'extra', 'extra.two'],
  mocks: [...BASE.mocks, 'data.base.users as input', 'data.base.virt.one as 3', 'data.base as input.a', 'count as 2'],
};
export const APP: Names = {
  functions: ['id', 'lib.pick', 'lib.shape', 'shaped', 'data.lib.one.pick', 'old.twice'],
  documents: [
    ...LIB.documents.filter((name) => name.startsWith('data')),
    'lib.tree',
    'lib.tree.a',
    'lib.names',
    'lib.fixed',
    'lib',
    'data.base',
    'old.seen',
    'old.value',
  ],
  mocks: [
    ...LIB.mocks,
    'data.lib.one.fixed as 1',
    'data.lib.one.tree as {"a": {"b": 1}}',
    'data.lib.one.tree.a as {"b": 1}',
    'data.lib.one.names as {"a"}',
    'data.lib.one.pick as id',
    'data.lib.one.shape as 4',
    'lib.fixed as input.b',
    'input.a as data.base.users',
    'json.marshal as type_name',
    'type_name as data.app.id',
  ],
};
