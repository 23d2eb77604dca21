/**
 * GETs on one connection by a fixed schedule. The latency of a request counts from when it was due, not from when it could be
 * sent, so a peer that stalls is charged with everything that it held up.
 */
import { connect, getRequest } from './connection.ts';

export interface RateReport {
  readonly count: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** Times the schedule's own length; what is still due then has waited until then. */
const PATIENCE = 3;

const [port = '', ca = '', clientPem = '', token = '', rate = '', seconds = ''] = process.argv.slice(2);
const period = 1_000 / Number(rate);
const count = Number(rate) * Number(seconds);
const request = getRequest(token);
const connection = await connect({ port: Number(port), ca, clientPem });
for (let index = 0; index < 200; index += 1) await connection.ask(request);

const latencies = new Float64Array(count);
const began = performance.now() + period;
const end = began + Number(seconds) * PATIENCE * 1_000;
for (let index = 0; index < count; index += 1) {
  const due = began + index * period;
  if (performance.now() > end) {
    latencies[index] = end - due;
    continue;
  }
  sleepUntil(due);
  const status = await connection.ask(request);
  if (status !== 200) throw new Error(`answered with ${status}`);
  latencies[index] = performance.now() - due;
}
connection.close();
latencies.sort();
const report: RateReport = { count, p50Micros: quantile(0.5), p99Micros: quantile(0.99) };
process.stdout.write(JSON.stringify(report));

/** Nothing is under way, so the thread may sleep: a timer of the event loop only knows milliseconds. */
function sleepUntil(due: number): void {
  const left = due - performance.now();
  if (left > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, left);
}

function quantile(share: number): number {
  return (latencies[Math.floor(share * (count - 1))] ?? Number.NaN) * 1_000;
}
