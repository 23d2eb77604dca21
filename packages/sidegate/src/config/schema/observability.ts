/** `observability`: what this process tells about itself. */
import { z } from 'zod';
import { otlpShape } from './otlp.ts';

export const observabilitySchema = z.strictObject({
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Measure, and serve `/metrics` on the `admin` listener.'),
      process: z.boolean().default(true).describe('Memory, processor time and file descriptors among the metrics.'),
    })
    .prefault({}),
  tracing: z
    .strictObject({
      ...otlpShape(),
      sample_ratio: z
        .number()
        .min(0)
        .max(1)
        .default(1)
        .describe('Share of the traces that begin here; one that a caller began is kept if the caller keeps it.'),
    })
    .prefault({})
    .describe('One span for every exchange, to a collector of OpenTelemetry.'),
  logging: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('What is less than that is not logged.'),
      format: z.enum(['json', 'logfmt']).default('json').describe('Of the lines on standard error.'),
    })
    .prefault({}),
});
