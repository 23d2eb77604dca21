/** `sidegate token inventory` and `token revoke`: which service tokens there are, what expires soon, and taking one back. */
import type { ListedToken } from '@sidegate/sdk/service-tokens';
import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { EXIT } from './exit-code.ts';
import { printedTime } from './store-command.ts';
import { exitingWith, type Terminal } from './terminal.ts';
import { readInventoryFile, recordRevoked, withInventory } from './token-inventory-file.ts';

interface InventoryOptions {
  readonly inventory: string;
  readonly expiring?: number;
  readonly json?: true;
  readonly metrics?: true;
}

interface RevokeOptions {
  readonly inventory: string;
  readonly service?: string;
}

const EXPIRES = 'sidegate_service_token_expires_timestamp_seconds';
const LIFETIME = 'sidegate_service_token_lifetime_seconds';

export function tokenInventoryCommand(terminal: Terminal): Command {
  return withInventory(new Command('inventory'), true)
    .description(
      'The service tokens that were made: whose, since when, until when, where they are kept. Never the tokens.',
    )
    .option(
      '--expiring <duration>',
      'only live ones that expire that soon, as in 30d; exit 1 when there is any',
      readSpan,
    )
    .option('--json', 'print JSON')
    .option('--metrics', "print metrics of the live ones, for the textfile collector of Prometheus's node exporter")
    .addHelpText(
      'after',
      '\nExit codes: 0 shown, 1 some expire, 64 wrong command line, 78 the inventory cannot be read.',
    )
    .action((options: InventoryOptions) => exitingWith(terminal, () => showInventory(options, terminal)));
}

export function tokenRevokeCommand(terminal: Terminal): Command {
  return withInventory(new Command('revoke'), true)
    .description('Take a token back: whoever reads this inventory refuses it.')
    .argument('[id]', 'its id, as in token inventory')
    .option('--service <name>', 'every token of this service')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 there is none, 64 wrong command line, 78 the inventory cannot be written.',
    )
    .action((id: string | undefined, options: RevokeOptions) =>
      exitingWith(terminal, () => revoke(id, options, terminal)),
    );
}

function showInventory({ inventory, expiring, json, metrics }: InventoryOptions, { out }: Terminal): number {
  const read = readInventoryFile(inventory);
  const shown = expiring === undefined ? read.tokens : read.expiring(expiring);
  if (metrics === true) out(metricLines(shown.filter(({ state }) => state === 'live')));
  else if (json === true) out(`${JSON.stringify({ tokens: shown.map(jsonOf) })}\n`);
  else out(shown.map(textLine).join(''));
  return expiring !== undefined && shown.length > 0 ? EXIT.failed : EXIT.ok;
}

function revoke(id: string | undefined, { inventory, service }: RevokeOptions, { out, err }: Terminal): number {
  if ((id === undefined) === (service === undefined)) {
    err('either the id of a token or --service\n');
    return EXIT.usage;
  }
  const { tokens } = readInventoryFile(inventory);
  const found = tokens.filter((token) => (id === undefined ? token.service === service : token.id === id));
  const live = found.filter(({ state }) => state === 'live' || state === 'replaced');
  if (live.length === 0) {
    err(`${inventory} has no token of ${id ?? service ?? ''} that is good; token inventory shows them\n`);
    return EXIT.failed;
  }
  recordRevoked(
    inventory,
    live.map((token) => token.id),
  );
  for (const token of live) out(`revoked ${token.service} ${token.id}\n`);
  return EXIT.ok;
}

function textLine({
  service,
  id,
  state,
  issuedAt,
  expiresAt,
  key,
  tenants,
  operations,
  storedIn,
}: ListedToken): string {
  const facts = [
    state,
    `since ${printedTime(issuedAt)}`,
    `until ${printedTime(expiresAt)}`,
    `key ${key}`,
    tenants === undefined ? 'every tenant' : `tenants ${tenants.join(' ')}`,
    operations === undefined ? 'every operation' : `operations ${operations.join(' ')}`,
    storedIn === undefined ? 'kept somewhere' : `kept in ${storedIn}`,
  ];
  return `${service} ${id}: ${facts.join(', ')}\n`;
}

function jsonOf({
  service,
  id,
  state,
  issuedAt,
  expiresAt,
  key,
  tenants,
  operations,
  storedIn,
  replaces,
}: ListedToken): object {
  return {
    service,
    id,
    state,
    issued_at: printedTime(issuedAt),
    expires_at: printedTime(expiresAt),
    key,
    tenants,
    operations,
    stored_in: storedIn,
    replaces,
  };
}

function metricLines(tokens: readonly ListedToken[]): string {
  const family = (name: string, help: string, valueOf: (token: ListedToken) => number): string => {
    const samples = tokens.map((token) => {
      const labels = `service=${JSON.stringify(token.service)},id=${JSON.stringify(token.id)}`;
      return `${name}{${labels}} ${valueOf(token) / 1000}\n`;
    });
    return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.join('')}`;
  };
  return (
    family(EXPIRES, 'When a service token that is in use expires.', ({ expiresAt }) => expiresAt) +
    family(LIFETIME, 'How long it lives as a whole.', ({ issuedAt, expiresAt }) => expiresAt - issuedAt)
  );
}

function readSpan(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('Write it as 30d or 12h.');
  return milliseconds;
}
