/** `policy`: who decides. */
import { z } from 'zod';
import { filePath } from './scalars.ts';

export const policySchema = z.strictObject({
  engine: z.enum(['opa_embedded']).default('opa_embedded').describe('Rego, evaluated in this process.'),
  path: filePath()
    .default('/etc/authz/policies')
    .describe('Folder of `.rego` files, or an OPA bundle (`*.tar.gz`); `*_test.rego` is not loaded.'),
  data_path: filePath().optional().describe('JSON document that policies see as `data`; not beside a bundle.'),
});
