/** `sidegate up`: a whole system of zones on this machine, walked through, attacked, and left running. */
import { randomBytes, randomInt } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@sidegate/sdk';
import { Command } from 'commander';
import { attack } from '../lab/attack.ts';
import type { AttackEvent, CheckEvent, LabEvent } from '../lab/event.ts';
import { type LaunchedLab, LaunchFailed, launchLab } from '../lab/launch.ts';
import { AddressUnavailable } from '../lab/ports.ts';
import type { RunningLab } from '../lab/running-lab.ts';
import { walkThrough } from '../lab/walk-through.ts';
import { EXIT } from './exit-code.ts';
import { NODE_FLAGS } from './node-flags.ts';
import { renderFinding, StartRefused } from './start-finding.ts';
import { curlLines } from './up-curl.ts';
import { type Prepared, prepareLab } from './up-prepare.ts';
import { jsonReporter, textReporter } from './up-report.ts';

interface UpOptions {
  readonly from?: string;
  readonly state?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

export function upCommand(): Command {
  return new Command('up')
    .description('Start all zones of a lab on this machine, walk through them, attack them, and stay up.')
    .argument('<dir>', 'directory with lab.yaml')
    .option('--from <dir>', 'take configurations and policies from there, corrected where they need it')
    .option('--state <dir>', "keep certificates, secrets and logs there instead of lab.yaml's root")
    .option('--once', 'end after the attacks')
    .option('--json', 'one JSON object a line on standard output')
    .addHelpText('after', `\n${HELP}`)
    .action(async (directory: string, options: UpOptions) => {
      process.exitCode = await up(directory, options);
    });
}

const HELP = `Events of --json: patch, state, process, hop, check, attack, summary; or one refused with all findings.
Exit codes: 0 everything held, 1 something did not hold, a process ended, or a signal came before the end of the attacks,
64 wrong command line, 78 configuration, certificate, realm or policy refused (all findings printed).`;

async function up(directory: string, options: UpOptions): Promise<number> {
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
  const telling = tell(options);
  const stopped = stopSignal();
  try {
    using prepared = await prepareLab({ directory, ...pathsOf(options), clock });
    for (const patch of prepared.patches) telling.emit({ event: 'patch', ...patch });
    const root = path.relative('', prepared.lab.root);
    telling.emit({ event: 'state', root, certificates: counted(prepared.certificates) });
    const launched = await launchLab({
      ...prepared,
      node: [process.execPath, ...process.execArgv, ...NODE_FLAGS],
      command: fileURLToPath(import.meta.resolve('#cli/main')),
      clock,
      // The monotonic clock starts with the process.
      beganAtMs: 0,
      randomInt: (bound) => randomInt(bound),
      emit: telling.emit,
    });
    try {
      return await run(prepared, launched, { clock, options, stopped, telling });
    } finally {
      await launched.stop();
    }
  } catch (error) {
    return refused(error, options.json === true);
  }
}

interface Telling {
  readonly emit: (event: LabEvent) => void;
  /** Everything told so far. */
  readonly events: readonly LabEvent[];
  /** From now on nothing is told: what still happens is the end of it all. */
  silence(): void;
}

function tell({ json }: UpOptions): Telling {
  const { stdout } = process;
  const write = (text: string): void => void stdout.write(text);
  const colour = stdout.isTTY && stdout.hasColors();
  const report = json === true ? jsonReporter({ write }) : textReporter({ write, colour });
  const events: LabEvent[] = [];
  let silent = false;
  const emit = (event: LabEvent): void => {
    if (silent) return;
    events.push(event);
    report(event);
  };
  return { emit, events, silence: () => (silent = true) };
}

interface Run {
  readonly clock: Clock;
  readonly options: UpOptions;
  readonly stopped: Promise<void>;
  readonly telling: Telling;
}

async function run(
  prepared: Prepared,
  launched: LaunchedLab,
  { clock, options, stopped, telling }: Run,
): Promise<number> {
  const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');
  const exercised = exercise({ ...prepared, ...launched, clock, randomHex, emit: telling.emit }, telling);
  const held = await Promise.race([exercised, stopped.then(() => undefined)]);
  if (held === undefined) telling.silence();
  if (held === undefined || options.once === true) return held === true ? EXIT.ok : EXIT.failed;

  launched.forget();
  if (options.json !== true) {
    const profile = options.from === undefined;
    process.stdout.write(`\n${curlLines(prepared.lab, launched, { profile })}\nCtrl-C stops everything.\n`);
  }
  const ended = await Promise.race([launched.firstEnd, stopped]);
  if (ended === undefined) return held ? EXIT.ok : EXIT.failed;
  process.stderr.write(`${ended.name} ended by itself\n${ended.lastWords()}\n`);
  return EXIT.failed;
}

/** The walk-through, the attacks and their sum; whether everything held. */
async function exercise(running: RunningLab, { emit, events }: Telling): Promise<boolean> {
  let coldStart: { readonly cold_start_ms?: number } = {};
  const broken: string[] = [];
  try {
    const walk = await walkThrough(running);
    coldStart = { cold_start_ms: Math.round(walk.order.answeredAtMs) };
    await attack(running, walk);
  } catch (error) {
    // Whatever the reason, what was promised did not happen.
    broken.push(`it could not go on: ${error instanceof Error ? error.message : String(error)}`);
  }
  const results = events.filter(
    (event): event is CheckEvent | AttackEvent => event.event === 'check' || event.event === 'attack',
  );
  const failed = results.filter(({ ok }) => !ok).map((result) => (result.event === 'check' ? result.id : result.what));
  const checks = results.filter(({ event }) => event === 'check').length;
  const ok = failed.length + broken.length === 0;
  emit({
    event: 'summary',
    ok,
    checks,
    attacks: results.length - checks,
    failed: [...failed, ...broken],
    ...coldStart,
  });
  return ok;
}

function counted(entries: Prepared['certificates']): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(entries, ({ action }) => action)].map(([action, all]) => [action, all.length]),
  );
}

function pathsOf({ from, state }: UpOptions): Pick<UpOptions, 'from' | 'state'> {
  return { ...(from === undefined ? {} : { from }), ...(state === undefined ? {} : { state }) };
}

/** Every finding once, whoever found it: what one sidecar refuses at its start, another one may refuse as well. */
function refused(error: unknown, json: boolean): number {
  const [findings, exitCode] = refusal(error);
  if (json) process.stdout.write(`${JSON.stringify({ event: 'refused', findings })}\n`);
  else process.stderr.write(`${findings.join('\n')}\n`);
  return exitCode;
}

function refusal(error: unknown): [findings: readonly string[], exitCode: number] {
  if (error instanceof StartRefused) return [error.findings.map(renderFinding), EXIT.config];
  if (error instanceof AddressUnavailable) return [[`lab.yaml: error: hosts: ${error.message}`], EXIT.config];
  if (!(error instanceof LaunchFailed)) throw error;
  const lines = error.failures.flatMap(({ message, code, lastWords }) =>
    code === EXIT.config ? lastWords.split('\n') : [message, ...lastWords.split('\n')],
  );
  const exitCode = error.failures.some(({ code }) => code === EXIT.config) ? EXIT.config : EXIT.failed;
  return [[...new Set(lines)].filter((line) => line !== ''), exitCode];
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
