/** `observability`: what this process tells about itself. */
import { z } from 'zod';

export const observabilitySchema = z.strictObject({
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Measure, and serve `/metrics` on the `admin` listener.'),
      process: z.boolean().default(true).describe('Memory, processor time and file descriptors among the metrics.'),
    })
    .prefault({}),
});
