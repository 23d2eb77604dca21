/** `retry`: when an upstream is asked once more. */
import { z } from 'zod';
import { duration } from './scalars.ts';

export const retrySchema = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('Ask again when GET, HEAD, OPTIONS, PUT or DELETE without a body failed and nothing was answered yet.'),
  attempts: z.int().min(2).max(10).default(3).describe('How often an upstream is asked, the first time included.'),
  delay: duration('0s', '10s').prefault('100ms').describe('Before each further attempt.'),
  conditions: z
    .array(z.enum(['5xx', 'reset', 'connect_failure']))
    .min(1)
    .default(['5xx', 'reset', 'connect_failure'])
    .describe(
      'A status from 500 on; a connection that ends without an answer; one that is not made, unless TLS refused it.',
    ),
});
