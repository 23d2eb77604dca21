/** The certificate of the gateway, from an authority of its own: `sidegate certs init` makes both, and keeps what still verifies. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const SIDEGATE = path.join(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts');

export interface GatewayCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

export async function gatewayCertificate(state: string): Promise<GatewayCertificate> {
  const directory = path.join(state, 'certs');
  const lab = path.join(import.meta.dirname, 'lab.yaml');
  const command = ['--conditions=@sidegate/source', SIDEGATE, 'certs', 'init', lab, '--out', directory];
  await promisify(execFile)(process.execPath, command);
  const read = (file: string): string => readFileSync(path.join(directory, file), 'utf8');
  return { key: read('gateway/server.key'), cert: read('gateway/server.crt'), ca: read('ca/bakery-ca.crt') };
}
