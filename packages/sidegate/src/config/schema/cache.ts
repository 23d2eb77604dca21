/** `cache`: decisions that are remembered. */
import { z } from 'zod';
import { duration } from './scalars.ts';

export const cacheSchema = z.strictObject({
  l1: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          'Remember decisions by what the policy can read of a request. Worth it for an engine outside of this process and for policies that take milliseconds; one that reads the clock or random numbers is asked every time.',
        ),
      max_size: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(10_000)
        .describe('So many decisions; the one used longest ago leaves first.'),
      ttl: duration('100ms', '1h').prefault('10s').describe('How long, so how late a change elsewhere may count.'),
    })
    .prefault({}),
});
