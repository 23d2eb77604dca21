/**
 * Many calls of builtins in one evaluation, by the real OPA and by us. Arguments are written as Rego terms, once each;
 * they pass through a function, so that no type checker knows what they are.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CompileResult,
  compile,
  type Evaluate,
  EvaluationError,
  NODE_HOST,
  type Policy,
  type Value,
} from '@sidegate/rego';
import { regoText } from '../../packages/rego/src/builtins/text.ts';
import { opaBinary } from './opa-binary.ts';

export interface BuiltinRows {
  readonly name: string;
  /** What is compared: an expression that makes the call once with `$` for its arguments. The call itself when absent. */
  readonly expression?: string | undefined;
  /** Refusals are refusals, whatever their words. */
  readonly ownWords?: boolean | undefined;
  /** The arguments of each call, as Rego terms. */
  readonly rows: readonly (readonly string[])[];
}

export interface BatchOptions {
  readonly version: 'v0' | 'v1';
}

/** For each builtin, for each row, what the call answers: `undefined`, values in Rego's notation, or an error. */
export type Answers = readonly (readonly string[])[];

const MARK = /^to_number: strconv\.ParseFloat: parsing "#(\d+) (\d+)": invalid syntax$/;
const OUTPUT_LIMIT = 1 << 30;

/** @throws when OPA cannot evaluate the batch at all */
export function askOpa(batch: readonly BuiltinRows[], { version }: BatchOptions): Answers {
  const { pool, calls } = numbered(batch);
  const folder = mkdtempSync(join(tmpdir(), 'opa-batch-'));
  try {
    const text = [
      ...header(version, 'batch'),
      'same(x) := x',
      // An error that tells which row had no answer, and so whose the error before it is.
      'missing(found, n, i) if {\n  count(found) == 0\n  to_number(sprintf("#%d %d", [n, i]))\n}',
      `pool := same([${pool.join(',\n')}])`,
      ...batch.map(
        (each, n) =>
          `answers[${n}] := [found |
  some i, row in input[${n}]
  a := [pool[k] | some k in row]
  found := [sprintf("%v", [[v]]) | v := ${expressionOf(each, 'a')}]
  not missing(found, ${n}, i)
]`,
      ),
    ].join('\n');
    writeFileSync(join(folder, 'batch.rego'), text);
    writeFileSync(join(folder, 'input.json'), JSON.stringify(calls));
    const args = ['eval', version === 'v0' ? '--v0-compatible' : '--v1-compatible', '--show-builtin-errors'];
    const { stdout, stderr } = spawnSync(
      opaBinary() ?? 'opa',
      [...args, '-f', 'json', '-d', 'batch.rego', '-i', 'input.json', 'data.batch.answers'],
      { cwd: folder, encoding: 'utf8', timeout: 60_000, maxBuffer: OUTPUT_LIMIT },
    );
    return read(batch, stdout, stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface OpaOutput {
  readonly result?: readonly [
    { readonly expressions: readonly [{ readonly value: Readonly<Record<string, string[][]>> }] },
  ];
  readonly errors?: readonly { readonly code?: string; readonly message: string }[];
}

function read(batch: readonly BuiltinRows[], stdout: string, stderr: string): Answers {
  if (!stdout.startsWith('{')) throw new Error(`OPA answered nothing: ${stderr.slice(0, 2_000)}`);
  const { result, errors = [] } = JSON.parse(stdout) as OpaOutput;
  const values = result?.[0].expressions[0].value;
  if (values === undefined) throw new Error(`OPA refused the batch: ${JSON.stringify(errors).slice(0, 2_000)}`);
  const texts = new Map<string, string>();
  let error: string | undefined;
  for (const { code, message } of errors) {
    const mark = MARK.exec(message);
    if (mark === null) {
      error = `${code}: ${message}`;
      continue;
    }
    if (error !== undefined) texts.set(`${mark[1]} ${mark[2]}`, error);
    error = undefined;
  }
  return batch.map(({ rows }, n) =>
    rows.map((_, i) => {
      const found = values[n]?.[i] ?? [];
      return found.length > 0 ? found.join(' ') : (texts.get(`${n} ${i}`) ?? 'undefined');
    }),
  );
}

/** A byte that is no UTF-8 is a lone surrogate in our strings. */
function bytewise(text: string): string {
  return text.replace(/\\(?:udc([89a-f][0-9a-f])|.)/gs, (escape, byte?: string) =>
    byte === undefined ? escape : `\\x${byte}`,
  );
}

export function askUs(
  batch: readonly BuiltinRows[],
  { version, backend }: BatchOptions & { readonly backend: 'generated' | 'closures' },
): Answers {
  const { pool, calls } = numbered(batch);
  const values = compiled(
    compile([{ file: 'pool.rego', text: `package pool\npool := [${pool.join(',\n')}]` }]),
  ).prepare('data.pool.pool')(undefined) as readonly Value[];
  const text = [
    ...header(version, 'batch'),
    ...batch.map((each, n) => `answers_${n} := [v | v := ${expressionOf(each, 'input')}]`),
  ].join('\n');
  const policy = compiled(compile([{ file: 'batch.rego', text }], { version, backend, host: NODE_HOST }));
  return batch.map(({ rows }, n) => {
    const evaluate = policy.prepare(`data.batch.answers_${n}`);
    return rows.map((_, i) =>
      ourAnswer(
        evaluate,
        (calls[n]?.[i] ?? []).map((k) => values[k] as Value),
      ),
    );
  });
}

function ourAnswer(evaluate: Evaluate<Value | undefined>, args: readonly Value[]): string {
  try {
    const found = evaluate(args, { strictBuiltinErrors: true }) as readonly Value[];
    return found.length === 0 ? 'undefined' : found.map((value) => bytewise(regoText([value]))).join(' ');
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return error.message.replace(/^batch\.rego:\d+: /, '');
  }
}

function compiled(result: CompileResult): Policy {
  if (!result.ok) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
  return result.policy;
}

function header(version: 'v0' | 'v1', name: string): readonly string[] {
  return [`package ${name}`, ...(version === 'v0' ? ['import future.keywords'] : [])];
}

function expressionOf({ name, expression = `${name}($)`, rows }: BuiltinRows, list: string): string {
  const args = (rows[0] ?? []).map((_, i) => `${list}[${i}]`);
  return expression.replace('$', () => args.join(', '));
}

/** Each different term once, and rows of their places. */
function numbered(batch: readonly BuiltinRows[]): { pool: readonly string[]; calls: readonly number[][][] } {
  const places = new Map<string, number>();
  const place = (term: string): number => {
    const known = places.get(term) ?? places.size;
    places.set(term, known);
    return known;
  };
  const calls = batch.map(({ rows }) => rows.map((row) => row.map(place)));
  return { pool: [...places.keys()], calls };
}
