/** `tls` of a service that we call: what we show, and whom we trust. */
import { z } from 'zod';
import { reading, refuse } from './rule.ts';
import { filePath } from './scalars.ts';
import { filesBeside, identitySource } from './workload-api.ts';

export const clientTlsSchema = z
  .strictObject({
    enabled: z.boolean().default(false).describe('Use the files below; an https target is verified in any case.'),
    source: identitySource().describe(
      'Where certificate, key and the authorities to trust come from; `workload_api` and `authority`: of the chapter of that name, where `ca_cert` does not name others.',
    ),
    client_cert: filePath().optional().describe('Client certificate chain, PEM.'),
    client_key: filePath().optional().describe('Its private key, PEM, readable by its owner only.'),
    ca_cert: filePath().optional().describe('Only this CA is trusted for this service; absent: those of the system.'),
  })
  .superRefine(
    (tls, context) => {
      if (tls.source !== 'files') {
        refuse(context, filesBeside(tls, ['client_cert', 'client_key']));
        return;
      }
      for (const [key, other] of [['client_cert', 'client_key'] as const, ['client_key', 'client_cert'] as const]) {
        if (tls[key] !== undefined || tls[other] === undefined) continue;
        refuse(context, [{ path: [key], message: 'is required', hint: `${other} is set`, code: 'missing_key' }]);
      }
    },
    reading('source', 'client_cert', 'client_key'),
  );
