import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathId } from './key-path.ts';
import { readYaml } from './yaml-source.ts';

const findings = (text: string): string[] =>
  readYaml(text, 'f').diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`);

const refused: [title: string, text: string, finding: RegExp][] = [
  ['a tag', 'a: !!str 1', /^1:\d+ has a tag/],
  ['a tag of a program', 'a: !!js/function "x"', /^1:\d+ has a tag/],
  ['a tag on a mapping', 'a: !x {b: 1}', /^1:\d+ has a tag/],
  ['a second document', 'a: 1\n---\nb: 2', /^2:1 must be a single document/],
  ['a YAML 1.1 directive', '%YAML 1.1\n---\na: yes', /%YAML directive/],
  ['a duplicate key', 'a: 1\nb: 2\na: 3', /^3:1 has a duplicate key, first in line 1$/],
  ['a duplicate key below', 'x:\n  a: 1\n  "a": 3', /^3:3 has a duplicate key, first in line 2$/],
  ['a key that is a number', '1: x', /^1:1 has a key that is not a plain string/],
  ['a key that is a mapping', '? {a: 1}\n: x', /^1:3 has a key that is not a plain string/],
  ['a key that is an alias', 'a: &x b\n*x : c', /^2:1 has a key that is not a plain string/],
  ['the key __proto__', '__proto__: {a: 1}', /^1:1 has a key that is not a plain string/],
  ['an alias without anchor', 'a: *b', /^1:4 has an alias without an anchor/],
  ['an alias inside its anchor', 'a: &a [*a]', /^1:8 has an alias without an anchor/],
  ['an open quote', 'a: "b', /^1:\d+ lacks a quote/],
  ['a tab as indentation', 'a:\n\tb: 1', /^2:1 /],
  ['33 levels', `${'['.repeat(40)}${']'.repeat(40)}`, /nested too deeply/],
  ['more than 4 MiB', `a: ${'x'.repeat(4_194_304)}`, /^1:1 is larger than 4 MiB$/],
];
for (const [title, text, finding] of refused) {
  test(`${title} is refused where it stands`, () => {
    const [first] = findings(text);
    assert.match(first ?? '', finding);
  });
}

test('aliases that multiply stop at a limit', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i += 1)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  const { value, diagnostics } = readYaml(lines.join('\n'), 'f');
  assert.equal(value, undefined);
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['too_large'],
  );
});

for (const [title, unit] of [
  ['open brackets', '['],
  ['open braces', '{'],
  ['dashes', '- '],
  ['explicit keys', '? '],
  ['quotes', '"'],
  ['anchors', '&a '],
] as const) {
  test(`a file of nothing but ${title} is refused, not crashed on`, () => {
    assert.ok(readYaml(unit.repeat(30_000), 'f').diagnostics.length > 0);
  });
}

test('what was refused is left out and the rest is read', () => {
  assert.deepEqual(readYaml('a: !!str x\nb: 2\nb: 3', 'f').value, { a: undefined, b: 2 });
});

test('plain words of YAML 1.1 stay strings and << is a key like any other', () => {
  assert.deepEqual(readYaml('a: yes\nb: on\nc: 1:30\n"<<": {d: 0}', 'f').value, {
    a: 'yes',
    b: 'on',
    c: '1:30',
    '<<': { d: 0 },
  });
});

test('an anchor serves every alias after it with a copy', () => {
  const { value } = readYaml('a: &x {b: [1]}\nc: *x', 'f');
  assert.deepEqual(value, { a: { b: [1] }, c: { b: [1] } });
});

test('positions are those of key and value, also in JSON and after CRLF', () => {
  const { positions } = readYaml('{\r\n  "a": {"b": [1, 22]}\r\n}', 'f');
  const at = (...path: (string | number)[]) => positions.get(pathId(path));
  assert.deepEqual(at('a', 'b')?.key, { file: 'f', line: 2, column: 9 });
  assert.deepEqual(at('a', 'b', 1)?.value, { file: 'f', line: 2, column: 18 });
});

test('a value that is empty stands at its key', () => {
  const { positions } = readYaml('a:\n  b:\nc: 1', 'f');
  assert.deepEqual(positions.get(pathId(['a', 'b']))?.value, { file: 'f', line: 2, column: 3 });
});

test('a file of mistakes reports a hundred of them', () => {
  assert.equal(findings('a: 1\n'.repeat(1000)).length, 100);
});
