/** `sidegate ca token` and `sidegate ca issue`: for whom a certificate is, given on the command line. */
import { readFile, writeFile } from 'node:fs/promises';
import { createSigningRequest } from '@sidegate/sdk';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { fileErrorCode } from '../authority/ca/file-error.ts';
import { generateKey, privateKeyPem } from '../authority/ca/key-algorithm.ts';
import { LEAF_PROFILES, type LeafProfile } from '../authority/ca/profile.ts';
import type { CertificateAuthority } from '../authority/enrolment/certificate-authority.ts';
import { commonName, type Identity, spiffeIdOf } from '../authority/enrolment/identity.ts';
import { bundlePem } from '../authority/enrolment/trust-bundle.ts';
import { parseDuration } from '../config/duration.ts';
import { type CaSettings, onCa, print } from './ca-store.ts';
import { NotThere, printedTime, type StoreOptions, storeCommand } from './store-command.ts';

interface IdentityOptions extends StoreOptions {
  readonly service: string;
  readonly zone: string;
  readonly profile: LeafProfile;
  readonly dns: readonly string[];
  readonly ip: readonly string[];
  readonly validFor?: number;
}

interface TokenOptions extends IdentityOptions {
  readonly expires: number;
}

interface IssueOptions extends IdentityOptions {
  readonly csr?: string;
  readonly out: string;
}

const TOKEN_LIFE_MS = 600_000;

export function tokenCommand(): Command {
  return identityCommand('token')
    .description('Make a join token and print it, this once: its bearer enrols as this identity, once.')
    .option('--expires <duration>', 'how long it may be used', lifetime, TOKEN_LIFE_MS)
    .action((options: TokenOptions) =>
      onCa(options, async (ca, settings) => {
        const identity = identityOf(options, settings);
        const expiresAt = Date.now() + options.expires;
        const token = await ca.createJoinToken(identity, expiresAt);
        const spiffeId = spiffeIdOf(identity, settings.trust_domain);
        print(options, { join_token: token, spiffe_id: spiffeId, expires_at: printedTime(expiresAt) }, [token]);
      }),
    );
}

export function issueCommand(): Command {
  return identityCommand('issue')
    .description(
      'Issue a certificate that nobody renews: <out>.crt with its chain, <out>.ca.crt, and <out>.key without --csr.',
    )
    .option('--csr <file>', 'PKCS#10 request, PEM; absent: a key is made')
    .requiredOption('--out <path>', 'where the files go, without ending')
    .action((options: IssueOptions) => onCa(options, (ca, settings) => issue(ca, settings, options)));
}

async function issue(ca: CertificateAuthority, settings: CaSettings, options: IssueOptions): Promise<void> {
  const identity = identityOf(options, settings);
  const key = options.csr === undefined ? await generateKey(settings.key_algorithm) : undefined;
  const csr =
    key === undefined
      ? await readText(options.csr ?? '')
      : createSigningRequest({ commonName: commonName(identity.profile, identity.service) }, key);
  const { chain, bundle, issued } = await ca.issue(identity, { csr });
  const files = [
    ...(key === undefined ? [] : [[`${options.out}.key`, privateKeyPem(key), 0o600] as const]),
    [`${options.out}.crt`, chain, 0o644] as const,
    [`${options.out}.ca.crt`, bundlePem(bundle), 0o644] as const,
  ];
  for (const [file, text, mode] of files) await writeNew(file, text, mode);
  const written = files.map(([file]) => file);
  const { spiffeId, serialNumber, notAfter } = issued;
  const until = printedTime(notAfter);
  print(options, { files: written, spiffe_id: spiffeId, serial_number: serialNumber, not_after: until }, [
    `${spiffeId} until ${until}, serial number ${serialNumber}: ${written.join(', ')}`,
  ]);
}

function identityCommand(name: string): Command {
  return storeCommand(name)
    .requiredOption('--service <name>', 'the service: its SPIFFE ID is spiffe://<trust domain>/<zone>/<service>')
    .requiredOption('--zone <name>', 'its zone, one of ca.zones')
    .addOption(
      new Option('--profile <name>', 'svid: serves and calls; server; client').choices(LEAF_PROFILES).default('svid'),
    )
    .option('--dns <name>', 'a DNS name that it is reached by; may be repeated', several, [])
    .option('--ip <address>', 'an address that it is reached by; may be repeated', several, [])
    .option('--valid-for <duration>', 'lifetime of its certificates (default: ca.valid_for)', lifetime);
}

function identityOf(options: IdentityOptions, settings: CaSettings): Identity {
  const { service, zone, profile, dns: dnsNames, ip: ipAddresses, validFor: validForMs = settings.valid_for } = options;
  return { service, zone, profile, dnsNames, ipAddresses, validForMs };
}

const several = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function lifetime(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds === 0)
    throw new InvalidArgumentError('Write it as in 10m, 12h or 90d.');
  return milliseconds;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new NotThere(`${file} cannot be read (${fileErrorCode(error)})`, { cause: error });
  }
}

/** A key that is there already is never overwritten. */
async function writeNew(file: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(file, text, { mode, flag: mode === 0o600 ? 'wx' : 'w' });
  } catch (error) {
    throw new NotThere(`${file} cannot be written (${fileErrorCode(error)})`, { cause: error });
  }
}
