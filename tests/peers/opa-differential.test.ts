import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeededRandom } from '../fuzz/seeded-random.ts';
import { type Comparison, compareOne, type Generate, type Generated } from './compare.ts';
import { BASE_DATA } from './input-generator.ts';
import { MODULE_DECISIONS, ModuleGenerator } from './module-generator.ts';
import { withoutOpa } from './opa-binary.ts';
import { OpaServer } from './opa-server.ts';
import { DECISIONS, PolicyGenerator } from './policy-generator.ts';
import { damaged } from './source-mutation.ts';
import { V0PolicyGenerator } from './v0-policy.ts';

const SHOWN = 5;
const DAMAGED = 0.2;

/** `PEERS_SEED` repeats a run; without it every run is another one. */
const SEED = Number(process.env['PEERS_SEED'] ?? Date.now() % 1_000_000_000);
const COMPARISONS = process.env['PEERS_COMPARISONS'];
const FIRST_RUN = Number(process.env['PEERS_RUN'] ?? 0);

/** Each of OPA's answers is compared with both of our backends. */
const ROWS: readonly (readonly [title: string, generate: Generate, enough: number, ...flags: string[]])[] = [
  ['policies', onePolicy, 20_000],
  ['packages that read one another', severalPackages, 10_000],
  ['policies of v0', oneV0Policy, 5_000, '--v0-compatible'],
];

for (const [title, generate, enough, ...flags] of ROWS) {
  test(`generated ${title} mean to us what they mean to the real OPA`, { skip: withoutOpa() }, async (t) => {
    process.stdout.write(`PEERS_SEED=${SEED}\n`);
    await using opa = await OpaServer.start(BASE_DATA, flags);
    const all: Comparison[] = [];
    let compared = 0;
    for (let run = FIRST_RUN; compared < Number(COMPARISONS ?? enough); run += 1) {
      const one = await compareOne(opa, generate, { seed: SEED, run });
      all.push(one);
      compared += one.compared;
    }
    const count = (list: readonly string[]): string =>
      [...Map.groupBy(list, (one) => one)].map(([name, { length }]) => `${name} ${length}`).join(', ');
    process.stdout.write(
      [
        `compared ${compared} answers of the real OPA with ours`,
        `${title}: ${count(all.map(({ outcome }) => outcome))}`,
        `answers: ${count(all.flatMap(({ kinds }) => kinds))}`,
        `known differences: ${count(all.flatMap(({ known }) => known)) || 'none'}`,
        '',
      ].join('\n'),
    );
    const unexplained = all.flatMap((one) => one.unexplained);
    assert.equal(
      unexplained.length,
      0,
      `PEERS_SEED=${SEED}: ${unexplained.length} differ\n${unexplained.slice(0, SHOWN).join('\n\n')}`,
    );
    assert.ok(all.some(({ outcome }) => outcome === 'refused') && all.some(({ outcome }) => outcome === 'accepted'));
    t.diagnostic(`compared ${compared}`);
  });
}

function onePolicy(random: SeededRandom): Generated {
  const generated = new PolicyGenerator(random).policy();
  const text = random.chance(DAMAGED) ? damaged(random, generated) : generated;
  return { modules: [{ file: 'policy.rego', text }], decisions: DECISIONS };
}

function oneV0Policy(random: SeededRandom): Generated {
  const generated = new V0PolicyGenerator(random).policy();
  const text = random.chance(DAMAGED) ? damaged(random, generated) : generated;
  return { modules: [{ file: 'policy.rego', text }], decisions: DECISIONS, version: 'v0' };
}

function severalPackages(random: SeededRandom): Generated {
  return { modules: new ModuleGenerator(random).modules(), decisions: MODULE_DECISIONS };
}
