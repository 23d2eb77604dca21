/** `identities`: which client of the identity provider a certificate belongs to. */
import { z } from 'zod';
import { certificateIdentity } from './scalars.ts';

const clientId = () => z.string().min(1).max(255);

const bindingSchema = z
  .union(
    [
      clientId().transform((client_id) => ({ client_id, may_forward: [] as string[] })),
      z.strictObject({
        client_id: clientId().describe('The client whose own tokens this certificate may present.'),
        may_forward: z.array(clientId()).default([]).describe('Clients whose tokens it may pass on.'),
      }),
    ],
    { error: 'must be a client id, or a mapping of client_id and may_forward' },
  )
  .describe('The client id, or `{client_id, may_forward}`.');

export const identitiesSchema = z.record(certificateIdentity(), bindingSchema);
