/** What was measured on what: a table without it says nothing. */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { opaBinary } from '../tests/peers/opa-binary.ts';
import { BINARIES, isInstalled, OAUTH2_PROXY_VERSION } from './peers/binaries.ts';

export interface Machine {
  readonly date: string;
  readonly kind: string;
  /** Processes that wanted a core in the minute before: above two, others were measured too. */
  readonly loadBefore: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(): Machine {
  const [first] = cpus();
  const gibibytes = Math.round(totalmem() / 1_073_741_824);
  return {
    date: new Date().toISOString().slice(0, 10),
    kind: `${cpus().length} cores ${first?.model ?? ''}, ${gibibytes} GiB, ${process.platform} ${process.arch}, shared`,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
    versions: Object.fromEntries(Object.entries(programs()).filter(([, version]) => version !== '')),
  };
}

function programs(): Record<string, string> {
  return {
    node: process.versions.node,
    openssl: process.versions.openssl,
    nginx: versionOf('nginx', ['-v']),
    haproxy: versionOf('haproxy', ['-v']),
    wrk: versionOf('wrk', ['-v']),
    envoy: versionOf(BINARIES.envoy, ['--version']),
    'oauth2-proxy': isInstalled('oauth2-proxy') ? OAUTH2_PROXY_VERSION : '',
    opa: versionOf(opaBinary() ?? 'opa', ['version']),
  };
}

function versionOf(command: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[0] ?? '';
}
