/** What a command sees of its process: the variables, where it writes, and who reads that. */
import { readFileSync } from 'node:fs';
import { EXIT } from './exit-code.ts';
import { renderFinding, StartRefused } from './start-finding.ts';

export interface Terminal {
  readonly env: NodeJS.ProcessEnv;
  /** A person reads what is written, not a pipe or a file. */
  readonly isTerminal: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** All of standard input. */
  input(): string;
  exit(code: number): void;
}

export function processTerminal(): Terminal {
  return {
    env: process.env,
    isTerminal: process.stdout.isTTY,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    input: () => readFileSync(0, 'utf8'),
    exit(code) {
      process.exitCode = code;
    },
  };
}

/** Runs the work of a command; a refused start is told and has its own exit code. */
export async function exitingWith(terminal: Terminal, work: () => number | Promise<number>): Promise<void> {
  try {
    terminal.exit(await work());
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    for (const finding of error.findings) terminal.err(`${renderFinding(finding)}\n`);
    terminal.exit(EXIT.config);
  }
}
