/** `proxy.cors`: which pages of other origins may call the service from a browser. */
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { browserOrigin, duration, headerName, method } from './scalars.ts';

const ANY = '*';

export const proxyCorsSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('Answer preflights, and say on every answer who may read it, in place of the service.'),
    allowed_origins: z
      .array(browserOrigin())
      .default([])
      .describe('Origins as browsers send them, or `*` alone for every one, which takes no credentials.'),
    allowed_methods: z
      .array(method())
      .min(1)
      .default(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
      .describe('What such a page may ask for.'),
    allowed_headers: z
      .array(headerName())
      .default(['Authorization', 'Content-Type'])
      .describe('Request headers that such a page may set.'),
    exposed_headers: z.array(headerName()).default([]).describe('Response headers that such a page may read.'),
    allow_credentials: z
      .boolean()
      .default(false)
      .describe('Let the browser send cookies and client certificates; only for origins that are named.'),
    max_age: duration('0s', '24h').prefault('10m').describe('How long a browser may remember a preflight.'),
  })
  .superRefine(
    (cors, context) => refuse(context, findings(cors)),
    reading('enabled', 'allowed_origins', 'allowed_headers', 'exposed_headers', 'allow_credentials'),
  );

function* findings(cors: z.output<typeof proxyCorsSchema>): Generator<Finding> {
  const { enabled, allowed_origins: origins, allow_credentials: credentials } = cors;
  if (enabled && origins.length === 0) {
    const hint = 'list the origins: with an empty list no page could call';
    yield { path: ['allowed_origins'], message: 'is empty', hint, code: 'missing_key' };
  }
  if (origins.includes(ANY) && origins.length > 1) {
    yield { path: ['allowed_origins'], message: 'has `*` beside single origins', hint: 'keep one or the other' };
  }
  if (origins.includes(ANY) && credentials) {
    const hint = 'name the origins: any page on the web could act as its visitor';
    yield { path: ['allow_credentials'], message: 'cannot be true for every origin', hint };
  }
  for (const key of ['allowed_headers', 'exposed_headers'] as const) {
    for (const [index, name] of cors[key].entries()) {
      if (name === ANY) yield { path: [key, index], message: 'is a wildcard', hint: 'name the headers' };
    }
  }
}
