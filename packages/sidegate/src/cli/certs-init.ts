/** `sidegate certs init`: makes the certificates that a lab.yaml needs, and keeps those that still verify. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '@sidegate/sdk';
import { fileErrorCode } from '../authority/ca/file-error.ts';
import type { KeyAlgorithm } from '../authority/ca/key-algorithm.ts';
import type { PkiPlan } from '../authority/ca/plan.ts';
import { establishPki, type PkiEntry } from '../authority/ca/tree.ts';
import { type Diagnostic, renderDiagnostic } from '../config/diagnostic.ts';
import { loadLabConfig } from '../config/load.ts';
import type { Loaded } from '../config/load-document.ts';
import type { LabConfig } from '../config/schema/lab.ts';
import { pkiPlan } from './certs-plan.ts';
import { type CertsReport, columns, paint, refusedReport } from './certs-report.ts';
import { EXIT } from './exit-code.ts';

export interface CertsInitOptions {
  /** Default: `etc/certs` below the lab's root. */
  readonly out?: string;
  /** Default: lab.yaml's. */
  readonly keyAlgorithm?: KeyAlgorithm;
  /** Milliseconds. Default: lab.yaml's. */
  readonly validFor?: number;
  readonly force?: boolean;
}

const LAB_FILE = 'lab.yaml';

/** @param source a lab.yaml, or the directory that holds one. */
export async function certsInit(source: string, options: CertsInitOptions, clock: Clock): Promise<CertsReport> {
  const loaded = loadLab(source);
  if (!loaded.ok) {
    const { diagnostics } = loaded;
    const text = diagnostics.map(renderDiagnostic).join('\n');
    return { exitCode: EXIT.config, text, json: { ok: false, findings: diagnostics } };
  }
  const plan = overridden(pkiPlan(loaded.config), options);
  const directory = path.resolve(options.out ?? path.join(loaded.config.root, 'etc/certs'));
  try {
    const entries = await establishPki(plan, directory, { clock, force: options.force === true });
    return { exitCode: EXIT.ok, text: initText(directory, entries), json: initJson(directory, entries) };
  } catch (error) {
    return refusedReport(error);
  }
}

function loadLab(source: string): Loaded<LabConfig> {
  const isDirectory = statSync(source, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isDirectory ? path.join(source, LAB_FILE) : source;
  const resolvePath = (written: string): string => path.resolve(path.dirname(file), written);
  const readFile = (name: string): string => readFileSync(name, 'utf8');
  try {
    return loadLabConfig(readFile(file), { file, env: process.env, readFile, resolvePath });
  } catch (error) {
    return { ok: false, diagnostics: [unreadable(file, `cannot be read (${fileErrorCode(error)})`)] };
  }
}

const unreadable = (file: string, message: string): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  severity: 'error',
  code: 'unreadable_file',
  path: '',
  message,
  hint: `give a ${LAB_FILE}, or the directory that holds one`,
});

function overridden(plan: PkiPlan, { keyAlgorithm, validFor }: CertsInitOptions): PkiPlan {
  return { ...plan, keyAlgorithm: keyAlgorithm ?? plan.keyAlgorithm, validForMs: validFor ?? plan.validForMs };
}

const initJson = (directory: string, entries: readonly PkiEntry[]) => ({
  ok: true,
  directory,
  certificates: entries.map(({ path: file, action, keyKind, notAfter, reasons }) => ({
    path: file,
    action,
    key: keyKind,
    not_after: notAfter,
    reasons,
  })),
});

const ACTION_COLOUR = { created: 'green', renewed: 'yellow', kept: 'dim' } as const;

function initText(directory: string, entries: readonly PkiEntry[]): string {
  const rows = entries.map(({ path: file, action, keyKind, notAfter, reasons }) => [
    paint(ACTION_COLOUR[action], action),
    file,
    keyKind,
    `until ${notAfter.toISOString().slice(0, 10)}`,
    reasons.join('; '),
  ]);
  const count = (action: PkiEntry['action']): number => entries.filter((entry) => entry.action === action).length;
  const totals = `${count('created')} created, ${count('renewed')} renewed, ${count('kept')} kept in ${directory}`;
  return `${columns(rows)}\n${totals}`;
}
