/** `sidegate up`: a whole system of zones on this machine, walked through, attacked, and left running. */
import { randomBytes, randomInt } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@sidegate/sdk';
import { Command } from 'commander';
import { attack } from '../lab/attacks.ts';
import type { AttackEvent, CheckEvent, LabEvent } from '../lab/event.ts';
import { type LaunchedLab, LaunchFailed, launchLab } from '../lab/launch.ts';
import { AddressUnavailable } from '../lab/ports.ts';
import type { RunningLab } from '../lab/running-lab.ts';
import { walkThrough } from '../lab/walk-through.ts';
import { EXIT } from './exit-code.ts';
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
Exit codes: 0 everything held (and, without --once, stopped by a signal), 1 something did not hold or a process ended,
64 wrong command line, 78 configuration, certificate, realm or policy refused (all findings printed).`;

async function up(directory: string, options: UpOptions): Promise<number> {
  const clock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
  // The monotonic clock starts with the process.
  const beganAtMs = 0;
  const write = (text: string): void => void process.stdout.write(text);
  const report =
    options.json === true
      ? jsonReporter({ write })
      : textReporter({ write, colour: process.stdout.isTTY && process.stdout.hasColors() });
  const events: LabEvent[] = [];
  const emit = (event: LabEvent): void => {
    events.push(event);
    report(event);
  };
  const stopped = stopSignal();
  try {
    const prepared = await prepareLab({ directory, ...pathsOf(options), clock });
    for (const patch of prepared.patches) emit({ event: 'patch', ...patch });
    const { lab, secrets } = prepared;
    emit({ event: 'state', root: path.relative('', lab.root), certificates: counted(prepared.certificates) });
    const node = [process.execPath, ...process.execArgv] as const;
    const command = fileURLToPath(import.meta.resolve('./main.ts'));
    const launched = await launchLab({
      lab,
      secrets,
      node,
      command,
      clock,
      beganAtMs,
      randomInt: (n) => randomInt(n),
      emit,
    });
    try {
      const exercised = exercise(prepared, launched, { clock, emit, events });
      const held = await Promise.race([exercised, stopped.then(() => undefined)]);
      if (held === undefined) return EXIT.ok;
      if (options.once === true) return held ? EXIT.ok : EXIT.failed;
      if (options.json !== true)
        write(`\n${curlLines(lab, launched, { profile: options.from === undefined })}\nCtrl-C stops everything.\n`);
      const ended = await Promise.race([launched.firstEnd, stopped]);
      if (ended === undefined) return held ? EXIT.ok : EXIT.failed;
      process.stderr.write(`${ended.name} ended by itself\n${ended.lastWords()}\n`);
      return EXIT.failed;
    } finally {
      await launched.stop();
    }
  } catch (error) {
    return refused(error, options.json === true);
  }
}

interface Exercise {
  readonly clock: Clock;
  readonly emit: (event: LabEvent) => void;
  readonly events: readonly LabEvent[];
}

async function exercise(
  prepared: Prepared,
  launched: LaunchedLab,
  { clock, emit, events }: Exercise,
): Promise<boolean> {
  const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');
  const running: RunningLab = { ...prepared, ...launched, clock, randomHex, emit };
  let coldStartMs = Number.NaN;
  let broken: string | undefined;
  try {
    const walk = await walkThrough(running);
    coldStartMs = walk.order.answeredAtMs;
    await attack(running, walk);
  } catch (error) {
    // Whatever the reason, what was promised did not happen.
    broken = error instanceof Error ? error.message : String(error);
  }

  const results = events.filter(
    (event): event is CheckEvent | AttackEvent => event.event === 'check' || event.event === 'attack',
  );
  const failed = results.filter(({ ok }) => !ok).map((result) => (result.event === 'check' ? result.id : result.what));
  const checks = results.filter(({ event }) => event === 'check').length;
  if (broken !== undefined) failed.push(`it could not go on: ${broken}`);
  const ok = failed.length === 0;
  const cold_start_ms = Math.round(coldStartMs);
  emit({ event: 'summary', ok, checks, attacks: results.length - checks, failed, cold_start_ms });
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
