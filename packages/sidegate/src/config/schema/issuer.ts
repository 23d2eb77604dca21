/** What the lab identity provider and the authority have in common: where they listen, and the realms that they serve. */
import { z } from 'zod';
import { clientTrustDomainsSchema } from './jwt-trust-domains.ts';
import type { Finding } from './rule.ts';
import { address, duration, filePath, origin, secret, spiffeId } from './scalars.ts';

export const issuerFields = {
  addr: address().prefault('127.0.0.1:8443').describe('Where to listen.'),
  base_url: origin().describe('What issuers start with: `<base_url>/realms/<realm>`.'),
  tls: z
    .strictObject({
      cert_file: filePath().describe('Server certificate chain, PEM.'),
      key_file: filePath().describe('Its private key, PEM, readable by its owner only.'),
      client_ca_file: filePath()
        .optional()
        .describe("CA of others' client certificates; asked for, not required. Those of an own `ca` count without it."),
    })
    .optional()
    .describe('Absent: plain http, for a loopback `base_url` only.'),
  administrators: z
    .strictObject({
      clients: z
        .array(z.string().min(1))
        .default([])
        .describe('Client ids; each proves itself as at the token endpoint, public ones are none.'),
      spiffe_ids: z.array(spiffeId()).default([]).describe('Workloads, which show their certificate.'),
    })
    .prefault({})
    .describe('Who may revoke what others hold, in every realm; without any, nobody.'),
  realms: z.array(filePath()).min(1).describe('Keycloak realm files; only `${VAR}` in their secrets is replaced.'),
  token_lifetime: duration('1s', '1h').prefault('300s').describe('Of access tokens, unless the realm says otherwise.'),
  trust_domains: clientTrustDomainsSchema(),
  dpop: z
    .strictObject({
      require_nonce: z
        .boolean()
        .default(false)
        .describe(
          'Ask for a nonce of ours in each DPoP proof (RFC 9449 section 8), so that none can be made in advance.',
        ),
      nonce_secret: secret(/^.{32,1024}$/s, 'has less than 32 characters')
        .optional()
        .describe('What nonces are made with: one for all replicas. Absent: a random one in each process.'),
    })
    .prefault({}),
};

export const signingAlgorithms = () =>
  z
    .array(z.enum(['RS256', 'ES256']))
    .min(1)
    .default(['RS256', 'ES256'])
    .describe('One key each; the first one signs.');

export function* issuerFindings(config: {
  readonly base_url: string;
  readonly tls?: object | undefined;
}): Generator<Finding> {
  if (config.base_url.startsWith('https:') && config.tls === undefined) {
    yield { path: ['tls'], message: 'is required', hint: 'base_url is https', code: 'missing_key' };
  }
}
