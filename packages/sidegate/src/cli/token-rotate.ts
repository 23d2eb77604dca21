/** `sidegate token rotate`: a token that takes the place of another one; both are good until the older one expires. */
import { DAY_SECONDS, type ListedToken } from '@sidegate/sdk/service-tokens';
import { Command } from 'commander';
import { EXIT } from './exit-code.ts';
import { printedTime } from './store-command.ts';
import { exitingWith, type Terminal } from './terminal.ts';
import { readInventoryFile, recordIssued, withInventory } from './token-inventory-file.ts';
import { issueToken, type OutputOptions, printTokens, readDays, unknownService, withOutput } from './token-issue.ts';
import { type TokenKeyOptions, tokenHandler, withTokenKeys } from './token-keys.ts';

interface RotateOptions extends TokenKeyOptions, OutputOptions {
  readonly inventory: string;
  readonly days?: number;
  readonly dryRun?: true;
}

export function tokenRotateCommand(terminal: Terminal): Command {
  return withOutput(withInventory(withTokenKeys(new Command('rotate')), true))
    .description('Make a token in place of the latest one of a service, for the same tenants, operations and time.')
    .argument('<service>', 'its name')
    .option('--days <n>', 'how long it lives; as long as the one before by default', readDays)
    .option('--dry-run', 'say what would be done, and make nothing')
    .addHelpText(
      'after',
      '\nExit codes: 0 made, 1 there is none to take the place of, 64 wrong command line, 78 no key or a damaged inventory.',
    )
    .action((service: string, options: RotateOptions) =>
      exitingWith(terminal, () => rotate(service, options, terminal)),
    );
}

async function rotate(service: string, options: RotateOptions, terminal: Terminal): Promise<number> {
  const { err } = terminal;
  const handler = tokenHandler(options, terminal);
  if (!handler.services.includes(service)) {
    err(`${unknownService(service, handler.services)}\n`);
    return EXIT.usage;
  }
  const before = latestOf(readInventoryFile(options.inventory).tokens, service);
  if (before === undefined) {
    err(`${options.inventory} has no token of ${service}; token issue makes the first one\n`);
    return EXIT.failed;
  }
  const lifetimeSeconds =
    options.days === undefined ? (before.expiresAt - before.issuedAt) / 1000 : options.days * DAY_SECONDS;
  const { tenants, operations, storedIn, id: replaces } = before;
  if (options.dryRun === true) {
    err(
      `would make a token for ${service} that lives ${lifetimeSeconds} seconds, in place of ${replaces}; nothing was done\n`,
    );
    return EXIT.ok;
  }
  const issued = await issueToken(handler, service, { lifetimeSeconds, tenants, operations, storedIn, replaces });
  recordIssued(options.inventory, [issued]);
  printTokens([issued], options, terminal);
  const until = before.state === 'live' ? `is good until ${printedTime(before.expiresAt)}` : `is ${before.state}`;
  err(
    `${replaces} ${until}. Put the new token where it is kept (${storedIn ?? 'the inventory does not say where'}), then restart ${service}.\n`,
  );
  return EXIT.ok;
}

function latestOf(tokens: readonly ListedToken[], service: string): ListedToken | undefined {
  const own = tokens
    .filter((token) => token.service === service)
    .toSorted((one, other) => other.issuedAt - one.issuedAt);
  return own.find(({ state }) => state === 'live') ?? own[0];
}
