/** One row of docs/faults.md: a test, and one line that says what was broken, sent, failed, and the figure it is judged by. */
import { test } from 'node:test';

export interface RowFigures {
  readonly sent: number;
  /** What was neither served nor refused as the row says. */
  readonly failed: number;
  /** In the words of the row's promise. */
  readonly figure: string;
}

/** Called before the assertions, so that the line is there also when they do not hold. */
export type Note = (figures: RowFigures) => void;

export interface RowOptions {
  /** For node:test: why it cannot run here. */
  readonly skip?: string | false;
}

const TIMEOUT_MS = 300_000;

/** @param title what is broken, then what must hold */
export function row(title: string, run: (note: Note) => Promise<void>, { skip = false }: RowOptions = {}): void {
  test(title, { skip, timeout: TIMEOUT_MS }, async (t) => {
    const lines: string[] = [];
    try {
      await run(({ sent, failed, figure }) => lines.push(`sent ${sent}, failed ${failed}: ${figure}`));
    } finally {
      for (const line of lines) t.diagnostic(`${title} | ${line}`);
    }
  });
}
