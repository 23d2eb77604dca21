/** `audit`: one record for every exchange. */
import { z } from 'zod';
import { otlpShape } from './otlp.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { byteSize, filePath, readableHeader } from './scalars.ts';

/** What a record may say that somebody may not want written down; the rest is what makes it a record. */
const MASKABLE = [
  'reasons',
  'path',
  'upstream_path',
  'mtls_client',
  'peer',
  'calling_service',
  'user_id',
  'user_context',
  'user',
  'token',
  'headers',
  'policy_audit',
  'resource',
] as const;

const maskedField = () =>
  z
    .string()
    .regex(
      new RegExp(`^(?:${MASKABLE.join('|')})(?:\\.[^.\\s]{1,128}){0,4}$`),
      `is none of ${MASKABLE.join(', ')}, or below one`,
    )
    .meta({ examples: ['user_id', 'user.name', 'headers.User-Agent'] });

const fileSchema = z
  .strictObject({
    path: filePath().describe('One JSON line a record is appended to this file.'),
    max_size: byteSize('4KiB', '1TiB')
      .optional()
      .describe(
        'A file that would grow beyond is put aside, under its name and the time, and a new one begins; absent: never.',
      ),
    max_files: z.int().min(1).max(10_000).optional().describe('So many are kept aside, the oldest go; absent: all.'),
  })
  .superRefine(
    ({ max_size, max_files }, context) => {
      if (max_files === undefined || max_size !== undefined) return;
      refuse(context, [{ path: ['max_files'], message: 'has no effect without max_size', hint: 'set max_size' }]);
    },
    reading('max_size', 'max_files'),
  );

const auditFile = z.strictObject({
  enabled: z.boolean().default(true).describe('Write audit records.'),
  mode: z
    .enum(['required', 'best_effort'])
    .default('required')
    .describe(
      '`required`: nothing is answered whose record cannot be kept, it is 503 instead; `best_effort`: records that cannot be kept wait in memory, up to 1 MiB, and are counted when they are lost.',
    ),
  events: z
    .array(z.enum(['request', 'access']))
    .min(1)
    .default(['request'])
    .describe('`request`: one record for every exchange; `access`: a second one for each that reached the service.'),
  enrichment: z
    .strictObject({
      include_headers: z
        .array(readableHeader())
        .max(32)
        .default([])
        .describe('Request headers in the record, as they were received; never one that carries a credential.'),
      mask_fields: z
        .array(maskedField())
        .max(32)
        .default([])
        .describe('Members of the record whose value is replaced by `[masked]`, with dots for what is inside one.'),
    })
    .prefault({}),
  export: z
    .strictObject({
      stdout: z
        .strictObject({
          enabled: z.boolean().default(true).describe('One line a record on standard output.'),
          format: z
            .enum(['json', 'logfmt'])
            .default('json')
            .describe(
              '`json`: as everywhere else; `logfmt`: `key=value` pairs, dots for what is inside, for a person who watches.',
            ),
        })
        .prefault({}),
      file: fileSchema.optional(),
      otlp: z
        .strictObject(otlpShape())
        .prefault({})
        .describe('A copy of every record for a collector of OpenTelemetry; nobody waits for it, losses are counted.'),
    })
    .prefault({}),
});

type AuditFile = z.output<typeof auditFile>;

export const auditSchema = auditFile.superRefine(
  (audit, context) => refuse(context, keptNowhere(audit)),
  reading('enabled', 'mode', 'export'),
);

/** A collector gets copies when it can: nobody waits for it, so it keeps nothing that is required. */
function* keptNowhere({ enabled, mode, export: { stdout, file, otlp } }: AuditFile): Generator<Finding> {
  if (!enabled || mode !== 'required' || !otlp.enabled || stdout.enabled || file !== undefined) return;
  const hint = 'enable export.stdout, set export.file, or set mode to best_effort';
  yield { path: ['export', 'otlp'], message: 'alone keeps no record that is required', hint };
}
