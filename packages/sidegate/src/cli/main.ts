#!/usr/bin/env node
/** The `sidegate` command: loads only the subcommand that was asked for, so that a sidecar starts fast. */
import { Command, CommanderError } from 'commander';
import { EXIT } from './exit-code.ts';

const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['up', async () => (await import('./up.ts')).upCommand()],
  ['sidecar', async () => (await import('./sidecar.ts')).sidecarCommand()],
  ['idp', async () => (await import('./idp.ts')).idpCommand()],
  ['authority', async () => (await import('./authority.ts')).authorityCommand()],
  ['keys', async () => (await import('./keys.ts')).keysCommand()],
  ['ca', async () => (await import('./ca.ts')).caCommand()],
  ['inventory', async () => (await import('./inventory.ts')).inventoryCommand()],
  ['clients', async () => (await import('./clients.ts')).clientsCommand()],
  ['revoke', async () => (await import('./revoke.ts')).revokeCommand()],
  ['token', async () => (await import('./token.ts')).tokenCommand()],
  ['doctor', async () => (await import('./doctor.ts')).doctorCommand()],
  ['certs', async () => (await import('./certs.ts')).certsCommand()],
  ['config', async () => (await import('./config.ts')).configCommand()],
  ['generate', async () => (await import('./generate.ts')).generateCommand()],
  ['policy', async () => (await import('./policy.ts')).policyCommand()],
]);

await main(process.argv);

async function main(argv: string[]): Promise<void> {
  const program = new Command('sidegate')
    .description('Zero-trust authentication and authorization between services.')
    .showHelpAfterError()
    .addHelpText(
      'after',
      '\nExit codes: 0 ok, 1 a check does not hold, 64 wrong command line, 70 internal error, 78 wrong configuration.',
    );
  const wanted = COMMANDS.get(argv[2] ?? '');
  const loaders = wanted === undefined ? [...COMMANDS.values()] : [wanted];
  for (const load of loaders) program.addCommand(exitsByCode(await load()));
  try {
    await exitsByCode(program).parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

/** Commander would exit 1 on a wrong command line; here that means "does not hold". */
function exitsByCode(command: Command): Command {
  for (const child of command.commands) exitsByCode(child);
  return command.exitOverride();
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  process.stderr.write(
    `sidegate: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  return EXIT.internal;
}
