/** `otlp`: a collector of OpenTelemetry that takes what this process tells. */
import { z } from 'zod';
import { clientTlsSchema } from './client-tls.ts';
import { duration, origin, secret } from './scalars.ts';

/** The members of everything that goes to a collector. */
export const otlpShape = () => ({
  enabled: z.boolean().default(false).describe('Send it.'),
  endpoint: origin()
    .prefault('http://127.0.0.1:4318')
    .describe('Where the collector takes OTLP over HTTP, without the path of the signal.'),
  auth_token: secret(/^[A-Za-z0-9._~+/-]{1,8192}={0,2}$/, 'is not a bearer token')
    .optional()
    .describe('Shown to the collector as a bearer token; absent: none.'),
  timeout: duration('100ms', '60s').prefault('10s').describe('Of one request.'),
  tls: clientTlsSchema.prefault({}),
});
