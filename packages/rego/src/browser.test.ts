/** The package where there is no Node: what its modules reach, and policies that compile and decide there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { compile, readBundle, readSources } from '@sidegate/rego/browser';
import { packBundle } from '../../../tests/support/policy-bundle.ts';
import { unavailableBuiltins } from './builtins/host-needs.ts';
import { BUILTINS } from './builtins/registry.ts';

const IMPORT = /^(?:import|export)\b(?! type\b)[^;]*?from '([^']+)';$/gms;

/** Every module that an entry loads, and the packages that those name. */
function reached(entry: string): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [path.join(import.meta.dirname, entry)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    if (!path.isAbsolute(file)) continue;
    for (const [, to = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      waiting.push(to.startsWith('.') ? path.resolve(path.dirname(file), to) : to);
    }
  }
  return found;
}

function packages(entry: string): readonly string[] {
  return [...reached(entry)].filter((each) => !path.isAbsolute(each)).toSorted();
}

test('the entry for browsers reaches no module of Node, the other one does', () => {
  assert.deepEqual(
    packages('index.ts').filter((each) => each.startsWith('node:')),
    ['node:crypto', 'node:vm', 'node:zlib'],
  );
  assert.deepEqual(packages('browser.ts'), ['re2js']);
  assert.ok(reached('browser.ts').size > 100);
});

describe('without a host', () => {
  const refusal = (rule: string): string => {
    const result = compile([{ file: 'a.rego', text: `package a\n\n${rule}` }]);
    assert.ok(!result.ok, 'the policy was accepted');
    return result.diagnostics.map(({ code, message, location: { row } }) => `${row} ${code}: ${message}`).join();
  };
  const CASES: readonly (readonly [rule: string, refusal: string])[] = [
    [
      'x := crypto.sha256("a")',
      '3 rego_type_error: undefined function crypto.sha256 (the host option lends no cryptography)',
    ],
    [
      'x if io.jwt.verify_es256(input.a, input.b)',
      '3 rego_type_error: undefined function io.jwt.verify_es256 (the host option lends no cryptography)',
    ],
  ];
  for (const [rule, expected] of CASES) {
    test(`${rule} is refused when it is loaded`, () => assert.equal(refusal(rule), expected));
  }

  test('what only a host can answer is known by name', () => {
    const names = [...unavailableBuiltins(BUILTINS.keys(), {}).keys()];
    assert.equal(names.length, 30, names.join());
    assert.ok(!names.includes('io.jwt.decode') && !names.includes('yaml.unmarshal'));
  });

  test('a bundle cannot be unpacked, and says what is missing', () => {
    const read = readBundle(packBundle({ 'a.rego': 'package a' }), { host: {} });
    assert.deepEqual(read.ok ? [] : read.diagnostics.map(({ message }) => message), ['gzip cannot be read here']);
  });

  test('policies and data compile, decide, explain themselves and test themselves', () => {
    const files = {
      'a.rego':
        'package a\n\nallow if input.user in data.names\n\nheader := io.jwt.decode(input.token)[0]\n\ny := yaml.unmarshal("a: [b]")',
      'a_test.rego': 'package a_test\n\ntest_allow if data.a.allow with input.user as "amal"',
      'data.json': '{"names":["amal"]}',
    };
    const encoder = new TextEncoder();
    const sources = Object.entries(files).map(([file, text]) => ({ file, folders: [], bytes: encoder.encode(text) }));
    const read = readSources(sources);
    assert.ok(read.ok);
    const result = compile(read.modules, { data: read.data });
    assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
    const { policy } = result;
    assert.equal(policy.evaluate({ user: 'amal' }, 'data.a.allow'), true);
    assert.equal(policy.prepare('data.a.allow')({ user: 'eve' }), undefined);
    assert.deepEqual(policy.prepare('data.a.y.a')({}), ['b']);
    assert.equal(policy.explain('data.a.allow', { user: 'eve' }).change?.value, true);
    assert.deepEqual(
      policy.test().results.map(({ outcome }) => outcome),
      ['pass'],
    );
  });
});
