/** `jwt`: whose tokens are accepted, one issuer at the top level or several in `issuers`. */
import type { AlgorithmName } from '@sidegate/sdk';
import { z } from 'zod';
import { transactionTokensSchema, trustDomainsSchema } from './jwt-trust-domains.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, name, url } from './scalars.ts';
import { TOKEN_ALGORITHMS } from './signing-algorithms.ts';

/** One issuer whose tokens are accepted. */
export interface Issuer {
  readonly name: string;
  /** Compared exactly with `iss`. */
  readonly issuer: string;
  /** One of them must be in `aud`. */
  readonly audience: readonly string[];
  /** Undefined: where its discovery document says. */
  readonly jwks_url?: string | undefined;
  /** Milliseconds. */
  readonly jwks_refresh_interval: number;
  /** What it may sign with; undefined: every algorithm that we know. */
  readonly algorithms?: readonly AlgorithmName[] | undefined;
}

const audience = () =>
  z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)], { error: 'must be a string or a list of strings' })
    .transform((value) => [...new Set([value].flat())])
    .describe('This service as tokens name it: one of these must be in `aud`.');
const issuer = () => url().describe('Compared exactly with `iss`.');
const jwksUrl = () =>
  url()
    .optional()
    .describe('Where the keys of this issuer are. Absent: where `<issuer>/.well-known/openid-configuration` says.');
const interval = () => duration('1s', '24h').describe('The keys are read again this often, and on an unknown `kid`.');

const keys = z.strictObject({
  issuer: issuer().optional(),
  audience: audience().optional(),
  jwks_url: jwksUrl(),
  jwks_refresh_interval: interval().prefault('60s'),
  issuers: z
    .array(
      z.strictObject({
        name: name().describe('For logs and metrics.'),
        issuer: issuer(),
        audience: audience(),
        jwks_url: jwksUrl(),
        jwks_refresh_interval: interval().optional(),
        algorithms: z
          .array(z.enum(TOKEN_ALGORITHMS))
          .min(1)
          .optional()
          .describe('What its tokens may be signed with. Absent: each of these; `none` and HMAC are never accepted.'),
      }),
    )
    .default([])
    .describe('Several issuers; used instead of, or beside, the single one above.'),
  trust_domains: trustDomainsSchema(audience()),
  transaction_tokens: transactionTokensSchema
    .optional()
    .describe(
      'Take transaction tokens (`Txn-Token`): policies read them as `input.txn`, the service gets them unchanged. Absent: the header is removed.',
    ),
  validation: z
    .strictObject({
      clock_skew: duration('0s', '60s').prefault('5s').describe('Tolerance for `exp`, `nbf` and `iat`.'),
      require_expiration: z.literal(true).default(true).describe('A token without `exp` is refused, always.'),
      single_audience: z
        .boolean()
        .default(false)
        .describe('Refuse a token with several audiences, which each of them could use at the others.'),
      max_lifetime: duration('1s', '90d').prefault('1h').describe('Longest time from `iat` to `exp`.'),
    })
    .prefault({}),
});

type Jwt = z.output<typeof keys>;

export const jwtSchema = keys
  .superRefine((jwt, context) => refuse(context, missingKeys(jwt)), reading())
  .superRefine((jwt, context) => refuse(context, repeatedIssuers(jwt)), reading('issuer', 'issuers'))
  .superRefine((jwt, context) => refuse(context, repeatedDomains(jwt)), reading('trust_domains'));

/** All issuers in one list, the one at the top level first. */
export function issuersOf(jwt: Jwt): readonly Issuer[] {
  const { issuer, audience, jwks_url, jwks_refresh_interval } = jwt;
  const single: Issuer[] =
    issuer === undefined || audience === undefined
      ? []
      : [{ name: 'default', issuer, audience, jwks_url, jwks_refresh_interval }];
  const listed = jwt.issuers.map((each) => ({
    ...each,
    jwks_refresh_interval: each.jwks_refresh_interval ?? jwks_refresh_interval,
  }));
  return [...single, ...listed];
}

/** The single issuer is complete or absent. */
function* missingKeys(jwt: Jwt): Generator<Finding> {
  const single = ['issuer', 'audience', 'jwks_url'] as const;
  const given = single.filter((key) => jwt[key] !== undefined);
  for (const key of ['issuer', 'audience'] as const) {
    if (given.length > 0 && jwt[key] === undefined) {
      yield { path: [key], message: 'is required', hint: `${given.join(' and ')} is set`, code: 'missing_key' };
    }
  }
}

function* repeatedIssuers(jwt: Jwt): Generator<Finding> {
  const seen = new Set(jwt.issuer === undefined ? [] : [jwt.issuer]);
  for (const [index, { issuer }] of jwt.issuers.entries()) {
    if (seen.has(issuer)) yield { path: ['issuers', index, 'issuer'], message: 'is configured twice' };
    seen.add(issuer);
  }
}

function* repeatedDomains({ trust_domains }: Jwt): Generator<Finding> {
  const names = trust_domains.map(({ trust_domain }) => trust_domain);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index) {
      yield { path: ['trust_domains', index, 'trust_domain'], message: 'is configured twice' };
    }
  }
}
