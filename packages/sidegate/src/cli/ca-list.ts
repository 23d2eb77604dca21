/** `sidegate ca list`: authorities, certificates and those who hold them; never a key. */
import { X509Certificate } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { type Authority, readAuthorities } from '../authority/enrolment/authorities.ts';
import { type IssuedCertificate, liveCertificates } from '../authority/enrolment/certificates.ts';
import { liveHolders } from '../authority/enrolment/holders.ts';
import { parseDuration } from '../config/duration.ts';
import { onCa, print } from './ca-store.ts';
import { printedTime, type StoreOptions, storeCommand } from './store-command.ts';

interface ListOptions extends StoreOptions {
  readonly expiring?: number;
}

/** Certificates of services are to be renewed by then, whatever their dates say. */
const OLD_AFTER_MS = 90 * 86_400_000;

export function listCommand(): Command {
  return storeCommand('list')
    .description('Authorities, certificates that have not expired, and holders with the bundle that they trust.')
    .option('--expiring <duration>', 'only certificates that expire within it', within)
    .action((options: ListOptions) =>
      onCa(options, async ({ options: { database } }) => {
        const now = Date.now();
        const until = now + (options.expiring ?? Number.POSITIVE_INFINITY);
        const certificates = (await liveCertificates(database, now))
          .filter(({ notAfter }) => notAfter <= until)
          .map((certificate) => shownCertificate(certificate, now));
        const authorities = (await readAuthorities(database)).map(shownAuthority);
        const holders = (await liveHolders(database, now)).map(({ id, spiffeId, bundleSequence, seenAt }) => ({
          id,
          spiffe_id: spiffeId,
          bundle_sequence: bundleSequence,
          seen_at: printedTime(seenAt),
        }));
        print(options, { authorities, certificates, holders }, [
          ...authorities.map(({ name, state, not_after, id }) => `authority ${name} ${state} until ${not_after} ${id}`),
          ...certificates.map(certificateLine),
          ...holders.map(
            ({ id, spiffe_id, bundle_sequence, seen_at }) =>
              `holder ${spiffe_id} trusts bundle ${bundle_sequence}, last heard of at ${seen_at} ${id}`,
          ),
        ]);
      }),
    );
}

export function shownAuthority({ id, zone, state, pem, expiresAt }: Authority) {
  return {
    id,
    name: zone ?? 'root',
    state,
    subject: new X509Certificate(pem).subject.replaceAll('\n', ','),
    not_after: printedTime(expiresAt),
  };
}

export function shownCertificate(certificate: IssuedCertificate, now: number) {
  const { serialNumber, spiffeId, identity, notBefore, notAfter, revokedAt, holder } = certificate;
  return {
    serial_number: serialNumber,
    spiffe_id: spiffeId,
    profile: identity.profile,
    not_before: printedTime(notBefore),
    not_after: printedTime(notAfter),
    renewed: holder !== undefined,
    older_than_90_days: now - notBefore > OLD_AFTER_MS,
    ...(revokedAt === undefined ? {} : { revoked_at: printedTime(revokedAt) }),
  };
}

function certificateLine(shown: ReturnType<typeof shownCertificate>): string {
  const notes = [
    shown.renewed ? 'renewed by its holder' : 'renewed by nobody',
    ...(shown.older_than_90_days ? ['older than 90 days'] : []),
    ...(shown.revoked_at === undefined ? [] : [`revoked at ${shown.revoked_at}`]),
  ];
  return `certificate ${shown.spiffe_id} ${shown.profile} until ${shown.not_after}, ${notes.join(', ')} ${shown.serial_number}`;
}

function within(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('Write it as in 12h or 30d.');
  return milliseconds;
}
