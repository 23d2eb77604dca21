/** `sidegate clients`: secrets of an authority's clients beside those of the realm files. */
import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { type ListedSecret, type StoredSecrets, storedSecrets } from '../authority/store/client-secrets.ts';
import { parseDuration } from '../config/duration.ts';
import { readIssuer } from './issuer-config.ts';
import type { OpenedStore } from './open-store.ts';
import { NotThere, onStore, printedTime, type StoreOptions, storeCommand } from './store-command.ts';

interface RotateOptions extends StoreOptions {
  readonly overlap: number;
}

const REALM = ['<realm>', 'name of the realm'] as const;
const CLIENT = ['<client>', 'client id'] as const;
const DAY_MS = 86_400_000;

export function clientsCommand(): Command {
  return new Command('clients')
    .description("Rotate and show the secrets of an authority's clients.")
    .addCommand(
      storeCommand('rotate-secret')
        .description('Make a new secret and print it, this once; the one before it is good for the overlap.')
        .argument(...REALM)
        .argument(...CLIENT)
        .option('--overlap <duration>', 'how long the secret before it stays good', overlap, DAY_MS)
        .action((realm: string, client: string, options: RotateOptions) =>
          onStore(options, async (store) => {
            refuseUnknown(store, options, realm, client);
            const secret = await secretsOf(store).rotate(realm, client, options.overlap);
            process.stdout.write(
              options.json === true ? `${JSON.stringify({ realm, client, secret })}\n` : `${secret}\n`,
            );
          }),
        ),
    )
    .addCommand(
      storeCommand('revoke-secrets')
        .description('End every secret of a client that was made here, at once.')
        .argument(...REALM)
        .argument(...CLIENT)
        .action((realm: string, client: string, options: StoreOptions) =>
          onStore(options, async (store) => {
            refuseUnknown(store, options, realm, client);
            await secretsOf(store).revoke(realm, client);
          }),
        ),
    )
    .addCommand(
      storeCommand('secrets')
        .description('The secrets that are good now: whose, since when, until when. Never the secrets.')
        .action((options: StoreOptions) =>
          onStore(options, async (store) => print(await secretsOf(store).list(), options)),
        ),
    );
}

function secretsOf({ database }: OpenedStore): StoredSecrets {
  return storedSecrets({ database, clock: { now: () => Date.now() }, random: randomBytes });
}

/** @throws NotThere */
function refuseUnknown({ config }: OpenedStore, { root }: StoreOptions, realm: string, client: string): void {
  const { options } = readIssuer(config, [], { env: process.env, root });
  const known = options.realms.find((one) => one.realm === realm);
  if (known === undefined)
    throw new NotThere(`there is no realm ${realm}; there are ${options.realms.map((one) => one.realm).join(', ')}`);
  if (!(known.clients ?? []).some(({ clientId }) => clientId === client)) {
    throw new NotThere(`the realm ${realm} has no client ${client}; add it to its file first`);
  }
}

function overlap(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('write it as 24h or 7d; 0s ends the old one at once');
  return milliseconds;
}

function print(secrets: readonly ListedSecret[], { json }: StoreOptions): void {
  const shown = secrets.map(({ realm, client, createdAt, expiresAt }) => ({
    realm,
    client,
    created_at: printedTime(createdAt),
    ...(expiresAt === undefined ? {} : { expires_at: printedTime(expiresAt) }),
  }));
  if (json === true) process.stdout.write(`${JSON.stringify({ secrets: shown })}\n`);
  else {
    for (const { realm, client, created_at, expires_at } of shown) {
      const until = expires_at === undefined ? 'until it is rotated' : `until ${expires_at}`;
      process.stdout.write(`${realm} ${client} since ${created_at} ${until}\n`);
    }
  }
}
