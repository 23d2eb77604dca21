/** `ca` of an authority: who gets certificates from it, and for how long. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, name, url } from './scalars.ts';

const dnsName = () =>
  z
    .string()
    .regex(
      /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
      'is not a DNS name in lower case',
    )
    .meta({ examples: ['zone2.local'] });

const trustDomain = () =>
  z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{0,253}$/, 'is not a trust domain: lower-case letters, digits, dots and hyphens')
    .meta({ examples: ['example.org'] });

const ipRange = () =>
  z
    .string()
    .refine(isRange, { error: 'is not an address and a prefix length' })
    .meta({ examples: ['10.1.0.0/16', 'fd00:1::/32'] });

const zoneSchema = z.strictObject({
  dns_domains: z
    .array(dnsName())
    .max(64)
    .default([])
    .describe('Names that certificates of the zone may have, and everything below them; none: no DNS names.'),
  ip_ranges: z.array(ipRange()).max(64).default([]).describe('Addresses that they may have; none: no addresses.'),
});

const federatedSchema = z
  .strictObject({
    bundle_file: filePath().optional().describe('Its SPIFFE bundle, kept up to date by others.'),
    bundle_url: url().optional().describe('Where it publishes it, over https that the system trusts.'),
  })
  .superRefine(
    (federated, context) => {
      if ((federated.bundle_file === undefined) !== (federated.bundle_url === undefined)) return;
      refuse(context, [{ path: ['bundle_file'], message: 'needs exactly one of bundle_file and bundle_url' }]);
    },
    reading('bundle_file', 'bundle_url'),
  );

export const certificateAuthoritySchema = z
  .strictObject({
    trust_domain: trustDomain().describe('SPIFFE trust domain of every certificate.'),
    organization: z.string().min(1).max(64).default('MyOrg').describe('The O of every subject.'),
    zones: z
      .record(name(), zoneSchema)
      .describe('Name → what its authority may certify: written into its certificate as name constraints.'),
    key_algorithm: z
      .enum(['P-256', 'RSA-2048', 'RSA-4096'])
      .default('P-256')
      .describe('Keys of the authorities; those of services are theirs to choose.'),
    root_valid_for: duration('1d', '3650d').prefault('3650d').describe('Lifetime of a root.'),
    intermediate_valid_for: duration('1d', '3650d').prefault('365d').describe('Lifetime of the authority of a zone.'),
    valid_for: duration('1m', '90d')
      .prefault('24h')
      .describe('Lifetime of certificates, unless a join token says otherwise; renewed at two thirds of it.'),
    bundle_refresh_hint: duration('1s', '1d')
      .prefault('5m')
      .describe('How often sidecars look for a new trust bundle.'),
    crl_valid_for: duration('1m', '30d')
      .prefault('24h')
      .describe('How long a revocation list may be used; a new one is made at half of it, and for every revocation.'),
    federation: z
      .record(trustDomain(), federatedSchema)
      .default({})
      .describe('Other trust domain → its bundle, which is served at `/ca/bundles/<trust domain>`.'),
  })
  .superRefine((ca, context) => refuse(context, findings(ca)), reading('zones', 'federation', 'trust_domain'));

function* findings(ca: {
  readonly trust_domain: string;
  readonly zones: Readonly<Record<string, unknown>>;
  readonly federation: Readonly<Record<string, unknown>>;
}): Generator<Finding> {
  if (Object.keys(ca.zones).length === 0) {
    yield { path: ['zones'], message: 'is empty', hint: 'a certificate is always of a zone' };
  }
  if (Object.hasOwn(ca.federation, ca.trust_domain)) {
    yield { path: ['federation', ca.trust_domain], message: 'is the own trust domain', hint: 'remove it' };
  }
}

function isRange(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  const mapped = address.includes(':') && address.includes('.');
  return bits !== undefined && !mapped && rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}
