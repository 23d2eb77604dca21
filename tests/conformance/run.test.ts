import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadCases } from './case.ts';
import { byCategory, failureLine, totals } from './report.ts';
import { runCase } from './run-case.ts';

const FOLDER = import.meta.dirname;
const judge = (folder: string) => loadCases(join(FOLDER, folder)).map((one) => ({ case: one, outcome: runCase(one) }));

describe('the conformance runner', () => {
  for (const judged of judge('planted')) {
    test(`reports the planted failure: ${judged.case.note}`, () => {
      assert.equal(judged.outcome.kind, 'failed');
      assert.match(
        failureLine(judged) ?? '',
        new RegExp(`^FAIL wrong/${judged.case.note}: (?:got|no error|error|refused)`),
      );
      assert.doesNotMatch(failureLine(judged) ?? '', /crash/);
    });
  }

  for (const judged of judge('sample')) {
    test(`agrees with the sample: ${judged.case.category}/${judged.case.note}`, () => {
      const skips = judged.case.note === 'an excluded builtin is skipped';
      assert.deepEqual(judged.outcome, skips ? { kind: 'skipped', why: 'http.send' } : { kind: 'passed' });
    });
  }

  test('counts per category and in all', () => {
    const judged = judge('sample');
    assert.deepEqual(totals(judged), { passed: judged.length - 1, failed: 0, skipped: 1 });
    assert.deepEqual(
      byCategory(judged).map(({ category }) => category),
      ['v1/builtins', 'v1/language', 'v1/refusals'],
    );
  });

  test('a module that makes the engine crash is a failure, not a skip', () => {
    const [sample] = loadCases(join(FOLDER, 'sample'));
    assert.ok(sample?.kind === 'evaluation');
    const broken = { ...sample, modules: [Symbol('no text') as unknown as string] };
    const outcome = runCase(broken);
    assert.equal(outcome.kind, 'failed');
  });
});

describe('npm run conformance', () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['--conditions=@sidegate/source', join(FOLDER, 'run.ts'), ...args], {
      encoding: 'utf8',
    });

  test('exits 1 after one line per failure and the closing line', () => {
    const { status, stdout } = run(join(FOLDER, 'planted'), join(FOLDER, 'sample'));
    assert.equal(status, 1);
    assert.equal(stdout.match(/^FAIL wrong\//gm)?.length, loadCases(join(FOLDER, 'planted')).length);
    assert.match(stdout.trimEnd().split('\n').at(-1) ?? '', /^\d+ passed, 14 failed, 1 skipped$/);
  });

  test('exits 0 when everything passed, and prints JSON when asked', () => {
    const { status, stdout } = run(join(FOLDER, 'sample'), '--category', 'language', '--json');
    assert.equal(status, 0);
    assert.deepEqual(JSON.parse(stdout), {
      passed: 14,
      failed: 0,
      skipped: 0,
      categories: [{ category: 'v1/language', passed: 14, failed: 0, skipped: 0 }],
      failures: [],
    });
  });

  for (const args of [[], ['/no/such/folder'], [FOLDER], [join(FOLDER, 'sample'), '--category', 'none'], ['--wrong']]) {
    test(`exits 2 when called with ${JSON.stringify(args.map((arg) => arg.replace(FOLDER, '.')))}`, () => {
      const { status, stdout, stderr } = run(...args);
      assert.equal(status, 2);
      assert.equal(stdout, '');
      assert.notEqual(stderr, '');
    });
  }
});
