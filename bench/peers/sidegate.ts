/** Ours: mutual TLS, token, binding, Rego, headers, and an audit record in a file. */
import { openSync } from 'node:fs';
import path from 'node:path';
import { NODE_FLAGS } from '../../packages/sidegate/src/cli/node-flags.ts';
import { PEER_CORE } from '../cores.ts';
import type { BenchFiles } from '../files.ts';
import { freePort, type Peer, startPeer } from '../peer.ts';
import { type EgressOptions, egressYaml } from '../sidecar-config.ts';

export interface SidegateOptions {
  /** Default: that of ingress with the small policy. */
  readonly config?: string;
  /** A folder for a CPU profile, written when the sidecar ends. */
  readonly profiles?: string | undefined;
  /** Default: 1. */
  readonly workers?: number;
  /** Another checkout, built. Default: this one. */
  readonly checkout?: string;
}

const HERE = path.join(import.meta.dirname, '../..');
/** What users install. */
const MAIN = 'packages/sidegate/dist/cli/main.js';

export async function startSidegate(
  files: BenchFiles,
  origin: number,
  { config = files.sidecarConfig, profiles, workers = 1, checkout = HERE }: SidegateOptions = {},
): Promise<Peer> {
  const port = await freePort();
  const job = 'mutual TLS, token, binding, Rego, headers, audit';
  const env = {
    AUTHZ_HTTP_ADDR: `127.0.0.1:${port}`,
    AUTHZ_PROXY_UPSTREAM_URL: `http://127.0.0.1:${origin}`,
  };
  return startProcess(files, { job, port, config, profiles, env, workers, checkout });
}

/** The other direction, with a token that is fetched once. */
export async function startSidegateEgress(
  files: BenchFiles,
  options: EgressOptions,
  profiles: string | undefined,
): Promise<Peer> {
  const port = await freePort();
  const job = 'plain HTTP to mutual TLS, token from its cache, headers, audit';
  const config = files.write('egress.yaml', egressYaml(files, options));
  const env = { AUTHZ_EGRESS_ADDR: `127.0.0.1:${port}`, BENCH_SECRET: 'of-the-benchmark' };
  return startProcess(files, { job, port, config, profiles, env, workers: 1, checkout: HERE });
}

interface SidegateProcess {
  readonly job: string;
  readonly port: number;
  readonly config: string;
  readonly profiles: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly workers: number;
  readonly checkout: string;
}

function startProcess(
  files: BenchFiles,
  { job, port, config, profiles, env, workers, checkout }: SidegateProcess,
): Promise<Peer> {
  const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
  const audit = path.join(files.directory, `audit-${port}.log`);
  return startPeer({
    name: checkout === HERE ? 'sidegate' : `sidegate@${checkout}`,
    job,
    port,
    core: PEER_CORE,
    command: process.execPath,
    args: [
      ...profiling,
      ...NODE_FLAGS,
      path.join(checkout, MAIN),
      'sidecar',
      '--config',
      config,
      '--workers',
      String(workers),
    ],
    env,
    output: { file: audit, descriptor: openSync(audit, 'a') },
  });
}
