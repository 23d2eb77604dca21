/** `jwt.trust_domains` and `jwt.transaction_tokens`: what workloads of a trust domain may show besides the tokens of issuers. */
import { parseSpiffeId, TRANSACTION_TOKEN_DRAFT } from '@sidegate/sdk';
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, url } from './scalars.ts';
import { TOKEN_ALGORITHMS } from './signing-algorithms.ts';

export const trustDomainName = () =>
  z
    .string()
    .refine(isTrustDomain, { error: 'is not the name of a trust domain' })
    .meta({ examples: ['example.org'] });

const bundleFields = () => ({
  trust_domain: trustDomainName().describe('As in its SPIFFE IDs, without `spiffe://`.'),
  bundle_file: filePath().optional().describe('Its trust bundle (a JWK set): the keys with `use: jwt-svid` count.'),
  bundle_url: url().optional().describe('Where the bundle is fetched instead, as from a bundle endpoint.'),
});

/** Trust domains whose JWT-SVIDs prove clients. */
export const clientTrustDomainsSchema = () =>
  z
    .array(
      z
        .strictObject(bundleFields())
        .superRefine(
          (domain, context) => refuse(context, bundleFindings(domain)),
          reading('bundle_file', 'bundle_url'),
        ),
    )
    .default([])
    .describe('Trust domains whose JWT-SVIDs prove clients that have a `sidegate.spiffe_id`.');

/** @param audience the schema of `audience` of an issuer */
export const trustDomainsSchema = <Audience extends z.ZodType>(audience: Audience) =>
  z
    .array(
      z
        .strictObject({
          audience,
          ...bundleFields(),
          source: z
            .enum(['workload_api'])
            .optional()
            .describe(
              'The bundle is the one that the Workload API has of this trust domain, own or federated: needs the chapter `workload_api`, and neither file nor URL.',
            ),
          bundle_refresh_interval: duration('1s', '24h')
            .prefault('60s')
            .describe('How often, and on an unknown `kid`.'),
        })
        .superRefine(
          (domain, context) => refuse(context, bundleFindings(domain)),
          reading('bundle_file', 'bundle_url', 'source'),
        ),
    )
    .default([])
    .describe(
      'Trust domains whose JWT-SVIDs are taken as tokens. Where `identities` is given, a JWT-SVID passes only beside the certificate of the same SPIFFE ID.',
    );

export const transactionTokensSchema = z
  .strictObject({
    draft: z
      .literal(TRANSACTION_TOKEN_DRAFT)
      .describe('The version that is understood. It is no standard yet, so a later Sidegate may ask for another one.'),
    trust_domain: z.string().min(1).max(255).describe('The only `aud` that is accepted.'),
    issuer: url().optional().describe('Compared exactly with `iss`. Absent: the keys alone say who signed.'),
    jwks_url: url().optional().describe('Where its keys are. Absent: where the discovery document of `issuer` says.'),
    jwks_refresh_interval: duration('1s', '24h').prefault('60s').describe('How often, and on an unknown `kid`.'),
    algorithms: z.array(z.enum(TOKEN_ALGORITHMS)).min(1).optional().describe('Absent: each of these.'),
    max_lifetime: duration('1s', '1h').prefault('5m').describe('Longest time from `iat` to `exp`.'),
  })
  .superRefine(
    ({ issuer, jwks_url }, context) => {
      if (issuer !== undefined || jwks_url !== undefined) return;
      refuse(context, [{ path: ['jwks_url'], message: 'is required', hint: 'issuer is not set', code: 'missing_key' }]);
    },
    reading('issuer', 'jwks_url'),
  );

interface Bundle {
  readonly source?: string | undefined;
  readonly bundle_file?: string | undefined;
  readonly bundle_url?: string | undefined;
}

function* bundleFindings({ source, ...places }: Bundle): Generator<Finding> {
  const { bundle_file, bundle_url } = places;
  if (source !== undefined) {
    for (const key of ['bundle_file', 'bundle_url'] as const) {
      if (places[key] === undefined) continue;
      yield { path: [key], message: 'is not used', hint: `source is ${source}: remove one of both` };
    }
    return;
  }
  if (bundle_file === undefined && bundle_url === undefined) {
    yield { path: ['bundle_file'], message: 'is required', hint: 'or set bundle_url', code: 'missing_key' };
  }
  if (bundle_file !== undefined && bundle_url !== undefined) {
    yield { path: ['bundle_url'], message: 'is a second place of the bundle', hint: 'remove it, or bundle_file' };
  }
}

function isTrustDomain(text: string): boolean {
  try {
    return parseSpiffeId(`spiffe://${text}`).path === '';
  } catch {
    return false;
  }
}
