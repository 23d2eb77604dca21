/** What the metrics say about exchanges. A warm one changes a few numbers; members are looked up only for what is rare. */
import type { Counter, Histogram, Metrics } from '../telemetry/metrics.ts';
import { type Direction, type Exchange, verdictOf } from './exchange.ts';

/** Told of every exchange once, at its end. */
export type ExchangeMeter = (exchange: Exchange) => void;

/** Served as asked. */
const FINE = 'ok';
const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;
/** Of an exchange that was refused before it had a target. */
const NO_TARGET = 'none';

export function meterExchanges(metrics: Metrics, clock: { monotonic(): number }): ExchangeMeter {
  const requests = metrics.counter({
    name: 'authz_requests_total',
    help: 'Exchanges: by direction, by what was decided, and by problem code, `ok` without a problem.',
    labels: ['direction', 'decision', 'code'],
  });
  const durations = metrics.durations({
    name: 'authz_request_duration_seconds',
    help: 'From the request head to the record of the exchange.',
    labels: ['direction'],
  });
  const meterTarget = meterTargets(metrics);
  const meterOf = (direction: Direction) => ({
    fine: requests.with(direction, 'allow', FINE),
    duration: durations.with(direction),
  });
  const meters = { ingress: meterOf('ingress'), egress: meterOf('egress'), decision: meterOf('decision') };

  return (exchange) => {
    const { direction } = exchange;
    const { fine, duration } = meters[direction];
    const code = codeOf(exchange);
    if (code === FINE) fine.increment();
    else requests.with(direction, verdictOf(exchange), code).increment();
    const seconds = (clock.monotonic() - exchange.startedMonotonic) / 1000;
    duration.observe(seconds);
    if (direction === 'egress') meterTarget(exchange, code, seconds);
  };
}

interface TargetMeter {
  readonly name: string;
  /** By status class, without a problem. */
  readonly fine: readonly Counter[];
  readonly duration: Histogram;
}

function meterTargets(metrics: Metrics): (exchange: Exchange, code: string, seconds: number) => void {
  const requests = metrics.counter({
    name: 'egress_requests_total',
    help: 'Calls of the local service: by target, by class of the status, and by problem code.',
    labels: ['target', 'status', 'code'],
  });
  const durations = metrics.durations({
    name: 'egress_request_duration_seconds',
    help: 'From the request head of the local service to the record of the call.',
    labels: ['target'],
  });
  const meters = new Map<string, TargetMeter>();
  const meterOf = (name: string): TargetMeter => {
    let meter = meters.get(name);
    if (meter === undefined) {
      const fine = STATUS_CLASSES.map((status) => requests.with(name, status, FINE));
      meter = { name, fine, duration: durations.with(name) };
      meters.set(name, meter);
    }
    return meter;
  };
  let latest: TargetMeter | undefined;

  return ({ upstream, status = 0 }, code, seconds) => {
    const name = upstream?.name ?? NO_TARGET;
    // Calls to one target mostly follow each other.
    latest = latest?.name === name ? latest : meterOf(name);
    const statusClass = Math.trunc(status / 100);
    if (code === FINE) latest.fine[statusClass]?.increment();
    else requests.with(name, STATUS_CLASSES[statusClass] ?? NO_TARGET, code).increment();
    latest.duration.observe(seconds);
  };
}

function codeOf({ problem, aborted }: Exchange): string {
  if (problem !== undefined) return problem.code;
  return aborted ? 'aborted' : FINE;
}
