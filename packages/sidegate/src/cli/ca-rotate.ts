/** `sidegate ca rotate`: one root after another, in three steps; each is refused while somebody would be left behind. */
import { Command } from 'commander';
import type { CertificateAuthority } from '../authority/enrolment/certificate-authority.ts';
import {
  addRoot,
  RotationRefused,
  type RotationStep,
  retireRoot,
  rotateZone,
  signWithNewRoot,
} from '../authority/enrolment/rotation.ts';
import { shownAuthority } from './ca-list.ts';
import { onCa, print } from './ca-store.ts';
import { NotThere, type StoreOptions, storeCommand } from './store-command.ts';

export function rotateCommand(): Command {
  return new Command('rotate')
    .description('Replace the root, or the authority of a zone, while everybody goes on.')
    .addCommand(step('add', 'First: a new root, which is trusted and signs nothing.', addRoot, ADDED))
    .addCommand(step('both', 'Second: the new root signs, the old one stays trusted.', signWithNewRoot, BOTH))
    .addCommand(step('retire', 'Third: the old root is no longer trusted.', retireRoot, RETIRED))
    .addCommand(zoneCommand());
}

const ADDED = 'is in the trust bundle; run "sidegate ca rotate both" once everybody has it';
const BOTH = 'signs; run "sidegate ca rotate retire" once everybody has renewed';
const RETIRED = 'is no longer trusted';

function step(
  name: string,
  description: string,
  take: (ca: CertificateAuthority) => Promise<RotationStep>,
  done: string,
): Command {
  return storeCommand(name)
    .description(description)
    .action((options: StoreOptions) =>
      onCa(options, async (ca) => {
        const { root, sequence } = await refusedInWords(take(ca), options);
        const shown = shownAuthority(root);
        print(options, { step: name, root: shown, bundle_sequence: sequence }, [`${shown.subject} ${done}`]);
      }),
    );
}

function zoneCommand(): Command {
  return storeCommand('zone')
    .description(
      'Another authority for a zone, below the same root: it signs by itself once everybody has its revocation list.',
    )
    .argument('<zone>', 'one of ca.zones')
    .action((name: string, options: StoreOptions) =>
      onCa(options, async (ca) => {
        const { zones } = ca.options.trustDomain;
        const zone = zones.find((one) => one.name === name);
        if (zone === undefined) {
          throw new NotThere(`there is no zone ${name}; there are ${zones.map((one) => one.name).join(', ')}`);
        }
        const made = shownAuthority(await refusedInWords(rotateZone(ca, zone), options));
        print(options, { step: 'zone', authority: made }, [
          `${made.subject} signs for ${name} as soon as everybody has its revocation list`,
        ]);
      }),
    );
}

/** With --json the obstacles are there as a list, too. */
async function refusedInWords<T>(taken: Promise<T>, { json }: StoreOptions): Promise<T> {
  try {
    return await taken;
  } catch (error) {
    if (!(error instanceof RotationRefused)) throw error;
    const { message, obstacles } = error;
    if (json === true) process.stdout.write(`${JSON.stringify({ refused: message, obstacles })}\n`);
    throw new NotThere([message, ...obstacles.map((obstacle) => `  ${obstacle}`)].join('\n'), { cause: error });
  }
}
