/** Which heads and literals an evaluation reached, as `opa test --coverage` counts and writes it. */
import type { Compilation } from '../compile/context.ts';
import { eachRule } from '../compile/context.ts';
import type { Stmt } from '../compile/ir.ts';
import type { Step } from '../evaluate/closures/frame.ts';
import type { Instruments } from '../evaluate/closures/instruments.ts';
import type { Location } from '../syntax/location.ts';
import { visitRule } from '../syntax/walk.ts';

export interface Position {
  readonly row: number;
  readonly col: number;
}

/** From the first character to the one after the last. */
export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface FileCoverage {
  readonly covered: readonly Range[];
  readonly not_covered: readonly Range[];
  readonly covered_lines: number;
  readonly not_covered_lines: number;
  /** Percent of lines. */
  readonly coverage: number;
}

export interface CoverageReport extends Omit<FileCoverage, 'covered' | 'not_covered'> {
  readonly files: Readonly<Record<string, FileCoverage>>;
}

/** Listens to an evaluation and notes what it reaches. */
export class CoverageRecorder implements Instruments {
  private readonly hits = new Set<string>();
  private readonly files: readonly string[];
  private readonly expected: readonly Location[];

  constructor(c: Compilation) {
    this.files = c.modules.map(({ file }) => file);
    const expected: Location[] = [];
    eachRule(c, (rule) => {
      expected.push(rule.head.location);
      visitRule(rule, {
        expr(expr) {
          if (expr.generated !== true) expected.push(expr.location);
          return true;
        },
      });
    });
    this.expected = expected;
  }

  statement(stmt: Stmt, step: Step): Step {
    if (stmt.op !== 'mark' || stmt.generated) return step;
    const key = identity(stmt.location);
    return (frame) => {
      this.hits.add(key);
      return step(frame);
    };
  }

  report(): CoverageReport {
    const files = Object.fromEntries(this.files.map((file) => [file, this.fileReport(file)] as const));
    const sum = (field: 'covered_lines' | 'not_covered_lines'): number =>
      Object.values(files).reduce((total, each) => total + each[field], 0);
    return { files, ...percentage(sum('covered_lines'), sum('not_covered_lines')) };
  }

  private fileReport(file: string): FileCoverage {
    const own = new Map(this.expected.filter((each) => each.file === file).map((each) => [identity(each), each]));
    const covered: Range[] = [];
    const missed: Range[] = [];
    for (const [key, location] of own) (this.hits.has(key) ? covered : missed).push(rangeOf(location));
    return {
      covered: covered.toSorted(byPosition),
      not_covered: missed.toSorted(byPosition),
      ...percentage(lineCount(covered), lineCount(missed)),
    };
  }
}

function identity({ file, offset, text }: Location): string {
  return `${offset}+${text.length} ${file}`;
}

function rangeOf({ row, col, text }: Location): Range {
  const lines = text.split('\n');
  const last = Array.from(lines.at(-1) ?? '').length;
  const end = lines.length === 1 ? { row, col: col + last } : { row: row + lines.length - 1, col: last + 1 };
  return { start: { row, col }, end };
}

function byPosition(a: Range, b: Range): number {
  return a.start.row - b.start.row || a.start.col - b.start.col || a.end.row - b.end.row || a.end.col - b.end.col;
}

/** A line with a part that was reached and a part that was not counts on both sides, as OPA counts. */
function lineCount(ranges: readonly Range[]): number {
  const rows = new Set<number>();
  for (const { start, end } of ranges) for (let { row } = start; row <= end.row; row += 1) rows.add(row);
  return rows.size;
}

function percentage(
  covered: number,
  missed: number,
): { covered_lines: number; not_covered_lines: number; coverage: number } {
  const all = covered + missed;
  return { covered_lines: covered, not_covered_lines: missed, coverage: all === 0 ? 100 : (100 * covered) / all };
}
