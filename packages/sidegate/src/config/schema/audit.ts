/** `audit`: one record for every exchange. */
import { z } from 'zod';
import { filePath } from './scalars.ts';

export const auditSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('Write audit records.'),
  mode: z
    .enum(['required', 'best_effort'])
    .default('required')
    .describe('`required` refuses requests with 503 while records cannot be written.'),
  events: z
    .array(z.enum(['request', 'access']))
    .min(1)
    .default(['request'])
    .describe('`request`: one record for every exchange; `access`: a second one for each that reached the service.'),
  export: z
    .strictObject({
      stdout: z
        .strictObject({ enabled: z.boolean().default(true).describe('One JSON line a record on standard output.') })
        .prefault({}),
      file: z
        .strictObject({ path: filePath().describe('One JSON line a record is appended to this file.') })
        .optional(),
    })
    .prefault({}),
});
