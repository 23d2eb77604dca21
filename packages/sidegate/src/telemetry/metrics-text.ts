/** Metrics as text: the Prometheus format 0.0.4 and OpenMetrics 1.0, whichever the reader prefers. */
import type { MetricReading, Sample } from './metrics.ts';

export type MetricsFormat = 'prometheus' | 'openmetrics';

export const METRICS_CONTENT_TYPE: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** @param accept the values of the `Accept` fields; without any, or when none fits, the older format */
export function preferredFormat(accept: readonly string[]): MetricsFormat {
  let openMetrics = 0;
  let plain = 0;
  for (const range of accept.join(',').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = weightOf(parameters);
    const version = parameters.find((parameter) => parameter.startsWith('version='))?.replaceAll('"', '');
    if (type === 'application/openmetrics-text') {
      if (version === undefined || version === 'version=1.0.0') openMetrics = Math.max(openMetrics, weight);
    } else if (type === 'text/plain' || type === 'text/*' || type === '*/*') plain = Math.max(plain, weight);
  }
  return openMetrics > 0 && openMetrics >= plain ? 'openmetrics' : 'prometheus';
}

/** RFC 9110 section 12.4.2; a weight that is none asks for nothing. */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  return /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0;
}

export function metricsText(readings: readonly MetricReading[], format: MetricsFormat): string {
  const text = readings.map((reading) => readingText(reading, format)).join('');
  return format === 'openmetrics' ? `${text}# EOF\n` : text;
}

function readingText({ name, kind, help, labels, samples }: MetricReading, format: MetricsFormat): string {
  // OpenMetrics names a counter without the ending that its samples have.
  const family = format === 'openmetrics' && kind === 'counter' ? name.replace(/_total$/, '') : name;
  const lines = samples.map((sample) => sampleLines(name, labels, sample)).join('');
  return `# HELP ${family} ${escaped(help, format === 'openmetrics')}\n# TYPE ${family} ${kind}\n${lines}`;
}

function sampleLines(name: string, names: readonly string[], { labels, value }: Sample): string {
  const pairs = names.map((label, index) => `${label}="${escaped(labels[index] ?? '', true)}"`);
  if (typeof value === 'number') return `${name}${braced(pairs)} ${numberText(value)}\n`;
  let total = 0;
  let lines = '';
  for (const [place, count] of value.counts.entries()) {
    total += count;
    lines += `${name}_bucket${braced([...pairs, `le="${boundText(value.bounds[place])}"`])} ${total}\n`;
  }
  return `${lines}${name}_sum${braced(pairs)} ${numberText(value.sum)}\n${name}_count${braced(pairs)} ${total}\n`;
}

function braced(pairs: readonly string[]): string {
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** OpenMetrics writes a whole bound with its point; the same series must not have two names. */
function boundText(bound: number | undefined): string {
  if (bound === undefined) return '+Inf';
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

function escaped(text: string, quotes: boolean): string {
  const lines = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return quotes ? lines.replaceAll('"', '\\"') : lines;
}
