/** The command line of `generate-service-token`: one command with options where `sidegate token` has commands. */
import { Command, CommanderError } from 'commander';
import { EXIT } from './exit-code.ts';
import { exitingWith, type Terminal } from './terminal.ts';
import { listServices } from './token.ts';
import { withInventory } from './token-inventory-file.ts';
import { type IssueOptions, issueCommand, readDays, withOutput } from './token-issue.ts';
import { withServices } from './token-keys.ts';
import { verifyCommand } from './token-verify.ts';

interface LegacyOptions extends IssueOptions {
  readonly verify?: string;
  readonly listServices?: true;
  readonly raw?: true;
}

export async function runLegacyTokenCommand(argv: readonly string[], terminal: Terminal): Promise<void> {
  const command = withOutput(withInventory(withServices(new Command('generate-service-token'))))
    .description('Make a service token with HS256 under JWT_SECRET_KEY. sidegate token does it with a key pair.')
    .argument('[service]', 'its name, as --list-services shows it')
    .option('--days <n>', 'how long it lives; 365 by default', readDays)
    .option('--all', 'a token for each known service')
    .option('--verify <token>', 'check a token and show what it says')
    .option('--list-services', 'print the names of the services')
    .option('--raw', 'the token alone, as in a pipe')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 the token is not valid, 64 wrong command line, 78 no JWT_SECRET_KEY.',
    )
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .action((service: string | undefined, options: LegacyOptions) =>
      exitingWith(terminal, () => run(service, options, terminal)),
    );
  try {
    await command.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    terminal.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  }
}

async function run(service: string | undefined, given: LegacyOptions, terminal: Terminal): Promise<number> {
  const options = { ...given, legacy: true } as const;
  if (options.listServices === true) {
    listServices({ services: options.services }, terminal);
    return EXIT.ok;
  }
  if (options.verify !== undefined) return verifyCommand(options.verify, options, terminal);
  return issueCommand(service, options.raw === true ? { ...options, output: 'raw' } : options, terminal);
}
