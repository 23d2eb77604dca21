/** `revocation`: whose revocations are followed, and what happens while they are not known. */
import { z } from 'zod';
import { clientTlsSchema } from './client-tls.ts';
import { type Finding, refuse } from './rule.ts';
import { duration, url } from './scalars.ts';

const source = z.strictObject({
  issuer: url().describe(
    'One of the issuers of `jwt`: its keys verify the events, its tokens and clients are concerned.',
  ),
  events_url: url().describe('`<issuer>/events` of the authority, https.'),
  tls: clientTlsSchema.describe('The client certificate by which the authority knows this sidecar; required.'),
});

export const revocationSchema = z.strictObject({
  sources: z
    .array(source)
    .default([])
    .superRefine((sources, context) => refuse(context, sourceFindings(sources)))
    .describe('Authorities that tell what they revoke, as it happens; none: tokens count until they expire.'),
  on_unavailable: z
    .enum(['refuse', 'serve'])
    .default('refuse')
    .describe(
      'While it is not known what was revoked: `refuse` answers 503, `serve` goes on with what was known last, and so fails open.',
    ),
  max_gap: duration('1s', '1h')
    .prefault('30s')
    .describe('For so long without the authority, what was known last counts as known.'),
  max_entries: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(1_000_000)
    .describe('Revocations of one source; with more of them it is not known what was revoked.'),
});

function* sourceFindings(sources: readonly z.output<typeof source>[]): Generator<Finding> {
  const seen = new Set<string>();
  for (const [index, { issuer, events_url: events, tls }] of sources.entries()) {
    if (seen.has(issuer)) yield { path: [index, 'issuer'], message: 'is followed twice', hint: 'remove one of them' };
    seen.add(issuer);
    if (!events.startsWith('https:')) {
      yield { path: [index, 'events_url'], message: 'is not https', hint: 'the authority knows us by our certificate' };
    }
    if (!tls.enabled || tls.client_cert === undefined) {
      const hint = 'set enabled, client_cert and client_key: the authority knows us by our certificate';
      yield { path: [index, 'tls'], message: 'has no client certificate', hint, code: 'missing_key' };
    }
  }
}

type Revocation = z.output<typeof revocationSchema>;

/** @param issuers those whose tokens are accepted */
export function* unknownSources({ sources }: Revocation, issuers: readonly string[]): Generator<Finding> {
  for (const [index, { issuer }] of sources.entries()) {
    if (issuers.includes(issuer)) continue;
    const hint = `jwt accepts ${issuers.length === 0 ? 'no issuer' : issuers.join(', ')}`;
    yield { path: ['revocation', 'sources', index, 'issuer'], message: 'is no issuer of jwt', hint };
  }
}
