import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { Decision, PolicyInput } from './decision.ts';
import { type LoadedEngine, loadOpaEmbedded } from './opa-embedded.ts';

const NOW = 1_790_000_000_000;

function load(files: Readonly<Record<string, string>>, query: string): LoadedEngine {
  const directory = mkdtempSync(path.join(tmpdir(), 'sidegate-policy-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
    return loadOpaEmbedded({ policies: [directory], query, clock: { now: () => NOW } });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function findings(files: Readonly<Record<string, string>>, query = 'data.a.allow'): string[] {
  const loaded = load(files, query);
  assert.ok(!loaded.ok, 'the policies were loaded');
  return loaded.findings.map(({ file, line, column, message }) => {
    return [path.basename(file), line, column, message].filter((part) => part !== undefined).join(':');
  });
}

/** Decides an empty request by the body of package a. */
function decide(body: string, query = 'data.a.allow'): Decision {
  const loaded = load({ 'a.rego': `package a\n\nimport rego.v1\n\n${body}\n` }, query);
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.findings));
  return loaded.value.decide(INPUT);
}

const INPUT: PolicyInput = {
  mtls: { verified: false, subject: {} },
  request: { method: 'GET', path: '/', upstream_path: '/', query: '', host: 'a' },
  headers: {},
};

describe('policies that are not loaded', () => {
  test('S3-037 an empty folder, or only tests in it', () => {
    assert.match(findings({}).join(), /has no policy/);
    assert.match(findings({ 'a_test.rego': 'package a_test' }).join(), /has no policy/);
  });

  test('S3-157 a query that names no rule, or no package', () => {
    const files = { 'a.rego': 'package a\n\nallow := true' };
    assert.match(findings(files, 'data.a.alow').join(), /has no rule data\.a\.alow/);
    assert.match(findings(files, 'data.b.allow').join(), /has no rule data\.b\.allow/);
  });

  test('SD-07 one wrong file refuses them all, with every finding at its place', () => {
    const files = {
      'a.rego': 'package a\n\nallow := true',
      'b.rego': 'package b\n\np := x',
      'c.rego': 'package c\n\np := y',
    };
    assert.deepEqual(findings(files), [
      'b.rego:3:6:rego_unsafe_var_error: var x is unsafe',
      'c.rego:3:6:rego_unsafe_var_error: var y is unsafe',
    ]);
  });

  test('C-225 a builtin that would call out', () => {
    const files = { 'a.rego': 'package a\n\nallow if http.send({"url": "http://169.254.169.254", "method": "get"})' };
    assert.match(findings(files).join(), /http\.send/);
  });
});

describe('what allows', () => {
  const DENIED: readonly (readonly [title: string, body: string, failure: Decision['failure']])[] = [
    ['S3-009 C-225 an undefined result', 'allow if false', 'policy_undefined'],
    ['C-225 the text "true"', 'allow := "true"', 'policy_undefined'],
    ['C-225 the number 1', 'allow := 1', 'policy_undefined'],
    ['C-225 an object whose allow is a text', 'allow := {"allow": "true"}', 'policy_undefined'],
    ['C-225 an object without allow', 'allow := {"reasons": []}', 'policy_undefined'],
    ['C-225 two answers', 'allow := true if input.request.method == "GET"\n\nallow := false if true', 'policy_error'],
    [
      'C-225 a comprehension that does not end in time',
      'allow if count([x | some x in numbers.range(1, 100000); some y in numbers.range(1, 100000); x == y]) > 0',
      'policy_timeout',
    ],
    ['false', 'allow := false', undefined],
  ];
  for (const [title, body, failure] of DENIED) {
    test(`${title} denies`, () => {
      const decision = decide(body);
      assert.deepEqual([decision.allow, decision.failure], [false, failure], JSON.stringify(decision));
      assert.ok(decision.reasons.length > 0, 'with a reason');
    });
  }

  test('S3-157 true, with the rule that said so', () => {
    const decision = decide('default allow := false\n\nallow if input.request.method == "GET"');
    assert.deepEqual(decision, { allow: true, reasons: [], rule: 'a.rego:7' });
  });

  test('S3-157 S3-203 an object, with its reasons and its part of the record', () => {
    const decision = decide('result := {"allow": true, "reasons": {"b", "a"}, "audit": {"n": 1}}', 'data.a.result');
    assert.deepEqual(JSON.parse(JSON.stringify(decision)), {
      allow: true,
      reasons: ['a', 'b'],
      audit: { n: 1 },
      rule: 'a.rego:5',
    });
  });

  test('S3-210 time is the clock of the process, in nanoseconds', () => {
    assert.equal(decide(`allow if time.now_ns() == ${NOW}000000`).allow, true);
  });

  test('YAML is read as data', () => {
    assert.equal(decide('allow if yaml.unmarshal("a: [1, 2]").a[1] == 2').allow, true);
  });
});
