/** The builtins that generated policies call, by the kinds of their arguments and of their answer. */

export type Kind = 'any' | 'number' | 'string' | 'boolean' | 'array' | 'set' | 'object';

export interface BuiltinCall {
  readonly name: string;
  readonly args: readonly (Kind | readonly string[])[];
  readonly result: Kind;
}

const PATTERNS = ['`a`', '`[a-c]+`', '`^a.*`', '`(a)(b)?`', '`\\\\d+`', '`[`', '`x*`'] as const;
const GLOBS = ['"a*"', '"*"', '"**"', '"a.?"', '"{a,b}*"', '"[a-c]*"'] as const;
const FORMATS = [
  '"%v"',
  '"%s|%v"',
  '"%d"',
  '"%05.2f"',
  '"%x"',
  '"%q"',
  '"%-5s|"',
  '"%v %v %v"',
  '"%%"',
  '"%t"',
] as const;
const SMALL = ['0', '1', '2', '-1', '3', '10'] as const;
const BASES = ['2', '8', '10', '16', '3'] as const;
const PATHS = ['["a"]', '["a/b", "b"]', '["0"]', '{"a", "b"}', '[["a", "b"]]'] as const;
const PATCHES = [
  '[{"op": "add", "path": "a", "value": 1}]',
  '[{"op": "remove", "path": "/a"}]',
  '[{"op": "replace", "path": "/a/b", "value": [1]}]',
  '[{"op": "test", "path": "/a", "value": 1}]',
  '[{"op": "copy", "from": "/a", "path": "/z"}]',
] as const;

function call(name: string, args: BuiltinCall['args'], result: Kind): BuiltinCall {
  return { name, args, result };
}

export const BUILTIN_CALLS: readonly BuiltinCall[] = [
  ...['abs', 'ceil', 'floor', 'round'].map((name) => call(name, ['number'], 'number')),
  ...['sum', 'product', 'max', 'min'].map((name) =>
    call(name, [['[1, 2]', '{1, 2, 3}', 'input.list', '["a", 1]', '[]', '[0.1, 0.2]']], 'any'),
  ),
  ...['array', 'set', 'object', 'string'].map((kind) => call('count', [kind as Kind], 'number')),
  ...['upper', 'lower', 'trim_space', 'strings.reverse'].map((name) => call(name, ['string'], 'string')),
  ...['trim', 'trim_left', 'trim_right', 'trim_prefix', 'trim_suffix'].map((name) =>
    call(name, ['string', 'string'], 'string'),
  ),
  ...['contains', 'startswith', 'endswith'].map((name) => call(name, ['string', 'string'], 'boolean')),
  ...['string', 'number', 'boolean', 'array', 'set', 'object', 'null'].map((kind) =>
    call(`is_${kind}`, ['any'], 'boolean'),
  ),
  ...['base64.encode', 'base64url.encode', 'hex.encode', 'urlquery.encode', 'crypto.sha256', 'crypto.md5'].map((name) =>
    call(name, ['string'], 'string'),
  ),
  ...['base64.decode', 'base64url.decode', 'hex.decode', 'urlquery.decode'].map((name) =>
    call(name, ['string'], 'string'),
  ),
  ...['bits.and', 'bits.or', 'bits.xor', 'bits.lsh', 'bits.rsh'].map((name) => call(name, ['number', SMALL], 'number')),
  call('bits.negate', ['number'], 'number'),
  call('sort', ['array'], 'array'),
  call('sort', ['set'], 'array'),
  call('numbers.range', [SMALL, SMALL], 'array'),
  call('numbers.range_step', [SMALL, ['10', '-4', '0'], ['1', '3', '0']], 'array'),
  call('format_int', ['number', BASES], 'string'),
  call('to_number', [['"1"', '"x"', 'null', 'true', 'input.a', '"0x1"', '" 1"', '"1e3"']], 'number'),
  call('type_name', ['any'], 'string'),
  call('array.concat', ['array', 'array'], 'array'),
  call('array.slice', ['array', SMALL, SMALL], 'array'),
  call('array.reverse', ['array'], 'array'),
  call('array.flatten', ['array'], 'array'),
  call('object.get', ['object', ['"a"', '"b"', '["a", "b"]', '1', '["a", 0]']], 'any'),
  call('object.keys', ['object'], 'set'),
  call('object.remove', ['object', ['["a"]', '{"a", "b"}', '{"a": 1}']], 'object'),
  call('object.filter', ['object', ['["a"]', '{"a", "b"}', '{"a": 1}']], 'object'),
  call('object.union', ['object', 'object'], 'object'),
  call('object.union_n', [['[{"a": 1}, {"a": {"b": 2}}]', '[{"a": {"c": 1}}, input]']], 'object'),
  call('object.subset', ['any', 'any'], 'boolean'),
  call('json.filter', ['object', PATHS], 'object'),
  call('json.remove', ['object', PATHS], 'object'),
  call('json.patch', ['object', PATCHES], 'any'),
  call('json.marshal', ['any'], 'string'),
  call('json.unmarshal', ['string'], 'any'),
  call('json.is_valid', ['string'], 'boolean'),
  call('intersection', [['{{1, 2}, {2, 3}}', '{{"a"}, set()}', 'set()']], 'set'),
  call('union', [['{{1, 2}, {2, 3}}', '{{"a"}, set()}', 'set()']], 'set'),
  call('concat', ['string', ['["a", "b"]', '{"b", "a"}', 'input.list', '[]']], 'string'),
  call('indexof', ['string', 'string'], 'number'),
  call('indexof_n', ['string', 'string'], 'array'),
  call('replace', ['string', 'string', 'string'], 'string'),
  call('split', ['string', 'string'], 'array'),
  call('substring', ['string', SMALL, SMALL], 'string'),
  call('sprintf', [FORMATS, 'array'], 'string'),
  call('strings.count', ['string', 'string'], 'number'),
  call('strings.any_prefix_match', ['string', 'string'], 'boolean'),
  call('strings.any_suffix_match', ['string', 'string'], 'boolean'),
  call('strings.replace_n', [['{"a": "b", "b": "c"}', '{"ab": ""}', '{}'], 'string'], 'string'),
  call('regex.match', [PATTERNS, 'string'], 'boolean'),
  call('regex.is_valid', ['string'], 'boolean'),
  call('regex.split', [PATTERNS, 'string'], 'array'),
  call('regex.find_n', [PATTERNS, 'string', ['-1', '1', '2']], 'array'),
  call('regex.find_all_string_submatch_n', [PATTERNS, 'string', ['-1', '1']], 'array'),
  call('regex.replace', ['string', PATTERNS, ['"x"', '"$1"', '"<$0>"']], 'string'),
  call('glob.match', [GLOBS, ['[]', '["."]', 'null', '["/"]'], 'string'], 'boolean'),
  call('glob.quote_meta', ['string'], 'string'),
  call('units.parse', [['"1K"', '"1.5Mi"', '"x"', '"10"', 'input.a']], 'number'),
  call('units.parse_bytes', [['"1KB"', '"1.5MiB"', '"x"', '"10"', 'input.b']], 'number'),
  call(
    'semver.compare',
    [
      ['"1.2.3"', '"1.0.0-rc.1"', 'input.a'],
      ['"1.2.10"', '"1.0.0"', '"x"'],
    ],
    'number',
  ),
  call('semver.is_valid', ['any'], 'boolean'),
  call(
    'time.parse_rfc3339_ns',
    [['"2026-11-22T00:00:00Z"', '"2026-11-22T00:00:00.5+02:00"', '"x"', 'input.a']],
    'number',
  ),
  call('time.date', [['1795305600000000000', '0', '[0, "Europe/Berlin"]', 'input.a']], 'array'),
  call('time.weekday', [['1795305600000000000', '0', 'input.b']], 'string'),
  call(
    'net.cidr_contains',
    [
      ['"10.0.0.0/8"', '"::/0"', 'input.a'],
      ['"10.1.2.3"', '"11.0.0.0/9"', '"x"'],
    ],
    'boolean',
  ),
  call(
    'graph.reachable',
    [
      ['{"a": ["b"], "b": ["c"], "c": []}', '{"a": {"a"}}'],
      ['["a"]', '{"b", "x"}'],
    ],
    'set',
  ),
];
