/** Generated queries beside the real OPA: the solutions, and what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, toJson, type Value } from '@sidegate/rego';
import { runSeed, SeededRandom } from '../fuzz/seeded-random.ts';
import { BASE_DATA, generatedInput } from './input-generator.ts';
import { knownDifference, knownRefusal } from './known-differences.ts';
import { withoutOpa } from './opa-binary.ts';
import { OpaServer } from './opa-server.ts';
import { type Answer, answerOf, type Refused, sameAnswer, show } from './outcome.ts';
import { QueryGenerator } from './query-generator.ts';

const ENOUGH = 1_000;
const PER_POLICY = 20;
const SHOWN = 5;
const SEED = Number(process.env['PEERS_SEED'] ?? Date.now() % 1_000_000_000);
const COMPARISONS = Number(process.env['PEERS_COMPARISONS'] ?? ENOUGH);
const FIRST_RUN = Number(process.env['PEERS_RUN'] ?? 0);

test('generated queries have the solutions that the real OPA finds', { skip: withoutOpa() }, async (t) => {
  await using opa = await OpaServer.start(BASE_DATA);
  const unexplained: string[] = [];
  const kinds: string[] = [];
  for (let run = FIRST_RUN; kinds.length < COMPARISONS; run += 1) {
    const random = new SeededRandom(runSeed(SEED, run));
    const generator = new QueryGenerator(random);
    const text = generator.policy();
    if ((await opa.load([{ file: 'policy.rego', text }])) !== undefined) continue;
    for (let i = 0; i < PER_POLICY; i += 1) {
      const query = generator.query();
      const input = generatedInput(random);
      const theirs = await opa.query(query, input);
      for (const backend of ['generated', 'closures'] as const) {
        const ours = ask({ text, query, input, backend });
        kinds.push(...kindsOf(theirs));
        if (same(ours, theirs) || isKnown(query, ours, theirs)) continue;
        unexplained.push(
          [`seed ${SEED}, run ${run} (${backend})`, query, `  input ${JSON.stringify(input)}`]
            .concat(`  opa:  ${said(theirs)}`, `  ours: ${said(ours)}`, text)
            .join('\n'),
        );
      }
    }
  }
  t.diagnostic([...Map.groupBy(kinds, (kind) => kind)].map(([kind, { length }]) => `${kind} ${length}`).join(', '));
  const shown = unexplained.slice(0, SHOWN).join('\n\n');
  assert.equal(unexplained.length, 0, `PEERS_SEED=${SEED}: ${unexplained.length} differ\n${shown}`);
});

interface Question {
  readonly text: string;
  readonly query: string;
  readonly input: Value | undefined;
  readonly backend: 'generated' | 'closures';
}

function ask({ text, query, input, backend }: Question): Answer | Refused {
  const result = compile([{ file: 'policy.rego', text }], { data: BASE_DATA, backend });
  assert.ok(result.ok);
  const prepared = result.policy.results(query);
  if (prepared.ok) return answerOf(() => prepared.evaluate(input).map(({ bindings }) => bindings));
  const texts = prepared.diagnostics.map(
    ({ code, message, location: { row, col } }) => `${row}:${col} ${code}: ${message}`,
  );
  return { codes: new Set(prepared.diagnostics.map(({ code }) => code)), texts };
}

/** Solutions are a set: nobody promises their order. */
function same(ours: Answer | Refused, theirs: Answer | Refused): boolean {
  if ('codes' in ours || 'codes' in theirs) {
    return 'codes' in ours && 'codes' in theirs && ours.codes.symmetricDifference(theirs.codes).size === 0;
  }
  return sameAnswer(unordered(ours), unordered(theirs));
}

function unordered(answer: Answer): Answer {
  if (answer.kind === 'error' || !Array.isArray(answer.value)) return answer;
  return { kind: 'value', value: [...new Set((answer.value as readonly Value[]).map(toJson))].toSorted() };
}

function isKnown(text: string, ours: Answer | Refused, opa: Answer | Refused): boolean {
  if ('codes' in ours || 'codes' in opa) {
    const refused = (one: Answer | Refused): Refused | undefined => ('codes' in one ? one : undefined);
    return knownRefusal({ text, ours: refused(ours), opa: refused(opa) }) !== undefined;
  }
  return knownDifference({ text, ours, opa }) !== undefined;
}

function kindsOf(answer: Answer | Refused): readonly string[] {
  if ('codes' in answer) return [...answer.codes].slice(0, 1);
  if (answer.kind === 'error') return [answer.code];
  return [Array.isArray(answer.value) && answer.value.length === 0 ? 'no solution' : 'solutions'];
}

function said(answer: Answer | Refused): string {
  return 'codes' in answer ? answer.texts.join('\n        ') : show(answer);
}
