import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CoverageReport, compile, formatTests, type Policy, testsAsJson } from '../index.ts';

const POLICY = `package shop

default allow := false

allow if {
	input.method == "GET"
	some role in input.roles
	role == "reader"
}

allow if {
	input.method == "POST"
	not input.frozen
}

size(n) := "big" if { n > 10 } else := "small"
`;

const TESTS = `package shop_test

import data.shop

test_get if shop.allow with input as {"method": "GET", "roles": ["x", "reader"]}

test_wrong if shop.allow

todo_test_later if false

test_twice if true

test_twice if false

test_case[name] if {
	some name, n in {"one": 11, "two": 2}
	shop.size(n) == "big"
}

test_all[name] if some name in {"a", "b"}

test_one := 1

test_conflict if conflict

conflict := 1 if true

conflict := 2 if true

test_division if 1 / 0 == 1

test_print if {
	print("saw", 7)
	true
}

test_function(x) if x

helper if true
`;

function policy(...texts: readonly string[]): Policy {
  const modules = texts.map((text, i) => ({ file: `m${i}.rego`, text }));
  const result = compile(modules, { print: () => {} });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  return result.policy;
}

/** Ranges as row:col-row:col. */
function ranges(report: CoverageReport | undefined, field: 'covered' | 'not_covered'): readonly string[] {
  return (report?.files['m0.rego']?.[field] ?? []).map(
    ({ start, end }) => `${start.row}:${start.col}-${end.row}:${end.col}`,
  );
}

describe('policy tests', () => {
  const { results } = policy(POLICY, TESTS).test();

  it('a test fails unless its value is true, rules of one name are separate tests', () => {
    assert.deepEqual(
      results.map(({ name, outcome }) => [name, outcome]),
      [
        ['test_get', 'pass'],
        ['test_wrong', 'fail'],
        ['todo_test_later', 'skip'],
        ['test_twice', 'pass'],
        ['test_twice#01', 'fail'],
        ['test_case', 'fail'],
        ['test_all', 'pass'],
        ['test_one', 'fail'],
        ['test_conflict', 'error'],
        ['test_division', 'fail'],
        ['test_print', 'pass'],
      ],
    );
  });

  it('a case that failed is named, although it gives the rule no key', () => {
    assert.deepEqual(results.find(({ name }) => name === 'test_case')?.cases, [
      { name: 'one', outcome: 'pass' },
      { name: 'two', outcome: 'fail' },
    ]);
  });

  it('an error carries its code and place', () => {
    const failed = results.find(({ name }) => name === 'test_conflict');
    assert.equal(failed?.error?.code, 'eval_conflict_error');
    assert.match(failed?.error?.message ?? '', /^m1\.rego:28: /);
  });

  it('a test case that loops ends as an error', () => {
    const text = 'package t\nd := numbers.range(1, 1000)\ntest_x if { d[_] + d[_] + d[_] == 0 }';
    const result = compile([{ file: 't.rego', text }], { limits: { steps: 10_000 } });
    assert.ok(result.ok);
    const [only] = result.policy.test().results;
    assert.deepEqual([only?.outcome, only?.error?.code], ['error', 'eval_cancel_error']);
  });

  it('a filter selects by full name', () => {
    const report = policy(POLICY, TESTS).test({ filter: (name) => name === 'data.shop_test.test_get' });
    assert.deepEqual(
      report.results.map(({ name }) => name),
      ['test_get'],
    );
  });

  it('reports are written as opa test writes them', () => {
    const text = formatTests({ results, coverage: undefined }).replaceAll(/\([^)]*s\)/g, '(…)');
    assert.match(
      text,
      /^m1\.rego:7:\ndata\.shop_test\.test_wrong: FAIL \(…\)\nm1\.rego:9:\ndata\.shop_test\.todo_test_later: SKIPPED\n/,
    );
    assert.match(text, /data\.shop_test\.test_case: FAIL \(…\)\n {2}one: PASS\n {2}two: FAIL\n/);
    assert.match(text, /data\.shop_test\.test_conflict: ERROR \(…\)\n {2}m1\.rego:28: eval_conflict_error: /);
    assert.ok(text.endsWith(`${'-'.repeat(80)}\nPASS: 6/13\nFAIL: 5/13\nSKIPPED: 1/13\nERROR: 1/13\n`), text);
    assert.doesNotMatch(text, /test_get/);
  });

  it('a failing test says which literal failed, when that is asked for', () => {
    const filter = (name: string): boolean => name.endsWith('test_wrong');
    const text = formatTests(policy(POLICY, TESTS).test({ filter, explain: true }));
    assert.match(
      text,
      /test_wrong: FAIL \(.*\)\n {2}m1\.rego:7:1 this rule does not hold\n {4}m1\.rego:7:15 fails: shop\.allow\n/,
    );
    assert.match(text, /m0\.rego:6:2 fails: input\.method == "GET"\n/);
    assert.deepEqual(results.find(({ name }) => name === 'test_wrong')?.tried, []);
  });

  it('a failing case says which literal failed and what it saw, not what the others saw', () => {
    const filter = (name: string): boolean => name.endsWith('test_case');
    const text = formatTests(policy(POLICY, TESTS).test({ filter, explain: true }));
    assert.match(text, / {2}two: FAIL\n {2}m1\.rego:17:2 fails: shop\.size\(n\) == "big"\n {6}.*n is 2.*\n-+\n/);
  });

  it('all tests that pass are one line', () => {
    const report = policy(POLICY, TESTS).test({ filter: (name) => name.endsWith('test_get') });
    assert.equal(formatTests(report), 'PASS: 1/1\n');
    assert.match(formatTests(report, { verbose: true }), /^m1\.rego:5:\ndata\.shop_test\.test_get: PASS \(/);
  });

  it('JSON has the fields of opa test --format json', () => {
    const written = testsAsJson({ results, coverage: undefined }).map((each) => ({ ...each, duration: 0 }));
    assert.deepEqual(written[0], {
      location: { file: 'm1.rego', row: 5, col: 1 },
      package: 'data.shop_test',
      name: 'test_get',
      duration: 0,
    });
    assert.deepEqual(written[5], {
      location: { file: 'm1.rego', row: 15, col: 1 },
      package: 'data.shop_test',
      name: 'test_case',
      fail: true,
      duration: 0,
      sub_results: { one: { name: 'one' }, two: { name: 'two', fail: true } },
    });
    assert.equal((written[10] as { output?: string }).output, btoa('saw 7\n'));
  });
});

describe('coverage', () => {
  it('what no test reaches is not covered', () => {
    const { coverage } = policy(POLICY, 'package t\ntest_x if true').test({ coverage: true });
    assert.deepEqual(ranges(coverage, 'covered'), []);
    assert.equal(coverage?.files['m0.rego']?.coverage, 0);
    assert.equal(coverage?.files['m1.rego']?.coverage, 100);
  });

  it('a literal is covered when it is evaluated, a head when its body holds', () => {
    const tests = 'package t\ntest_x if not data.shop.allow with input as {"method": "GET", "roles": ["x"]}';
    const { coverage } = policy(POLICY, tests).test({ coverage: true });
    assert.deepEqual(ranges(coverage, 'covered'), ['3:9-3:23', '6:2-6:23', '7:2-7:26', '8:2-8:18', '12:2-12:24']);
    assert.deepEqual(ranges(coverage, 'not_covered'), [
      '5:1-5:6',
      '11:1-11:6',
      '13:2-13:18',
      '16:1-16:17',
      '16:23-16:29',
      '16:32-16:47',
    ]);
    const { covered_lines, not_covered_lines } = coverage?.files['m0.rego'] ?? {};
    assert.deepEqual([covered_lines, not_covered_lines], [5, 4]);
  });
});
