/** `server`: protocols of others that ask for decisions. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import { reading, refuse } from './rule.ts';
import { address } from './scalars.ts';

export const serverSchema = z.strictObject({
  grpc: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe(
          "Decide for Envoy: `envoy.service.auth.v3.Authorization/Check`, judged as this sidecar's own ingress would.",
        ),
      addr: address()
        .prefault('127.0.0.1:9090')
        .describe('Where Envoy asks; without TLS, so loopback only unless `remote_reason` says why.'),
      remote_reason: z
        .string()
        .min(10)
        .max(200)
        .optional()
        .meta({ examples: ['Envoy runs in another container of the pod network'] })
        .describe(
          'Why other machines may reach it: allows an address that is not loopback, and is logged at the start.',
        ),
    })
    .superRefine(
      ({ enabled, addr, remote_reason }, context) => {
        if (!enabled || remote_reason !== undefined || (addr.host !== undefined && isLoopback(addr.host))) return;
        const hint = 'set server.grpc.remote_reason to say why other machines may reach it';
        refuse(context, [{ path: ['addr'], message: 'is not a loopback address', hint }]);
      },
      reading('enabled', 'addr', 'remote_reason'),
    )
    .prefault({}),
});
