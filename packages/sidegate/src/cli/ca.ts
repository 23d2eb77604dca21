/** `sidegate ca`: the certificates of an authority, on what it keeps, also while it runs. */
import { Command } from 'commander';
import { revocationListPem } from '../authority/ca/revocation-list.ts';
import { createRevocationLists } from '../authority/enrolment/revocation-lists.ts';
import { establishAuthorities } from '../authority/enrolment/rotation.ts';
import { bundlePem, spiffeBundle } from '../authority/enrolment/trust-bundle.ts';
import { issueCommand, tokenCommand } from './ca-issue.ts';
import { listCommand, shownAuthority, shownCertificate } from './ca-list.ts';
import { rotateCommand } from './ca-rotate.ts';
import { onCa, print } from './ca-store.ts';
import { NotThere, type StoreOptions, storeCommand } from './store-command.ts';

export function caCommand(): Command {
  return new Command('ca')
    .description('The certificates of an authority: join tokens, issuance, revocation, rotation.')
    .addCommand(initCommand())
    .addCommand(tokenCommand())
    .addCommand(issueCommand())
    .addCommand(revokeCommand())
    .addCommand(listCommand())
    .addCommand(bundleCommand())
    .addCommand(crlCommand())
    .addCommand(rotateCommand());
}

function initCommand(): Command {
  return storeCommand('init')
    .description(
      'Make the root, and an authority for each zone, where they are missing or may certify other names now.',
    )
    .action((options: StoreOptions) =>
      onCa(options, async (ca) => {
        const made = (await establishAuthorities(ca)).map((authority) => shownAuthority(authority));
        const text = made.map(({ name, subject }) => `made ${name}: ${subject}`);
        print(options, { made }, text.length === 0 ? ['nothing was missing'] : text);
      }),
    );
}

function revokeCommand(): Command {
  return storeCommand('revoke')
    .description('Revoke a certificate by its serial number, or everything of a SPIFFE ID, its join tokens included.')
    .argument('<serial-or-spiffe-id>', 'as in ca list, or spiffe://…')
    .action((which: string, options: StoreOptions) =>
      onCa(options, async (ca) => {
        const named = which.startsWith('spiffe://')
          ? { spiffeId: which }
          : { serialNumber: which.replaceAll(':', '').toLowerCase() };
        const revoked = (await ca.revoke(named)).map((certificate) => shownCertificate(certificate, Date.now()));
        if (revoked.length === 0) {
          throw new NotThere(`no certificate of ${which} is good now; sidegate ca list shows those that there are`);
        }
        print(
          options,
          { revoked },
          revoked.map(({ serial_number, spiffe_id }) => `revoked ${serial_number} ${spiffe_id}`),
        );
      }),
    );
}

function bundleCommand(): Command {
  return storeCommand('bundle')
    .description('The trust bundle: PEM, or the document of SPIFFE with --json.')
    .action((options: StoreOptions) =>
      onCa(options, async (ca) => {
        const bundle = await ca.bundle();
        print(options, spiffeBundle(bundle), [bundlePem(bundle).trimEnd()]);
      }),
    );
}

function crlCommand(): Command {
  return storeCommand('crl')
    .description('A revocation list of every authority, PEM.')
    .action((options: StoreOptions) =>
      onCa(options, async (ca, settings) => {
        const lists = [...(await createRevocationLists(ca, settings.crl_valid_for).current())];
        const shown = lists.map(([authority, der]) => ({ authority, crl: revocationListPem(der) }));
        print(options, { lists: shown }, [
          shown
            .map(({ crl }) => crl)
            .join('')
            .trimEnd(),
        ]);
      }),
    );
}
