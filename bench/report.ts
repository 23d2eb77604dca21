/** What a scenario hands back: findings, each a figure beside its target, and what could not be measured. */
import { type Summary, summarize } from './stats.ts';

export type Unit = '×' | 'µs' | 'ms' | 'MiB';

export type Target = { readonly atLeast: number } | { readonly atMost: number };

export interface Finding {
  /** What was done: `warm GET`. */
  readonly row: string;
  /** Beside whom, and what that one does of the job; or what the figure is. */
  readonly against: string;
  /** Ours and theirs in `costUnit`, where the finding is a ratio of two costs. */
  readonly ours?: Summary;
  readonly theirs?: Summary;
  readonly costUnit?: string;
  /** The figure that the target is about: medians and ranges of same-round values. */
  readonly value: Summary;
  readonly unit: Unit;
  readonly target?: Target;
}

export interface Report {
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
  readonly notMeasured: readonly { readonly name: string; readonly why: string }[];
}

export interface Costs {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly costUnit: string;
}

/** Theirs over ours, round by round: above 1, ours is cheaper. */
export function ratioFinding(row: string, against: string, costs: Costs, target?: Target): Finding {
  const { ours, theirs, costUnit } = costs;
  return {
    row,
    against,
    ours: summarize(ours),
    theirs: summarize(theirs),
    costUnit,
    value: summarize(theirs.map((cost, round) => cost / (ours[round] ?? Number.NaN))),
    unit: '×',
    ...(target === undefined ? {} : { target }),
  };
}

/** Whether the median holds the target; undefined without one. */
export function isMet({ value, target }: Finding): boolean | undefined {
  if (target === undefined) return undefined;
  return 'atLeast' in target ? value.median >= target.atLeast : value.median <= target.atMost;
}
