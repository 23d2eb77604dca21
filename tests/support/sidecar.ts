/**
 * A real sidecar inside the test process: real TLS listener, real files, a JWKS endpoint and an app behind it on
 * loopback sockets. The configuration is YAML as a user writes it.
 */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import type { Assembly } from '../../packages/sidegate/src/cli/assembly.ts';
import { fromDiagnostic } from '../../packages/sidegate/src/cli/start-finding.ts';
import { startSidecar } from '../../packages/sidegate/src/cli/start-sidecar.ts';
import { loadSidecarConfig } from '../../packages/sidegate/src/config/load.ts';
import type { ConnectTo } from '../../packages/sidegate/src/net/connector.ts';
import { createLogger } from '../../packages/sidegate/src/telemetry/logger.ts';

export type AuditLine = Readonly<Record<string, unknown>>;

export interface TestSidecarOptions {
  readonly yaml: string;
  /** Written below the sidecar's root: path → content. Keys get mode 0600. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly connectTo?: ConnectTo;
  /** Default: the system's. */
  readonly lookup?: LookupFunction;
  /** Default: the real one. */
  readonly clock?: Assembly['clock'];
  /** When what is due later is done. Default: by real timers. */
  readonly schedule?: Assembly['schedule'];
  /** Called with audit records before they are kept here; throws what a disk would. */
  readonly beforeKeeping?: (lines: string) => void;
}

export interface TestSidecar extends AsyncDisposable {
  readonly ingressPort: number;
  readonly egressPort: number;
  readonly adminPort: number;
  readonly grpcPort: number;
  readonly ready: Promise<void>;
  /** Oldest first. */
  readonly audit: readonly AuditLine[];
  /** The same records as they were written. */
  readonly lines: readonly string[];
  /** The process log so far. */
  log(): string;
  /** Where its absolute paths live. */
  readonly root: string;
  /** Stops as on SIGTERM. */
  stop(graceMs: number): Promise<void>;
}

/** @throws StartRefused */
export async function startTestSidecar(options: TestSidecarOptions): Promise<TestSidecar> {
  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-test-'));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  try {
    for (const [file, content] of Object.entries(options.files)) writeBelow(root, file, content);
    const loaded = loadSidecarConfig(options.yaml, {
      file: 'sidecar.yaml',
      env: options.env ?? {},
      readFile: () => {
        throw new Error('this test has no secret files');
      },
      resolvePath: (name) => path.join(root, name),
    });
    if (!loaded.ok)
      throw new Error(loaded.diagnostics.map(({ path: key, message }) => `${key}: ${message}`).join('\n'));
    const log: string[] = [];
    const audit: AuditLine[] = [];
    const lines: string[] = [];
    const keep = (text: string): void => {
      options.beforeKeeping?.(text);
      for (const line of text.trimEnd().split('\n')) {
        lines.push(line);
        audit.push(JSON.parse(line) as AuditLine);
      }
    };
    const running = await startSidecar(loaded.config, keep, {
      clock: options.clock ?? { now: () => Date.now(), monotonic: () => performance.now() },
      random: () => Math.random(),
      randomHex: (bytes) => randomBytes(bytes).toString('hex'),
      schedule: options.schedule ?? byTimer,
      connectTo: options.connectTo ?? new Map(),
      lookup: options.lookup ?? lookup,
      readFile: (file) => ({ text: readFileSync(file, 'utf8'), mode: statSync(file).mode }),
      logger: createLogger(loaded.config.service.name, collecting(log)),
      findings: loaded.warnings.map(fromDiagnostic),
    });
    let stopped: Promise<void> | undefined;
    const stop = (graceMs: number): Promise<void> => (stopped ??= running.close(graceMs));
    return {
      ingressPort: running.ingress?.port ?? 0,
      egressPort: running.egress?.port ?? 0,
      adminPort: running.admin?.port ?? 0,
      grpcPort: running.grpc?.port ?? 0,
      ready: running.ready,
      audit,
      lines,
      log: () => log.join(''),
      root,
      stop,
      async [Symbol.asyncDispose]() {
        await stop(0);
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

const byTimer: Assembly['schedule'] = (delayMs, task) => {
  const timer = setTimeout(task, delayMs).unref();
  return () => clearTimeout(timer);
};

function writeBelow(root: string, file: string, content: string | Uint8Array): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, content, { mode: 0o600 });
}

function collecting(chunks: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
}
