/** `sidegate keys`: the signing keys of an authority. */
import { Command } from 'commander';
import type { SignatureAlgorithm } from '../authority/issuer/signing-key.ts';
import { type KeyStore, type ListedKey, UnknownKey } from '../authority/keys/key-store.ts';
import type { OpenedStore } from './open-store.ts';
import { NotThere, onStore, printedTime, type StoreOptions, storeCommand } from './store-command.ts';

interface RotateOptions extends StoreOptions {
  readonly realm?: string;
  readonly now?: true;
  readonly dryRun?: true;
}

export function keysCommand(): Command {
  return new Command('keys')
    .description('Show, rotate and retire the signing keys of an authority.')
    .addCommand(
      storeCommand('list')
        .description('Every key: realm, algorithm, state, since when it signs. Never a private one.')
        .action((options: StoreOptions) => onStore(options, async ({ keys }) => print(keys.list(), options))),
    )
    .addCommand(
      storeCommand('rotate')
        .description(
          'Publish a new key for each realm and algorithm; once verifiers know it it signs, and the old one verifies on.',
        )
        .option('--realm <name>', 'of this realm only')
        .option('--now', 'the new key signs at once: verifiers have to fetch it')
        .option('--dry-run', 'only say which keys would be made, and when they would sign')
        .action((options: RotateOptions) =>
          onStore(options, async (store) => print(await rotate(store, options), options)),
        ),
    )
    .addCommand(
      storeCommand('retire')
        .description('Take a key away at once, with every token that it signed: for one that others may have.')
        .argument('<kid>', 'key id, as in keys list')
        .action((kid: string, options: StoreOptions) =>
          onStore(options, async ({ keys }) => print(await retire(keys, kid), options)),
        ),
    );
}

type ShownKey = Pick<ListedKey, 'realm' | 'algorithm' | 'state' | 'createdAt' | 'activateAt'> & {
  readonly kid?: string;
};

async function rotate({ keys, config }: OpenedStore, { realm, now, dryRun }: RotateOptions): Promise<ShownKey[]> {
  const families = familiesOf(keys).filter((family) => realm === undefined || family.realm === realm);
  if (families.length === 0)
    throw new NotThere(`there is no key of ${realm ?? 'any realm'}; the authority makes the first one`);
  const activateAt = Date.now() + (now === true ? 0 : config.signing.publish_before);
  if (dryRun === true) {
    const state = now === true ? 'current' : 'next';
    return families.map((family) => ({ ...family, state, createdAt: Date.now(), activateAt }));
  }
  const made: ListedKey[] = [];
  for (const family of families) made.push(await keys.rotate(family.realm, family.algorithm, activateAt));
  return made;
}

function familiesOf(keys: KeyStore): { realm: string; algorithm: SignatureAlgorithm }[] {
  const families = new Map(keys.list().map(({ realm, algorithm }) => [`${realm} ${algorithm}`, { realm, algorithm }]));
  return [...families.values()];
}

/** The keys that there are then of its kind. */
async function retire(keys: KeyStore, kid: string): Promise<readonly ListedKey[]> {
  const { realm, algorithm } = keys.list().find((key) => key.kid === kid) ?? {};
  await keys.retire(kid).catch((error: unknown) => {
    if (!(error instanceof UnknownKey)) throw error;
    throw new NotThere(`${error.message}; sidegate keys list shows those that there are`);
  });
  return keys.list().filter((key) => key.realm === realm && key.algorithm === algorithm);
}

function print(keys: readonly ShownKey[], { json }: StoreOptions): void {
  if (json === true) {
    const shown = keys.map(({ kid = null, realm, algorithm, state, createdAt, activateAt }) => ({
      kid,
      realm,
      algorithm,
      state,
      created_at: printedTime(createdAt),
      signs_from: printedTime(activateAt),
    }));
    process.stdout.write(`${JSON.stringify({ keys: shown })}\n`);
    return;
  }
  for (const { kid = 'not made yet', realm, algorithm, state, activateAt } of keys) {
    process.stdout.write(`${realm} ${algorithm} ${state.padEnd(8)} signs from ${printedTime(activateAt)} ${kid}\n`);
  }
}
