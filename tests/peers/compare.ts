/** One generated policy, compared: does it compile, and what do its documents say for some inputs. */
import { type CompileResult, compile, type Value } from '@sidegate/rego';
import { runSeed, SeededRandom } from '../fuzz/seeded-random.ts';
import { BASE_DATA, generatedInput } from './input-generator.ts';
import { knownDifference, knownRefusal } from './known-differences.ts';
import type { OpaServer } from './opa-server.ts';
import { type Answer, answerOf, type Refused, sameAnswer, show } from './outcome.ts';

const INPUTS = 3;

export interface Comparison {
  /** Of answers. */
  readonly compared: number;
  readonly outcome: 'accepted' | 'refused' | 'disagreed';
  /** Which answers were errors, undefined, or values. */
  readonly kinds: readonly string[];
  readonly unexplained: readonly string[];
  /** Reasons out of the table of known differences. */
  readonly known: readonly string[];
}

/** What is compared: modules, and the paths to ask for below `data`. */
export interface Generated {
  readonly modules: readonly { readonly file: string; readonly text: string }[];
  readonly decisions: readonly string[];
  readonly version?: 'v0' | 'v1';
}

/** Makes a policy out of a seed. */
export type Generate = (random: SeededRandom) => Generated;

export async function compareOne(
  opa: OpaServer,
  generate: Generate,
  { seed, run }: { readonly seed: number; readonly run: number },
): Promise<Comparison> {
  const random = new SeededRandom(runSeed(seed, run));
  const { modules, decisions, version = 'v1' } = generate(random);
  const where = `seed ${seed}, run ${run}`;
  const refused = await opa.load(modules);
  const last = refused === undefined ? modules.length : modules.findIndex(({ file }) => file === refused.file) + 1;
  const seen = modules.slice(0, last);
  const text = seen.map((module) => module.text).join('\n');
  const [direct, closures] = (['generated', 'closures'] as const).map((backend) =>
    compile(seen, { data: BASE_DATA, backend, version }),
  ) as [CompileResult, CompileResult];
  if (refused !== undefined || !direct.ok || !closures.ok) return refusal(text, where, refused, direct);

  const kinds: string[] = [];
  const unexplained: string[] = [];
  const known: string[] = [];
  for (let count = 0; count < INPUTS; count += 1) {
    const input = generatedInput(random);
    const theirs = await Promise.all(decisions.map((path) => opa.decide(path, input)));
    for (const [index, path] of decisions.entries()) {
      const answer = theirs[index] as Answer;
      const reference = `data.${path.replaceAll('/', '.')}`;
      for (const [backend, { policy }] of [
        ['generated', direct],
        ['closures', closures],
      ] as const) {
        const ours = answerOf(() => policy.prepare(reference)(input));
        kinds.push(answer.kind === 'error' ? answer.code : answer.value === undefined ? 'undefined' : 'value');
        if (sameAnswer(ours, answer)) continue;
        const reason = knownDifference({ text, ours, opa: answer });
        if (reason === undefined)
          unexplained.push(report({ where, backend, reference, input, ours, opa: answer, text }));
        else known.push(reason);
      }
    }
  }
  return { compared: kinds.length, outcome: 'accepted', kinds, unexplained, known };
}

function refusal(text: string, where: string, opa: Refused | undefined, result: CompileResult): Comparison {
  const ours = result.ok
    ? undefined
    : {
        codes: new Set(result.diagnostics.map(({ code }) => code)),
        texts: result.diagnostics.map(
          ({ code, message, location }) => `${location.row}:${location.col} ${code}: ${message}`,
        ),
      };
  if (opa !== undefined && ours !== undefined && opa.codes.symmetricDifference(ours.codes).size === 0) {
    return { compared: 1, outcome: 'refused', kinds: [...opa.codes], unexplained: [], known: [] };
  }
  const reason = knownRefusal({ text, ours, opa });
  const said = (refused: Refused | undefined): string => refused?.texts.join('\n    ') ?? 'accepted';
  const unexplained = reason === undefined ? [`${where}\n  opa:  ${said(opa)}\n  ours: ${said(ours)}\n${text}`] : [];
  return { compared: 1, outcome: 'disagreed', kinds: [], unexplained, known: reason === undefined ? [] : [reason] };
}

function report(found: {
  readonly where: string;
  readonly backend: string;
  readonly reference: string;
  readonly input: Value | undefined;
  readonly ours: Answer;
  readonly opa: Answer;
  readonly text: string;
}): string {
  return [
    `${found.where}: ${found.reference} (${found.backend})`,
    `  input ${JSON.stringify(found.input)}`,
    `  opa:  ${show(found.opa)}`,
    `  ours: ${show(found.ours)}`,
    found.text,
  ].join('\n');
}
