/**
 * Stage A over the shared cases, one test per category and version. Where the cases are not beside the repository
 * the tests skip visibly; in CI that is a failure.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { type Case, loadCases } from './case.ts';
import { failureLine } from './report.ts';
import { runCase } from './run-case.ts';
import { STAGE_A } from './stages.ts';

const SHARED = resolve(import.meta.dirname, '../../../shared/rego');
const absent = !existsSync(SHARED) && process.env.CI !== 'true' ? 'the shared cases are not here' : false;

describe('stage A of the conformance cases', { skip: absent }, () => {
  for (const version of ['v1', 'v0']) {
    const byCategory =
      absent === false
        ? Map.groupBy(loadCases(`${SHARED}/cases/${version}`), ({ category }) => category)
        : new Map<string, Case[]>();
    const present = STAGE_A.filter((category) => byCategory.has(category));

    for (const category of present) {
      test(`${version}: every case of ${category} passes`, () => {
        const judged = (byCategory.get(category) ?? []).map((one) => ({ case: one, outcome: runCase(one, 'both') }));
        assert.deepEqual(
          judged.map(failureLine).filter((line) => line !== undefined),
          [],
        );
        assert.ok(judged.some(({ outcome }) => outcome.kind === 'passed'));
      });
    }
  }

  test('every category of the stage exists in v1', () => {
    const known = new Set(loadCases(`${SHARED}/cases/v1`).map(({ category }) => category));
    assert.deepEqual(
      STAGE_A.filter((category) => !known.has(category)),
      [],
    );
  });
});
