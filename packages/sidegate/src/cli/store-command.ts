/** Commands that work on what an authority keeps, also while it runs: how each is asked, refused and ended. */
import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { type OpenedStore, openConfiguredStore } from './open-store.ts';
import { reportRefusal, StartRefused } from './start-finding.ts';

export interface StoreOptions {
  readonly config: string;
  readonly root?: string;
  readonly json?: true;
}

/** What was asked for is not there; the message says what to do. */
export class NotThere extends Error {
  override readonly name = 'NotThere';
}

export function storeCommand(name: string): Command {
  return new Command(name)
    .requiredOption('--config <file>', "the authority's configuration file")
    .option('--root <dir>', 'prefix of every absolute path in the configuration, like chroot')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 it does not hold or is not there, 64 wrong command line, 78 configuration or store refused.',
    );
}

/** Opens the store, does the work and closes it; sets the exit code of the process. */
export async function onStore(options: StoreOptions, work: (store: OpenedStore) => Promise<void>): Promise<void> {
  try {
    const store = await openConfiguredStore(options.config, options.root);
    try {
      await work(store);
    } finally {
      await store.database.close();
    }
  } catch (error) {
    if (error instanceof StartRefused) process.exitCode = reportRefusal(error, options.json === true);
    else if (error instanceof NotThere) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = EXIT.failed;
    } else throw error;
  }
}

/** ISO 8601 in UTC. */
export function printedTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
