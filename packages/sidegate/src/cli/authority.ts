/** `sidegate authority`: the signing side of a trust domain, from one configuration file and its realm files, until SIGTERM. */
import { Command } from 'commander';
import type { Address } from '../config/address.ts';
import { EXIT } from './exit-code.ts';
import { readAddress } from './listen-address.ts';
import { printEvent } from './print-event.ts';
import { startAuthority } from './start-authority.ts';
import { renderFinding, reportRefusal, StartRefused } from './start-finding.ts';
import { stopSignal } from './stop-signal.ts';

interface AuthorityOptions {
  readonly config: string;
  readonly root?: string;
  readonly addr?: Address;
  readonly json?: boolean;
}

/** The `authority` command. */
export function authorityCommand(): Command {
  return new Command('authority')
    .description('Run the signing side of a trust domain: tokens of its realms, keys that rotate, kept in a store.')
    .requiredOption('--config <file>', 'configuration file')
    .option('--root <dir>', 'prefix of every absolute path in the configuration, like chroot')
    .option('--addr <host:port>', 'listen here instead of where the configuration says', readAddress)
    .option('--json', 'findings of a refused start as one JSON line on standard output')
    .addHelpText('after', `\n${HELP}`)
    .action(async (options: AuthorityOptions) => {
      process.exitCode = await runAuthority(options);
    });
}

const HELP = `Standard output carries JSON lines: {"event":"listening"}, one {"event":"token"} for each token that is issued or refused,
one {"event":"key"} for each new signing key. Warnings go to standard error. SIGTERM and SIGINT finish what is under way and exit 0.
Exit codes: 0 stopped, 64 wrong command line, 78 configuration, realm, certificate, key or store refused (all findings printed).`;

async function runAuthority(options: AuthorityOptions): Promise<number> {
  try {
    const stopped = stopSignal();
    const authority = await startAuthority(options);
    for (const warning of authority.warnings) process.stderr.write(`${renderFinding(warning)}\n`);
    printEvent({ event: 'listening', url: authority.url });
    await stopped;
    await authority.close();
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    return reportRefusal(error, options.json === true);
  }
}
