/** Which cases of the adversarial corpus were executed: by the numbers in the titles of the tests that ran. */

export interface CorpusCount {
  /** @param title of one test, not of the suite around it */
  passed(title: string): void;
  failed(title: string): void;
  summary(): CorpusSummary;
}

export interface CorpusSummary {
  readonly total: number;
  /** Cases that a test stands for, all of whose tests passed. */
  readonly executed: number;
  readonly missing: readonly number[];
  readonly failed: readonly number[];
}

const CASES = 226;

export const CORPUS_CASES: readonly number[] = Array.from({ length: CASES }, (_, index) => index + 1);

export function countCorpus(cases: readonly number[] = CORPUS_CASES): CorpusCount {
  const ran = new Set<number>();
  const broken = new Set<number>();
  return {
    passed(title) {
      for (const number of numbersOf(title)) ran.add(number);
    },
    failed(title) {
      for (const number of numbersOf(title)) broken.add(number);
    },
    summary() {
      const failed = cases.filter((number) => broken.has(number));
      const missing = cases.filter((number) => !ran.has(number) && !broken.has(number));
      return { total: cases.length, executed: cases.length - failed.length - missing.length, missing, failed };
    },
  };
}

/** For people. */
export function summaryLine({ total, executed, missing, failed }: CorpusSummary): string {
  const list = (what: string, numbers: readonly number[]): string =>
    numbers.length === 0 ? '' : `; ${what}: ${numbers.map(nameOf).join(' ')}`;
  return `corpus: ${executed} of ${total} cases executed${list('failed', failed)}${list('without a test', missing)}`;
}

function numbersOf(title: string): number[] {
  return [...title.matchAll(/\bC-(\d{3})\b/g)].map(([, digits]) => Number(digits));
}

function nameOf(number: number): string {
  return `C-${String(number).padStart(3, '0')}`;
}
