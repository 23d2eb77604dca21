/** Folders of policies and data beside `opa eval --data`: the same documents, or both refuse. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { compile, parseJson, toJson } from '@sidegate/rego';
import { readPolicySources } from '../../packages/sidegate/src/policy/policy-sources.ts';
import { SeededRandom } from '../fuzz/seeded-random.ts';
import { withoutOpa } from './opa-binary.ts';
import { runOpa } from './opa-command.ts';

type Files = Readonly<Record<string, string>>;

/** The text of `data`, or undefined when the files are refused. */
interface Answers {
  readonly ours: string | undefined;
  readonly opa: string | undefined;
  readonly findings: string;
}

function ask(files: Files, places: readonly string[] = ['d']): Answers {
  using folder = mkdtempDisposableSync(path.join(tmpdir(), 'sidegate-data-'));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder.path, 'd', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  // OPA reads hidden files and tests too, unless it is told not to.
  const ignored = ['--ignore', '.*', '--ignore', '*_test.rego'];
  const args = ['eval', '--format', 'json', ...ignored, ...places.flatMap((place) => ['--data', place]), 'x := data'];
  const { code, stdout } = runOpa(args, folder.path);
  const read = readPolicySources({ policies: places.map((place) => path.join(folder.path, place)), tests: false });
  return {
    opa: code === 0 ? bindingOf(stdout) : undefined,
    ours: read.ok ? documentsOf(read) : undefined,
    findings: read.ok ? '' : read.findings.map(({ message }) => message).join('\n'),
  };
}

function bindingOf(stdout: string): string {
  const { result } = parseJson(stdout) as unknown as { result: [{ bindings: { x: string } }] };
  return toJson(result[0].bindings.x);
}

function documentsOf({ modules, data }: Extract<ReturnType<typeof readPolicySources>, { ok: true }>): string {
  const compiled = compile(modules, { data });
  assert.ok(compiled.ok);
  return toJson(compiled.policy.evaluate(undefined) ?? null);
}

const CASES: readonly (readonly [title: string, files: Files, places?: readonly string[]])[] = [
  [
    'documents at the paths of their folders',
    { 'data.json': '{"a":{"x":1}}', 'a/data.yaml': 'y: [1, 2]', 'a/b/c.yml': 'z: true' },
  ],
  ['files of any name', { 'a/other.json': '{"x":1}', 'a/more.yaml': 'y: 2' }],
  ['values that are no objects, below the root', { 'a/x.json': '[1,2]', 'b/x.json': '1', 'c/x.json': 'null' }],
  ['a value at the root', { 'x.json': '[1]' }],
  ['null at the root', { 'x.json': 'null' }],
  ['objects that meet', { 'x.json': '{"a":{"b":1}}', 'y.json': '{"a":{"c":1}}' }],
  ['objects that collide', { 'x.json': '{"a":1}', 'y.json': '{"a":1}' }],
  ['a value where a folder is', { 'a.json': '{"a":1}', 'a/x.json': '{"b":1}' }],
  ['a member twice', { 'x.json': '{"a":1,"a":2}' }],
  ['a member twice in YAML', { 'x.yaml': 'a: 1\na: 2' }],
  ['two documents in one file', { 'x.json': '{"a":1}{"b":2}' }],
  ['two documents in one YAML file', { 'x.yaml': 'a: 1\n---\nb: 2' }],
  ['an empty file', { 'x.json': '' }],
  ['an empty YAML file', { 'a/x.yaml': '' }],
  ['JSON that ends too early', { 'x.json': '{"a":' }],
  ['YAML that ends too early', { 'x.yaml': 'a: [1' }],
  ['a rule beside data', { 'p.rego': 'package a\nb := 1', 'x.json': '{"a":{"c":2}}' }],
  ['a rule that data gives', { 'p.rego': 'package a\nb := 1', 'x.json': '{"a":{"b":2}}' }],
  ['a rule below data', { 'p.rego': 'package a.b\nc := 1', 'x.json': '{"a":{"b":2}}' }],
  ['a partial rule that data gives', { 'p.rego': 'package a\nb contains 1', 'x.json': '{"a":{"b":[2]}}' }],
  ['files of other kinds', { 'x.txt': 'a', 'README.md': '#', 'x.json': '{"a":1}' }],
  ['hidden files', { '.x.json': '{"a":1}', '.git/x.json': '{"b":1}', 'x.json': '{"c":1}' }],
  ['tests', { 'a_test.rego': 'package a\ntest_x if nope' }],
  [
    'numbers and texts that look like others',
    { 'x.yaml': 'a: 0x10\nb: 010\nc: 1_000\nd: "1"\ne: yes\nf: 1e3\ng: .5\nh: ~\ni: 2001-01-01' },
  ],
  ['numbers that no double holds', { 'x.json': '{"a":12345678901234567890,"b":0.1000000000000000055}' }],
  ['keys that are no texts', { 'x.yaml': '1: a\ntrue: b\nnull: c' }],
  ['anchors and merges', { 'x.yaml': 'a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2' }],
  ['several places', { 'one/a/x.json': '{"x":1}', 'two/a/x.json': '{"y":2}' }, ['d/one', 'd/two']],
  ['several places that collide', { 'one/x.json': '{"x":1}', 'two/x.json': '{"x":2}' }, ['d/one', 'd/two']],
  ['a file by its name', { 'a/x.json': '{"x":1}' }, ['d/a/x.json']],
];

describe('folders of data under the real OPA and under ours', { skip: withoutOpa() }, () => {
  for (const [title, files, places] of CASES) {
    test(title, () => {
      const { ours, opa, findings } = ask(files, places);
      assert.equal(ours, opa, findings);
    });
  }

  test('folders made at random', () => {
    const random = new SeededRandom(20_261_130);
    let refused = 0;
    for (let run = 0; run < 40; run += 1) {
      const files = randomFiles(random);
      const { ours, opa, findings } = ask(files);
      assert.equal(ours, opa, `${JSON.stringify(files)}\n${findings}`);
      if (ours === undefined) refused += 1;
    }
    assert.ok(refused > 5 && refused < 35, `${refused} of 40 were refused`);
  });
});

function randomFiles(random: SeededRandom): Files {
  const names = ['data.json', 'data.yaml', 'x.json', 'y.yml', 'z.rego'];
  const files = random.list(1, 4, () => {
    const folders = random.list(0, 2, () => random.pick(['a', 'b']));
    const name = random.pick(names);
    const text = name.endsWith('.rego')
      ? `package ${random.pick(['a', 'a.b', 'b'])}\n${random.pick(['a', 'b', 'c'])} := 1\n`
      : randomDocument(random, 2);
    return [[...folders, name].join('/'), text] as const;
  });
  return Object.fromEntries(files);
}

function randomDocument(random: SeededRandom, depth: number): string {
  if (depth === 0 || random.chance(0.1)) return random.pick(['1', '"x"', 'null', '[1]', '{}']);
  const members = random.list(0, 2, () => `"${random.pick(['a', 'b', 'c'])}":${randomDocument(random, depth - 1)}`);
  return `{${members.join()}}`;
}
