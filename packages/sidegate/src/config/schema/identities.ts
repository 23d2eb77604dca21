/** `identities`: which client of which issuer a certificate belongs to. */
import { z } from 'zod';
import type { Issuer } from './jwt.ts';
import type { Finding } from './rule.ts';
import { certificateIdentity, url } from './scalars.ts';

const clientId = () => z.string().min(1).max(255);
const issuer = () =>
  url().optional().describe('The issuer of that client, as in `jwt`; needed where `jwt` has several issuers.');

const forwardedSchema = z
  .union(
    [
      clientId().transform((client_id) => ({ client_id, issuer: undefined as string | undefined })),
      z.strictObject({ client_id: clientId().describe('The client.'), issuer: issuer() }),
    ],
    { error: 'must be a client id, or a mapping of client_id and issuer' },
  )
  .describe('A client id, of the same issuer as this entry; or `{client_id, issuer}`.');

const bindingSchema = z
  .union(
    [
      clientId().transform((client_id) => ({
        client_id,
        issuer: undefined as string | undefined,
        may_forward: [] as z.output<typeof forwardedSchema>[],
      })),
      z.strictObject({
        client_id: clientId().describe('The client whose own tokens this certificate may present.'),
        issuer: issuer(),
        may_forward: z.array(forwardedSchema).default([]).describe('Clients whose tokens it may pass on.'),
      }),
    ],
    { error: 'must be a client id, or a mapping of client_id, issuer and may_forward' },
  )
  .describe('The client id, or `{client_id, issuer, may_forward}`.');

export const identitiesSchema = z.record(certificateIdentity(), bindingSchema);

type Identities = z.output<typeof identitiesSchema>;

/** Two realms may give one name to two clients: with several issuers a name alone says nothing. */
export function* identityFindings(identities: Identities, issuers: readonly Issuer[]): Generator<Finding> {
  const known = issuers.map((each) => each.issuer);
  const hint = `the issuers are ${known.join(', ')}`;
  const unknown = { message: 'is no issuer of jwt', hint: known.length === 0 ? 'jwt has no issuer' : hint };
  for (const [identity, binding] of Object.entries(identities)) {
    const path = ['identities', identity];
    if (binding.issuer !== undefined && !known.includes(binding.issuer))
      yield { path: [...path, 'issuer'], ...unknown };
    if (binding.issuer === undefined && known.length > 1) {
      yield { path, message: 'names no issuer, and jwt has several', hint: `add issuer: ${hint}`, code: 'missing_key' };
    }
    for (const [index, { issuer: other }] of binding.may_forward.entries()) {
      if (other === undefined || known.includes(other)) continue;
      yield { path: [...path, 'may_forward', index, 'issuer'], ...unknown };
    }
  }
}

/** Every client with its issuer: that of its entry, else the only one. */
export function resolveIdentities(identities: Identities, issuers: readonly Issuer[]) {
  const [only] = issuers;
  return Object.fromEntries(
    Object.entries(identities).map(([identity, binding]) => {
      // Without an issuer no token is ever accepted, so none is bound.
      const own = binding.issuer ?? only?.issuer ?? '';
      const may_forward = binding.may_forward.map((each) => ({ ...each, issuer: each.issuer ?? own }));
      return [identity, { client_id: binding.client_id, issuer: own, may_forward }];
    }),
  );
}
