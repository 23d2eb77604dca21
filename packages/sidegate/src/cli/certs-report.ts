/** What a `certs` command has to say, before anybody decides on text or JSON. */
import { stripVTControlCharacters, styleText } from 'node:util';
import { type Finding, PkiRefused } from '../authority/ca/finding.ts';
import { EXIT } from './exit-code.ts';

export interface CertsReport {
  readonly exitCode: number;
  /** Lines for people; {@link paint} has coloured them. */
  readonly text: string;
  readonly json: unknown;
}

type Colour = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

/** Colours text for standard output; plain where that is no terminal, or NO_COLOR says so. */
export const paint = (colour: Colour, text: string): string => styleText(colour, text, { stream: process.stdout });

/** Rows as aligned columns, two spaces apart; colours take no room. */
export function columns(rows: readonly (readonly string[])[]): string {
  const width = (cell: string | undefined): number => stripVTControlCharacters(cell ?? '').length;
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => width(row[index]))));
  const padded = (cell: string, index: number): string => cell + ' '.repeat((widths[index] ?? 0) - width(cell));
  return rows.map((row) => row.map(padded).join('  ').trimEnd()).join('\n');
}

/** Exit 78 with every reason. Anything but a refusal is thrown on. */
export function refusedReport(error: unknown): CertsReport {
  if (!(error instanceof PkiRefused)) throw error;
  return { exitCode: EXIT.config, text: findingLines(error.findings), json: { ok: false, findings: error.findings } };
}

/** One line a finding: file, what is wrong, what to do. */
export function findingLines(findings: readonly Finding[]): string {
  return findings.map(({ file, message }) => `${paint('bold', file)}: ${paint('red', 'error')}: ${message}`).join('\n');
}
