import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toPlainJson } from '../value/json.ts';
import { readSources, type SourcesResult } from './read-sources.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

function read(files: Files): SourcesResult {
  const sources = Object.entries(files).map(([file, content]) => ({
    file,
    folders: file.split('/').slice(0, -1),
    bytes: typeof content === 'string' ? Buffer.from(content) : content,
  }));
  return readSources(sources);
}

function findings(files: Files): string {
  const result = read(files);
  assert.ok(!result.ok, 'the files were read');
  return result.diagnostics
    .map(({ file, line, column, message }) =>
      [file, line, column, message].filter((part) => part !== undefined).join(':'),
    )
    .join('\n');
}

describe('files that are refused', () => {
  const CASES: readonly (readonly [title: string, files: Files, message: RegExp])[] = [
    [
      'JSON that ends too early',
      { 'a/x.json': '{\n "a": 1,\n "é": ' },
      /^a\/x\.json:3:7:cannot be read: unexpected EOF$/,
    ],
    ['JSON with something behind it', { 'x.json': '{} {}' }, /^x\.json:1:4:cannot be read: error: invalid character/],
    [
      'YAML that ends too early',
      { 'x.yaml': 'a: 1\nb: [' },
      /^x\.yaml:3:1:cannot be read: yaml: line 2: did not find expected node content$/,
    ],
    [
      'YAML with an alias of nothing',
      { 'x.yaml': 'a:\n  - é\n  - *b' },
      /^x\.yaml:3:5:cannot be read: yaml: unknown anchor 'b' referenced$/,
    ],
    [
      'YAML with a key that is no text',
      { 'x.yaml': 'a:\n  ? [1]\n  : 2' },
      /^x\.yaml:2:5:cannot be read: yaml: invalid map key: /,
    ],
    [
      'YAML that is too long',
      { 'a/x.yml': `# ${'x'.repeat(4 * 1024 * 1024)}` },
      /^a\/x\.yml:is YAML of more than 4 MiB$/,
    ],
    ['a document that is not UTF-8', { 'x.json': Buffer.from([0x7b, 0xff]) }, /^x\.json:is not UTF-8$/],
    ['a policy that is not UTF-8', { 'x.rego': Buffer.from([0xff]) }, /^x\.rego:is not UTF-8$/],
    ['a policy that does not parse', { 'x.rego': 'package a\n\np if {' }, /^x\.rego:3:\d+:rego_parse_error/],
    ['a document at the root that is no object', { 'x.json': '[1]' }, /^x\.json:is no object$/],
    [
      'two files with one document',
      { 'a/x.json': '{"b":{"c":1}}', 'a/y.json': '{"b":{"c":1}}' },
      /^a\/y\.json:gives data\.a\.b\.c a second time, after a\/x\.json$/,
    ],
    [
      'a document where another has a folder',
      { 'a.json': '{"a":1}', 'a/x.json': '{}' },
      /^a\/x\.json:gives data\.a a second time, after a\.json$/,
    ],
    [
      'a document that a rule calculates',
      { 'x.rego': 'package a\n\nb := 1', 'a/x.json': '{"b":1}' },
      /^x\.rego:3:1:conflicting rule for data path a\/b found$/,
    ],
  ];
  for (const [title, files, message] of CASES) test(title, () => assert.match(findings(files), message));

  test('all mistakes of all files are told', () => {
    assert.equal(findings({ 'x.json': '{', 'y.json': '[', 'z.rego': 'package' }).split('\n').length, 3);
  });

  test('a thousand conflicts are told by the first ones', () => {
    const many = JSON.stringify(Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i])));
    assert.equal(findings({ 'x.json': many, 'y.json': many }).split('\n').length, 20);
  });
});

test('each document stands at the path of its folder, whatever the file is called, and policies where they say', () => {
  const result = read({
    'data.json': '{"root":1,"a":{"inner":2}}',
    'a/any.json': '{"b":3}',
    'a/list/x.json': '[1]',
    'a/deep/data.yaml': 'text: &a 0x10\n__proto__: [*a, no]',
    'a/p.rego': 'package q\n\nr := data.a.b',
    '__proto__/x.json': '{"polluted":true}',
  });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  assert.equal(
    toPlainJson(result.data),
    '{"__proto__":{"polluted":true},"a":{"b":3,"deep":{"__proto__":[16,"no"],"text":16},"inner":2,"list":[1]},"root":1}',
  );
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  assert.deepEqual(result.modules, [{ file: 'a/p.rego', text: 'package q\n\nr := data.a.b', version: 'v1' }]);
});
