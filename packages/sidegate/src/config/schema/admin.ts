/** `admin`: the listener for health, metrics and decisions. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import { reading, refuse } from './rule.ts';
import { address } from './scalars.ts';

export const adminSchema = z
  .strictObject({
    addr: address()
      .prefault('127.0.0.1:9901')
      .describe(
        'Where health, metrics and decisions are asked for; without TLS, so loopback only unless `remote_reason` says why.',
      ),
    remote_reason: z
      .string()
      .min(10)
      .max(200)
      .optional()
      .meta({ examples: ['Prometheus scrapes the address of the pod'] })
      .describe('Why other machines may reach it: allows an address that is not loopback, and is logged at the start.'),
  })
  .superRefine(
    ({ addr, remote_reason }, context) => {
      if (remote_reason !== undefined || (addr.host !== undefined && isLoopback(addr.host))) return;
      const hint = 'set admin.remote_reason to say why other machines may reach it';
      refuse(context, [{ path: ['addr'], message: 'is not a loopback address', hint }]);
    },
    reading('addr', 'remote_reason'),
  );
