/**
 * A stage over the shared cases, one test per category and language version. Where the cases are not beside the
 * repository the tests skip visibly; in CI that is a failure.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { type Case, loadCases } from './case.ts';
import { failureLine } from './report.ts';
import { runCase } from './run-case.ts';

const SHARED = resolve(import.meta.dirname, '../../../shared/rego/cases');

export function testStage(name: string, categories: readonly string[]): void {
  const skip = !existsSync(SHARED) && process.env.CI !== 'true' ? 'the shared cases are not here' : false;
  describe(name, { skip }, () => {
    const versions = skip === false ? ['v1', 'v0'].map((version) => [version, casesOf(version)] as const) : [];
    for (const [version, cases] of versions) {
      for (const category of categories.filter((one) => cases.has(one))) {
        test(`${version}: every case of ${category} passes`, () => {
          const judged = (cases.get(category) ?? []).map((one) => ({ case: one, outcome: runCase(one) }));
          const failures = judged.map(failureLine).filter((line) => line !== undefined);
          assert.deepEqual(failures, []);
          assert.ok(judged.some(({ outcome }) => outcome.kind === 'passed'));
        });
      }
    }

    test('every category of the stage exists', () => {
      const missing = categories.filter((category) => !versions.some(([, cases]) => cases.has(category)));
      assert.deepEqual(missing, []);
    });
  });
}

function casesOf(version: string): ReadonlyMap<string, readonly Case[]> {
  return Map.groupBy(loadCases(`${SHARED}/${version}`), ({ category }) => category);
}
