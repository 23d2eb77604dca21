/** Inputs of 64 KiB that are made to be slow: each call answers or refuses within a moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer } from '../../../../tests/support/rego-context.ts';
import type { Value } from '../value/value.ts';

const SIZE = 64 * 1024;
/**
 * Of processor time. Far above what any of them takes, on a slow machine too, and far below what they take when the cost grows with the
 * square of the input; `npm run fuzz` measures against 50 ms.
 */
const LIMIT_MILLISECONDS = 1_000;

const fill = (text: string, size = SIZE): string => text.repeat(Math.floor(size / text.length));
const list = <T>(length: number, item: (index: number) => T): readonly T[] => Array.from({ length }, (_, i) => item(i));
const named = (length: number, item: (index: number) => Value): Value =>
  Object.fromEntries(list(length, (index) => [`name-${index}`, item(index)]));
const half = fill('a', SIZE / 2);
const aliases = ['a: &a0 [x]', ...list(900, (n) => `b${n}: &a${n + 1} [${fill(`*a${n},`, 50)}]`)].join('\n');
const branches = (depth: number): Value =>
  depth === 0 ? { type: 'string' } : { anyOf: [branches(depth - 1), branches(depth - 1)] };

const calls: readonly (readonly [what: string, name: string, args: readonly Value[]])[] = [
  ['a pattern that backtracks', 'regex.match', ['(a|a)*(a|a)*b', fill('a')]],
  ['a text of many matches', 'regex.replace', [fill('ab'), 'a', 'b']],
  ['a text that is split often', 'regex.split', ['a', fill('ab')]],
  ['a glob of many stars', 'glob.match', [fill('*a'), null, 'aaa']],
  ['a glob of many braces', 'glob.match', [fill('{a,'), null, 'aaa']],
  ['a glob beside a long text', 'glob.match', [fill('*a', 200), null, half]],
  ['a template without an end', 'strings.render_template', [fill('{{if .a}}'), {}]],
  ['a template of many fields', 'strings.render_template', [fill('{{.a}}', SIZE / 8), { a: 1 }]],
  ['very many keys', 'yaml.unmarshal', [fill('ab:\n')]],
  ['keys of one line', 'yaml.unmarshal', [`{${list(8_000, (n) => `k${n}: 1`).join(', ')}}`]],
  ['entries of one line', 'yaml.unmarshal', [`[${fill('1,')}]`]],
  ['many dates', 'yaml.unmarshal', [fill('- 2020-01-02\n')]],
  ['many names', 'yaml.marshal', [named(5_000, (n) => n)]],
  ['aliases of aliases', 'yaml.unmarshal', [aliases]],
  ['lists in lists', 'yaml.unmarshal', [fill('[')]],
  ['entries in entries', 'yaml.unmarshal', [fill('- ')]],
  ['a schema of branches', 'json.match_schema', [{ a: 1 }, branches(10)]],
  ['a schema within itself', 'json.match_schema', [{}, { $ref: '#' }]],
  ['JSON of brackets', 'json.unmarshal', [fill('[')]],
  ['a network of the world', 'net.cidr_expand', ['::/0']],
  ['a network that is just allowed', 'net.cidr_contains', ['10.0.0.0/8', '10.1.2.3']],
  ['numbers without end', 'numbers.range', [0, 1e15]],
  ['a hundred thousand numbers', 'numbers.range', [1, 100_000]],
  ['a repeated text in a repeated text', 'contains', [fill('a'), `${half}b`]],
  ['a long text replaced', 'replace', [fill('a'), `${half}b`, 'c']],
  ['very many replacements', 'strings.replace_n', [Object.fromEntries(list(3_000, (n) => [`a${n}`, 'b'])), half]],
  ['many prefixes', 'strings.any_prefix_match', [list(4_000, (n) => `p${n}`), list(4_000, (n) => `q${n}`)]],
  ['a long cutset', 'trim', [half, fill('b', SIZE / 2)]],
  [
    'many small patches',
    'json.patch',
    [named(2_000, (n) => n), list(1_000, (n) => ({ op: 'add', path: `/${n}`, value: n }))],
  ],
  ['many small objects', 'object.union_n', [list(4_000, (n) => ({ [`a${n}`]: n }))]],
  ['a run within a run', 'object.subset', [list(8_000, () => 1), [...list(4_000, () => 1), 2]]],
  ['a query of one name', 'urlquery.decode_object', [fill('a=1&')]],
  ['a graph of loops', 'graph.reachable', [named(60, () => list(60, (n) => `name-${n}`)), ['name-0']]],
  ['verbs without values', 'sprintf', [fill('%d'), []]],
  ['a duration of digits', 'time.parse_duration_ns', [fill('1')]],
  ['a layout of years', 'time.parse_ns', [fill('2006'), fill('2006')]],
  ['a token of dots', 'io.jwt.decode', [fill('.')]],
  ['a version of parts', 'semver.compare', [`1.2.3-${fill('a.')}b`, `1.2.3-${fill('a.')}c`]],
];
for (const [what, name, args] of calls) {
  test(`${name} is done with ${what}`, () => {
    const start = process.threadCpuUsage();
    answer(name, args);
    const { user, system } = process.threadCpuUsage(start);
    const spent = (user + system) / 1000;
    assert.ok(spent <= LIMIT_MILLISECONDS, `${spent.toFixed(0)} ms`);
  });
}
