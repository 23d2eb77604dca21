/** One process of the lab: its output as parsed JSON lines and as a log file, its readiness, its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

export interface ProcessPlan {
  readonly name: string;
  /** The node executable and its options, as those of the lab itself. */
  readonly node: readonly [executable: string, ...options: readonly string[]];
  /** Module to run, then its arguments. */
  readonly args: readonly string[];
  /** Everything the process gets to see; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Takes all output, standard error included. */
  readonly logFile: string;
}

export type JsonLine = Readonly<Record<string, unknown>>;

export interface LabProcess {
  readonly name: string;
  readonly pid: number;
  /** Every JSON line on standard output, from the first one on, also for a listener that comes late. */
  onLine(listener: (line: JsonLine) => void): void;
  /** The first line that has this `event`; rejects when the process ends without it or the time is over. */
  event(event: string, timeoutMs: number): Promise<JsonLine>;
  /** What it said last on standard error, for people. */
  lastWords(): string;
  /** How it ended, once all that it said is in the log; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** SIGTERM, then SIGKILL after the grace; resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const LEASH = import.meta.resolve('#lab/leash');
const LAST_WORDS = 20;
const KEPT_LINES = 10_000;

/** Starts it in a process group of its own, so that Ctrl-C reaches the lab alone and the lab ends what it started. */
export function startProcess(plan: ProcessPlan): LabProcess {
  mkdirSync(dirname(plan.logFile), { recursive: true });
  const log = createWriteStream(plan.logFile, { mode: 0o600 });
  const [executable, ...options] = plan.node;
  const child = spawn(executable, [...options, '--import', LEASH, ...plan.args], {
    cwd: plan.cwd,
    env: plan.env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const ended = endOf(child).then(async (end) => {
    await new Promise<void>((resolve) => log.end(() => resolve()));
    return end;
  });

  const lines: JsonLine[] = [];
  const listeners: ((line: JsonLine) => void)[] = [];
  const words: string[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    log.write(`${text}\n`);
    const line = parseLine(text);
    if (line === undefined) return;
    if (lines.length < KEPT_LINES) lines.push(line);
    for (const listener of listeners) listener(line);
  });
  createInterface({ input: child.stderr }).on('line', (text) => {
    log.write(`${text}\n`);
    words.push(text);
    if (words.length > LAST_WORDS) words.shift();
  });

  const onLine = (listener: (line: JsonLine) => void): void => {
    for (const line of lines) listener(line);
    listeners.push(listener);
  };
  return {
    name: plan.name,
    pid: child.pid ?? 0,
    onLine,
    ended,
    lastWords: () => words.join('\n'),
    event: (event, timeoutMs) => awaitEvent({ name: plan.name, onLine, ended }, event, timeoutMs),
    stop: async (graceMs) => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Resolves after the last line was read. */
function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function awaitEvent(
  from: Pick<LabProcess, 'name' | 'onLine' | 'ended'>,
  event: string,
  timeoutMs: number,
): Promise<JsonLine> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${from.name} did not say ${JSON.stringify(event)} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    from.onLine((line) => {
      if (line['event'] !== event) return;
      clearTimeout(timer);
      resolve(line);
    });
    void from.ended.then(({ code, signal }) => {
      clearTimeout(timer);
      reject(new Error(`${from.name} ended (${signal ?? `exit ${code}`}) before it said ${JSON.stringify(event)}`));
    });
  });
}

function parseLine(text: string): JsonLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonLine) : undefined;
  } catch {
    return undefined;
  }
}
