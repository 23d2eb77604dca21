/**
 * What one process counts: counters, gauges and histograms. Counting changes one field of one object; whatever costs more happens
 * when somebody reads.
 */

export class Counter {
  value = 0;

  increment(by = 1): void {
    this.value += by;
  }
}

export class Histogram {
  /** Upper bounds, rising; what lies above the last one has a place of its own. */
  readonly bounds: readonly number[];
  /** Of each place alone, not summed up. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let place = 0;
    while (place < this.bounds.length && value > (this.bounds[place] as number)) place += 1;
    this.counts[place] = (this.counts[place] as number) + 1;
    this.sum += value;
  }
}

/** The members of one metric, told apart by the values of its labels; these come from closed sets, never from a message. */
export interface Family<T> {
  /** @param values as many as the metric has labels; the same ones give the same member */
  with(...values: readonly string[]): T;
}

export type MetricKind = 'counter' | 'gauge' | 'histogram';

/** One number, or one distribution, as it was when it was read. */
export interface Sample {
  readonly labels: readonly string[];
  readonly value: number | Pick<Histogram, 'bounds' | 'counts' | 'sum'>;
}

/** One metric as it was when it was read; data only. */
export interface MetricReading {
  /** A counter's ends in `_total`. */
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: readonly Sample[];
}

type Description = Omit<MetricReading, 'samples' | 'kind'>;

/** Seconds: from a tenth of what a warm request takes to what nobody waits for. */
const DURATION_BOUNDS: readonly number[] = [
  0.000_05, 0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
];

export class Metrics {
  readonly #readers: (() => MetricReading)[] = [];

  counter(description: Description): Family<Counter> {
    return this.#family(description, 'counter', {
      create: () => new Counter(),
      read: ({ value }) => value,
    });
  }

  /** A histogram of seconds. */
  durations(description: Description): Family<Histogram> {
    return this.#family(description, 'histogram', {
      create: () => new Histogram(DURATION_BOUNDS),
      read: ({ bounds, counts, sum }) => ({ bounds, counts: [...counts], sum }),
    });
  }

  /** What somebody else knows, asked for whenever the metrics are read. */
  observed(description: Description, kind: 'counter' | 'gauge', read: () => readonly Sample[]): void {
    this.#readers.push(() => ({ ...description, kind, samples: read() }));
  }

  /** Everything, in the order in which it was described. */
  read(): readonly MetricReading[] {
    return this.#readers.map((read) => read());
  }

  #family<T>(
    description: Description,
    kind: MetricKind,
    { create, read }: { readonly create: () => T; readonly read: (member: T) => Sample['value'] },
  ): Family<T> {
    const members = new Map<string, { readonly labels: readonly string[]; readonly member: T }>();
    this.#readers.push(() => ({
      ...description,
      kind,
      samples: Array.from(members.values(), ({ labels, member }) => ({ labels, value: read(member) })),
    }));
    return {
      with(...labels) {
        if (labels.length !== description.labels.length) throw new Error(`${description.name} has other labels`);
        const key = labels.join('\n');
        let known = members.get(key);
        if (known === undefined) {
          known = { labels, member: create() };
          members.set(key, known);
        }
        return known.member;
      },
    };
  }
}
