/** The lab identity provider: `sidegate idp --config FILE`. */
import { z } from 'zod';
import { issuerFields, issuerFindings, signingAlgorithms } from './issuer.ts';
import { reading, refuse } from './rule.ts';
import { filePath } from './scalars.ts';

export const identityProviderSchema = z
  .strictObject({
    ...issuerFields,
    signing: z
      .strictObject({
        algorithms: signingAlgorithms(),
        key_dir: filePath().optional().describe('Keeps the keys over restarts; absent: new keys at every start.'),
      })
      .prefault({}),
  })
  .superRefine((config, context) => refuse(context, issuerFindings(config)), reading('base_url', 'tls'));

export type IdentityProviderConfig = z.output<typeof identityProviderSchema>;
