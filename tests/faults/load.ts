/** Requests at a steady rate, whatever becomes of those before: each one's outcome is counted, none is sent again. */
import http from 'node:http';
import https from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

/** Who asks; another value means other connections. */
export interface Client {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface LoadOptions {
  readonly port: number;
  /** Absent: plain HTTP, as a service speaks to its own sidecar. */
  readonly client?: Client;
  readonly perSecond: number;
  /** Asked before each request. */
  readonly token?: () => string;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  /** Default 32. */
  readonly maxSockets?: number;
}

export interface LoadReport {
  readonly sent: number;
  /** How many ended in each way: `200`, `503 jwks_unavailable`, `ECONNRESET`. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Milliseconds from when a request was due until its answer was whole. */
  readonly p99: number;
  readonly slowest: number;
  /** Those that did not end in one of these ways. */
  except(...expected: readonly string[]): Readonly<Record<string, number>>;
}

export interface Load extends AsyncDisposable {
  readonly sent: number;
  /** How many have ended in this way by now. */
  seen(outcome: string): number;
  /** From the next request on somebody else asks. */
  become(client: Client): void;
  /** Resolves when all that were sent by now have ended; more are sent meanwhile. */
  settled(): Promise<void>;
  /** Sends no more, waits for what is under way. */
  end(): Promise<LoadReport>;
}

const TICK_MS = 5;
/** Longer than any limit of the sidecar in these tests. */
const PATIENCE_MS = 45_000;

export function startLoad(options: LoadOptions): Load {
  const { perSecond, maxSockets = 32 } = options;
  const outcomes = new Map<string, number>();
  const latencies: number[] = [];
  const underWay = new Set<Promise<void>>();
  const agents: http.Agent[] = [];
  const settings = { keepAlive: true, maxSockets, scheduling: 'fifo' } as const;
  const open = (client: Client | undefined): http.Agent => {
    const agent =
      client === undefined
        ? new http.Agent(settings)
        : new https.Agent({ ...settings, ...client, servername: 'localhost', maxCachedSessions: 0 });
    agents.push(agent);
    return agent;
  };
  let agent = open(options.client);
  let sent = 0;
  const began = performance.now();

  const send = (due: number): void => {
    sent += 1;
    const job = askOnce(options, agent).then((outcome) => {
      underWay.delete(job);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      latencies.push(performance.now() - due);
    });
    underWay.add(job);
  };
  const tick = setInterval(() => {
    const owed = Math.floor(((performance.now() - began) * perSecond) / 1_000);
    for (let next = sent + 1; next <= owed; next += 1) send(began + (next * 1_000) / perSecond);
  }, TICK_MS);

  let report: Promise<LoadReport> | undefined;
  const end = (): Promise<LoadReport> =>
    (report ??= (async () => {
      clearInterval(tick);
      while (underWay.size > 0) await Promise.all(underWay);
      for (const each of agents) each.destroy();
      return reportOf(sent, outcomes, latencies);
    })());
  return {
    get sent() {
      return sent;
    },
    seen: (outcome) => outcomes.get(outcome) ?? 0,
    become: (client) => {
      agent = open(client);
    },
    settled: async () => void (await Promise.all(underWay)),
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

/** For as long as a row takes. */
export async function loadFor(seconds: number, options: LoadOptions): Promise<LoadReport> {
  await using load = startLoad(options);
  await pause(seconds * 1_000);
  return load.end();
}

/** `count` requests at the same time, each on a connection of its own. */
export async function burst(
  count: number,
  options: Omit<LoadOptions, 'perSecond' | 'maxSockets'>,
): Promise<LoadReport> {
  const { client } = options;
  const agent =
    client === undefined
      ? new http.Agent({ keepAlive: false })
      : new https.Agent({ keepAlive: false, ...client, servername: 'localhost', maxCachedSessions: 0 });
  const outcomes = new Map<string, number>();
  const latencies: number[] = [];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: count }, async () => {
      const outcome = await askOnce(options, agent);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      latencies.push(performance.now() - began);
    }),
  );
  agent.destroy();
  return reportOf(count, outcomes, latencies);
}

/** Never rejects: how it ended is its outcome. */
function askOnce(options: Omit<LoadOptions, 'perSecond'>, agent: http.Agent): Promise<string> {
  const { port, client, token, path = '/orders', method = 'GET', body } = options;
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token()}` }),
    ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve) => {
    const sending = (client === undefined ? http : https).request(
      { port, host: '127.0.0.1', agent, path, method, headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => resolve(outcomeOf(response.statusCode ?? 0, text)));
        response.once('error', (error) => resolve(`cut ${nameOf(error)}`));
      },
    );
    sending.setTimeout(PATIENCE_MS, () => sending.destroy(new Error('no answer in time')));
    sending.once('error', (error) => resolve(nameOf(error)));
    sending.end(body);
  });
}

function outcomeOf(status: number, text: string): string {
  if (status < 400) return String(status);
  const [, code] = /"code":"(\w+)"/.exec(text) ?? [];
  return code === undefined ? String(status) : `${status} ${code}`;
}

function nameOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

function reportOf(sent: number, outcomes: ReadonlyMap<string, number>, latencies: readonly number[]): LoadReport {
  const sorted = latencies.toSorted((a, b) => a - b);
  return {
    sent,
    outcomes: Object.fromEntries(outcomes),
    p99: sorted[Math.floor((sorted.length - 1) * 0.99)] ?? Number.NaN,
    slowest: sorted.at(-1) ?? Number.NaN,
    except: (...expected) => Object.fromEntries([...outcomes].filter(([outcome]) => !expected.includes(outcome))),
  };
}

/** How many those are together. */
export function sum(outcomes: Readonly<Record<string, number>>): number {
  return Object.values(outcomes).reduce((total, each) => total + each, 0);
}
