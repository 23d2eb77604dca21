/** `sidegate inventory`: what an authority's trust domain runs on, and what of it needs somebody. */
import { type Command, InvalidArgumentError } from 'commander';
import { type InventoryItem, takeInventory } from '../authority/inventory.ts';
import { parseDuration } from '../config/duration.ts';
import { EXIT } from './exit-code.ts';
import { inventorySources } from './inventory-sources.ts';
import { readIssuer } from './issuer-config.ts';
import type { OpenedStore } from './open-store.ts';
import { onStore, printedTime, type StoreOptions, storeCommand } from './store-command.ts';

interface InventoryOptions extends StoreOptions {
  readonly expiring?: number;
}

export function inventoryCommand(): Command {
  return storeCommand('inventory')
    .description(
      'Clients, secrets, signing keys, long-lived tokens and certificates: since when, until when, and what to do.',
    )
    .option(
      '--expiring <duration>',
      'only what expires that soon, is too old or is not renewed; exit 1 when there is any',
      span,
    )
    .action((options: InventoryOptions) => onStore(options, (store) => inventory(store, options)));
}

async function inventory(store: OpenedStore, options: InventoryOptions): Promise<void> {
  const { realms } = readIssuer(store.config, [], { env: process.env, root: options.root }).options;
  const items = takeInventory(await inventorySources(store, realms), Date.now(), options.expiring ?? 0);
  const shown = options.expiring === undefined ? items : items.filter(({ concern }) => concern !== undefined);
  print(shown, options.json === true);
  if (options.expiring !== undefined && shown.length > 0) process.exitCode = EXIT.failed;
}

function print(items: readonly InventoryItem[], json: boolean): void {
  const shown = items.map(({ kind, name, realm, since, expiresAt, concern }) => ({
    kind,
    name,
    ...(realm === undefined ? {} : { realm }),
    ...(since === undefined ? {} : { since: printedTime(since) }),
    ...(expiresAt === undefined ? {} : { expires_at: printedTime(expiresAt) }),
    ...(concern === undefined ? {} : { concern }),
  }));
  if (json) {
    process.stdout.write(`${JSON.stringify({ items: shown })}\n`);
    return;
  }
  for (const { kind, name, realm, since, expires_at, concern } of shown) {
    const facts = [realm, since && `since ${since}`, expires_at && `until ${expires_at}`, concern];
    process.stdout.write(`${kind} ${name}: ${facts.filter((fact) => fact !== undefined).join(', ') || 'no dates'}\n`);
  }
}

function span(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('write it as 30d or 12h');
  return milliseconds;
}
