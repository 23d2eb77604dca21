/** Keeps a running sidecar at its files: on SIGHUP at once, else when they have changed, and at its identity. What is wrong with them changes nothing. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AssemblyPorts } from './assembly.ts';
import { StartRefused } from './start-finding.ts';
import type { RunningSidecar } from './start-sidecar.ts';
import { type FileWatch, watchFiles } from './watch-files.ts';
import { announce } from './workers.ts';

/** A configuration, and what it was read from. */
export interface Read {
  readonly config: SidecarConfig;
  readonly ports: AssemblyPorts;
  /** When that began, in milliseconds since the epoch. */
  readonly readAt: number;
  /** Every file and folder that it depends on; grows while it is assembled. */
  readonly files: Set<string>;
}

/** What keeps a configuration from being read at all, with the files that it named up to there. */
export class ReadRefused extends StartRefused {
  readonly files: ReadonlySet<string>;

  constructor(findings: StartRefused['findings'], files: ReadonlySet<string>) {
    super(findings);
    this.files = files;
  }
}

export interface ReloadingOptions {
  readonly running: RunningSidecar;
  readonly first: Read;
  /** @throws ReadRefused */
  readonly read: () => Read;
  /** Told after each change: the new configuration serves. */
  readonly onReloaded: () => void;
  readonly logger: Logger;
}

const LOOK_MS = 500;

export interface Reloading extends AsyncDisposable {
  /** Something that no file tells of has changed. */
  readonly reload: () => void;
}

export async function keepReloading({
  running,
  first,
  read,
  onReloaded,
  logger,
}: ReloadingOptions): Promise<Reloading> {
  let generation = 1;
  let files: ReadonlySet<string> = first.files;
  let underWay = Promise.resolve();

  const reload = async (): Promise<void> => {
    let next: Read | undefined;
    try {
      await running.reload(() => {
        next = read();
        return next;
      });
      generation += 1;
      onReloaded();
      if (next === undefined) return;
      files = next.files;
      announce({ event: 'reloaded', service: next.config.service.name, generation });
    } catch (error) {
      if (!(error instanceof StartRefused)) throw error;
      // Files that a refused configuration names are watched too: they may be what is about to be mended.
      files = new Set([...files, ...(error instanceof ReadRefused ? error.files : (next?.files ?? []))]);
      for (const { file, line, column, message, hint } of error.findings.filter(
        ({ severity }) => severity === 'error',
      )) {
        logger.error({ file, line, column, hint, generation }, `not reloaded: ${message}`);
      }
    }
  };
  const inTurn = (): Promise<void> => {
    underWay = underWay.then(reload);
    return underWay;
  };

  const watch: FileWatch = await watchFiles({
    paths: () => files,
    intervalMs: LOOK_MS,
    readAt: first.readAt,
    onChange: inTurn,
  });
  const onHangUp = (): void => {
    void inTurn().then(() => watch.accept());
  };
  process.on('SIGHUP', onHangUp);
  return {
    reload: () => void inTurn(),
    async [Symbol.asyncDispose]() {
      process.off('SIGHUP', onHangUp);
      await watch[Symbol.asyncDispose]();
      await underWay;
    },
  };
}
